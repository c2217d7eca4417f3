"""The giraffe: a tower on stilts with brown patches on cream."""

import numpy as np

from ctc.sample.figure import RGB, Figure, Individual, Layer, Mark, Pose, plain, shade
from ctc.sample.legs import hoof, leg
from ctc.sample.strokes import XY, Frame, Points, limb, oval, smooth

CREAM: RGB = (232, 207, 158)
DARK: RGB = (58, 40, 28)
BODY = (
    (-0.84, 1.98), (-0.76, 2.30), (-0.42, 2.45), (0.08, 2.62), (0.50, 2.84), (0.82, 2.62),
    (0.90, 2.15), (0.66, 1.76), (0.12, 1.62), (-0.35, 1.68), (-0.70, 1.74),
)  # fmt: skip
HEAD = (
    (-0.10, 0.02), (0.0, 0.16), (0.14, 0.15), (0.34, 0.08), (0.55, 0.06), (0.64, 0.0),
    (0.60, -0.09), (0.44, -0.11), (0.22, -0.15), (0.04, -0.17), (-0.08, -0.10),
)  # fmt: skip
EAR = ((-0.04, 0.06), (-0.20, 0.14), (-0.30, 0.10), (-0.18, 0.02))
LEG_WIDTHS = (0.44, 0.22, 0.13, 0.13)


def giraffe(one: Individual, pose: Pose) -> Figure:
    """Return a giraffe, 4.9 m to the top of its head."""
    frame = _lean(pose)
    neck, marks = _neck(pose), _patches(one)
    head = Frame(neck[-1], _tilt(pose) + 5 * pose.twitch, one.head)
    body = frame.put(smooth(BODY, closed=True))
    layers = [_leg(slot, pose, frame, marks).shaded(0.66) for slot in ("far hind", "far fore")]
    layers += [*_tail(pose, frame), plain(shade(DARK, 1.8), _mane(neck))]
    layers += [Layer((body, limb(neck, (0.88, 0.54, 0.38, 0.29))), CREAM, marks)]
    layers += [_leg(slot, pose, frame, marks) for slot in ("near hind", "near fore")]
    return Figure((*layers, *_head_layers(head)), (head.spot(0.17, 0.05),))


def _lean(pose: Pose) -> Frame:
    """Return where the body is: on the ground, or tipped forward to bring the head down."""
    if pose.action == "resting":
        return Frame((0.0, -1.56))
    return Frame((0.0, -0.12), -11.0) if pose.action == "eating" else Frame((0.0, 0.0))


def _tilt(pose: Pose) -> float:
    return -66.0 if pose.action == "eating" else -24.0


def _neck(pose: Pose) -> tuple[XY, ...]:
    frame = _lean(pose)
    root = frame.spot(0.52, 2.34)
    if pose.action == "eating":
        return root, (1.25, 1.62), (1.68, 1.05), (1.92, 0.60)
    nod = 0.06 * pose.twitch
    rise = [(0.86, 3.05), (1.05, 3.80), (1.20 + nod, 4.52)]
    return root, *(frame.spot(x, y) for x, y in rise)


def _patches(one: Individual) -> tuple[Mark, ...]:
    """Return a crazy paving of brown patches over all the room a giraffe can take."""
    rng = one.rng()
    brown = ((150, 92, 44), (134, 78, 36), (163, 104, 54))[one.coat % 3]
    step, rows, columns = 0.31, 16, 13
    corner = np.mgrid[0 : rows + 1, 0 : columns + 1].astype(np.float64).transpose(1, 2, 0)
    corner += rng.uniform(-0.27, 0.27, corner.shape)
    corner[:, :, 1] += 0.5 * (np.arange(rows + 1) % 2)[:, None]
    grid = corner[:, :, ::-1] * step + (-1.4, 0.45)
    return tuple((_stone(grid, r, c), brown) for r in range(rows) for c in range(columns))


def _stone(grid: Points, row: int, column: int) -> Points:
    cell = np.array(
        [grid[row, column], grid[row, column + 1], grid[row + 1, column + 1], grid[row + 1, column]]
    )
    # Shrinking towards the middle leaves the cream lines between the patches.
    stone: Points = cell * 0.8 + cell.mean(axis=0) * 0.2
    return stone


def _leg(slot: str, pose: Pose, frame: Frame, marks: tuple[Mark, ...]) -> Layer:
    top = frame.spot(-0.56, 1.96) if "hind" in slot else frame.spot(0.56, 2.0)
    spread = 0.0
    if pose.action == "eating" and "fore" in slot:
        spread = 0.62 if "far" in slot else -0.30
    one = leg(slot, top, pose, LEG_WIDTHS, spread)
    foot = hoof(one, 0.16)
    upper = tuple(mark for mark in marks if mark[0][:, 1].min() > 0.62)
    return Layer((one.outline(), foot), CREAM, (*upper, (foot, DARK)))


def _tail(pose: Pose, frame: Frame) -> tuple[Layer, Layer]:
    swing = 0.15 * pose.twitch
    root, end = frame.spot(-0.80, 2.15), frame.spot(-1.0 - swing, 1.64)
    end = (end[0], max(0.15, end[1]))
    tip = (end[0] - 0.04 - swing / 2, max(0.08, end[1] - 0.42))
    middle = ((root[0] + end[0]) / 2 - 0.07, (root[1] + end[1]) / 2)
    return plain(CREAM, limb((root, middle, end), (0.11, 0.06))), plain(
        DARK, limb((end, tip), (0.07, 0.14, 0.03))
    )


def _mane(neck: tuple[XY, ...]) -> Points:
    (x0, y0), (x1, y1) = neck[0], neck[-1]
    length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-9)
    left = np.array([-(y1 - y0), x1 - x0]) / length
    offset = np.array([0.34, 0.27, 0.20, 0.13])[:, None]
    return limb(np.asarray(neck) + left * offset, (0.16, 0.14, 0.12))


def _head_layers(head: Frame) -> tuple[Layer, ...]:
    face = head.put(smooth(HEAD, closed=True))
    muzzle = head.put(((0.46, 0.12), (0.7, 0.1), (0.7, -0.2), (0.42, -0.2)))
    horns = [head.put(limb(((x, 0.1), (x - 0.07, 0.33)), (0.06, 0.05))) for x in (0.01, 0.09)]
    knobs = [oval(head.spot(x - 0.07, 0.35), 0.1, 0.1) for x in (0.01, 0.09)]
    eye = oval(head.spot(0.17, 0.05), 0.075, 0.06)
    return (
        plain(shade(CREAM, 0.85), *horns),
        plain(DARK, *knobs),
        plain(shade(CREAM, 0.9), head.put(smooth(EAR, closed=True))),
        Layer((face,), CREAM, ((muzzle, shade(CREAM, 0.7)),)),
        plain(DARK, eye),
    )
