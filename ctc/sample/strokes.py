"""Outlines in the plane: smooth curves, tapered limbs, bands across a limb, turning and placing.

Lengths are metres, x runs the way an animal faces, y runs up from the ground. Angles are degrees,
counter-clockwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
XY = tuple[float, float]
Line = Sequence[XY] | Points


def smooth(points: Line, closed: bool = False, steps: int = 6) -> Points:
    """Return a Catmull-Rom curve, shape (n, 2), through all `points`, `steps` per segment."""
    p = np.asarray(points, dtype=np.float64)
    p = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([p[:1], p, p[-1:]])
    a, b, c, d = (part[:, None, :] for part in (p[:-3], p[1:-2], p[2:-1], p[3:]))
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    bend = (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    curve: Points = (0.5 * (2 * b + (c - a) * t + bend)).reshape(-1, 2)
    return curve if closed else np.vstack([curve, p[-1:]])


def moved(points: Points, x: float, y: float) -> Points:
    """Return `points` moved by `x` and `y` metres."""
    shifted: Points = points + np.array([x, y])
    return shifted


def normals(spine: Points) -> Points:
    """Return unit vectors to the left of `spine`, shape (n, 2)."""
    along = np.gradient(spine, axis=0)
    along = along / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    return np.stack([-along[:, 1], along[:, 0]], axis=1)


def limb(points: Line, widths: Sequence[float]) -> Points:
    """Return the outline of a tapered limb along a smooth curve through `points`.

    `widths` are full widths in metres, spread evenly over the limb; both ends are round.
    """
    spine = smooth(points)
    at = np.linspace(0.0, 1.0, len(spine))
    half = np.interp(at, np.linspace(0.0, 1.0, len(widths)), widths) / 2
    side = normals(spine) * half[:, None]
    tip = _cap(spine[-1], side[-1])
    root = _cap(spine[0], -side[0])
    return np.vstack([spine + side, tip, (spine - side)[::-1], root])


def _cap(centre: Points, start: Points) -> Points:
    angles = -np.linspace(0.0, np.pi, 7)[1:-1, None]
    across = np.array([-start[1], start[0]])
    arc: Points = centre + np.cos(angles) * start + np.sin(angles) * across
    return arc


def bands(
    points: Line, step: float, share: float, reach: float, slant: float = 0.0
) -> list[Points]:
    """Return the outlines of bands across the curve through `points`, one every `step` metres.

    A band takes `share` of its step and goes `reach` metres to both sides; `slant` metres is
    how far its left end runs ahead of its right one.
    """
    spine = smooth(points)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(spine, axis=0).T))])
    return [
        _band(spine, run, at, step * share, reach, slant)
        for at in np.arange(step / 2, run[-1], step)
    ]


def _band(
    spine: Points, run: Points, at: float, thick: float, reach: float, slant: float
) -> Points:
    def point(s: float) -> Points:
        return np.array([np.interp(s, run, spine[:, 0]), np.interp(s, run, spine[:, 1])])

    ahead: Points = point(at + thick) - point(at - thick)
    ahead = ahead / max(float(np.hypot(*ahead)), 1e-9)
    left = np.array([-ahead[1], ahead[0]]) * reach + ahead * slant / 2
    half = ahead * thick / 2
    middle = point(at)
    return np.array(
        [
            middle + left - half * 0.7,
            middle + left + half * 0.7,
            middle + half * 1.2,
            middle - left + half * 0.6,
            middle - left - half * 0.6,
            middle - half * 1.2,
        ]
    )


def oval(centre: XY, width: float, height: float, degrees: float = 0.0) -> Points:
    """Return the outline of an ellipse with full axes `width` and `height`, turned by `degrees`."""
    angles = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    flat = np.stack([np.cos(angles) * width / 2, np.sin(angles) * height / 2], axis=1)
    return Frame(centre, degrees).put(flat)


def burr(centre: XY, width: float, height: float, spikes: int, depth: float) -> Points:
    """Return a ragged ellipse whose rim goes in by the share `depth` between its `spikes`."""
    angles = np.linspace(0.0, 2 * np.pi, spikes * 2, endpoint=False)
    radius = np.where(np.arange(spikes * 2) % 2 == 0, 1.0, 1.0 - depth)
    flat = np.stack([np.cos(angles) * width / 2, np.sin(angles) * height / 2], axis=1)
    ragged: Points = flat * radius[:, None] + np.asarray(centre)
    return ragged


@dataclass(frozen=True)
class Frame:
    """A local coordinate system: where its origin lies, how it is turned and how large it is."""

    origin: XY
    degrees: float = 0.0
    scale: float = 1.0

    def put(self, points: Line) -> Points:
        """Return local `points`, shape (n, 2), in the coordinates around the frame."""
        c, s = np.cos(np.radians(self.degrees)), np.sin(np.radians(self.degrees))
        local = np.asarray(points, dtype=np.float64) * self.scale
        placed: Points = local @ np.array([[c, s], [-s, c]]) + np.asarray(self.origin)
        return placed

    def spot(self, x: float, y: float) -> XY:
        """Return one local point in the coordinates around the frame."""
        placed = self.put([(x, y)])[0]
        return float(placed[0]), float(placed[1])
