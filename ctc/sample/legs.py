"""The four legs of a walking, standing, grazing or lying animal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ctc.sample.figure import Pose
from ctc.sample.strokes import XY, Points, limb, oval

# A walk lifts one foot at a time: hind left, fore left, hind right, fore right.
PHASE = {"far hind": 0.5, "far fore": 0.75, "near hind": 0.0, "near fore": 0.25}
REST_SHIFT = {"far hind": 0.10, "far fore": 0.12, "near hind": -0.06, "near fore": -0.05}


@dataclass(frozen=True)
class Leg:
    """One leg as its control points from the body down to the foot, in metres, and its widths."""

    points: tuple[XY, ...]
    widths: tuple[float, ...]

    @property
    def foot(self) -> XY:
        """Where the leg ends."""
        return self.points[-1]

    def outline(self) -> Points:
        """Return the outline of the leg."""
        return limb(self.points, self.widths)


def leg(slot: str, top: XY, pose: Pose, widths: Sequence[float], spread: float = 0.0) -> Leg:
    """Return the leg named `slot` ("near fore", ...) hanging from `top`.

    `spread` metres moves a standing foot forward, as a drinking giraffe does.
    """
    if pose.action == "resting":
        return _folded(slot, top, widths)
    swing, lift = _step(slot, top[1], pose)
    foot = (top[0] + swing + spread, lift)
    return Leg(_bent(slot, top, foot, lift), tuple(widths))


def _step(slot: str, length: float, pose: Pose) -> tuple[float, float]:
    if pose.action != "moving":
        return REST_SHIFT[slot] * length, 0.0
    turn = 2 * math.pi * (pose.stride + PHASE[slot])
    return 0.36 * length * math.cos(turn), 0.15 * length * max(0.0, -math.sin(turn))


def _bent(slot: str, top: XY, foot: XY, lift: float) -> tuple[XY, ...]:
    # Knees of fore legs bend forward, hocks of hind legs stick out backward even at rest.
    bend = 0.9 * lift if "fore" in slot else -0.05 * top[1] - 0.5 * lift
    height = top[1] - foot[1]
    knee = (top[0] * 0.52 + foot[0] * 0.48 + bend, foot[1] + 0.52 * height)
    ankle = (top[0] * 0.15 + foot[0] * 0.85 + 0.25 * bend, foot[1] + 0.15 * height)
    return top, knee, ankle, foot


def _folded(slot: str, top: XY, widths: Sequence[float]) -> Leg:
    thick, thin = widths[0], widths[-1]
    reach, low = 1.5 * thick, thin * 0.55
    far = 0.25 * thick if "far" in slot else 0.0
    if "fore" in slot:
        knee = (top[0] + reach + far, low * 1.6)
        return Leg((top, knee, (top[0] + 0.1 * reach, low)), (thick, thin * 1.3, thin))
    knee = (top[0] + 0.7 * reach + far, low * 2.4)
    foot = (top[0] + 1.2 * reach + far, low)
    return Leg((top, knee, (top[0], low), foot), (thick * 1.1, thick * 0.8, thin * 1.2, thin))


def hoof(end: Leg, size: float) -> Points:
    """Return the outline of a hoof or paw of `size` metres at the end of a leg."""
    x, y = end.foot
    return oval((x + 0.2 * size, y + 0.3 * size), 1.25 * size, 0.75 * size)
