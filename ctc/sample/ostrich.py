"""The ostrich: a dark ball of feathers on two long legs, with a thin pale neck."""

import math

from ctc.sample.figure import RGB, Figure, Individual, Layer, Pose, plain, shade
from ctc.sample.strokes import XY, Frame, Points, burr, limb, moved, oval, smooth

COCK: RGB = (38, 35, 36)
HEN: RGB = (112, 96, 80)
PLUME: RGB = (234, 230, 220)
SKIN: RGB = (205, 172, 150)
BODY = (
    (-0.62, 1.32), (-0.45, 1.55), (-0.08, 1.66), (0.30, 1.58), (0.52, 1.38), (0.46, 1.14),
    (0.18, 0.98), (-0.22, 0.98), (-0.50, 1.12),
)  # fmt: skip


def ostrich(one: Individual, pose: Pose) -> Figure:
    """Return an ostrich, 2.4 m to the top of its head."""
    drop = -0.93 if pose.action == "resting" else 0.0
    coat = COCK if one.male else HEN
    neck = _neck(pose, drop)
    head = Frame(neck[-1], _tilt(pose) + 8 * pose.twitch, one.head)
    body = moved(smooth(BODY, closed=True), 0.0, drop)
    layers = [_leg(pose, 0.5).shaded(0.7), _tail(pose, drop, one.male), plain(coat, body)]
    layers += [_leg(pose, 0.0), plain(coat, _thigh(pose, 0.0)), *_wing(pose, drop, coat)]
    layers += [plain(SKIN, limb(neck, (0.20, 0.12, 0.10, 0.09))), *_head(head)]
    return Figure(tuple(layers), (head.spot(0.07, 0.03),))


def _tilt(pose: Pose) -> float:
    return -58.0 if pose.action == "eating" else -6.0


def _neck(pose: Pose, drop: float) -> tuple[XY, ...]:
    root = (0.40, 1.38 + drop)
    if pose.action == "eating":
        return root, (0.78, 1.12), (0.98, 0.62), (1.06, 0.24)
    nod = 0.04 * pose.twitch
    rise = ((0.62, 1.62), (0.60, 2.0), (0.66 + nod, 2.36))
    return root, *((x, y + drop) for x, y in rise)


def _foot(pose: Pose, phase: float) -> XY:
    if pose.action != "moving":
        return 0.10 if phase else -0.02, 0.0
    turn = 2 * math.pi * (pose.stride + phase)
    return 0.48 * math.cos(turn), 0.22 * max(0.0, -math.sin(turn))


def _thigh(pose: Pose, phase: float) -> Points:
    if pose.action == "resting":
        return oval((0.02, 0.22), 0.62, 0.36)
    x = _foot(pose, phase)[0]
    return limb(((-0.02, 1.15), (0.06 + 0.3 * x, 0.86)), (0.46, 0.24))


def _leg(pose: Pose, phase: float) -> Layer:
    if pose.action == "resting":
        shin = limb(((-0.25, 0.10), (0.2, 0.06), (0.52, 0.05)), (0.10, 0.08))
        return plain(SKIN, shin)
    x, y = _foot(pose, phase)
    # What looks like a knee bending backward is the bird's ankle.
    ankle = (0.45 * x - 0.12 - 0.5 * y, 0.50 + 0.55 * y)
    shank = limb(((0.04 + 0.2 * x, 0.92), ankle, (x, y + 0.05)), (0.20, 0.10, 0.09, 0.075))
    toes = limb(((x - 0.03, y + 0.04), (x + 0.20, y + 0.03)), (0.09, 0.05))
    return plain(SKIN, shank, toes)


def _tail(pose: Pose, drop: float, male: bool) -> Layer:
    colour = PLUME if male else shade(HEN, 1.35)
    plume = burr((-0.62, 1.26 + drop), 0.42, 0.40, 9, 0.22)
    return plain(colour, Frame((0.0, 0.02 * pose.twitch)).put(plume))


def _wing(pose: Pose, drop: float, coat: RGB) -> tuple[Layer, ...]:
    lift = 0.04 * pose.twitch
    wing = limb(
        ((0.34, 1.40 + drop), (0.0, 1.38 + drop + lift), (-0.38, 1.2 + drop + lift)),
        (0.2, 0.40, 0.2),
    )
    fringe = burr((-0.36, 1.14 + drop + lift), 0.26, 0.2, 7, 0.25)
    edge = PLUME if coat == COCK else shade(coat, 1.3)
    return plain(edge, fringe), plain(shade(coat, 1.22), wing)


def _head(head: Frame) -> tuple[Layer, ...]:
    skull = head.put(oval((0.03, 0.02), 0.20, 0.15))
    beak = head.put(((0.10, 0.055), (0.28, -0.005), (0.27, -0.03), (0.10, -0.03)))
    return (
        plain(shade(SKIN, 0.78), beak),
        plain(SKIN, skull),
        plain((24, 20, 18), oval(head.spot(0.07, 0.03), 0.055, 0.055)),
    )
