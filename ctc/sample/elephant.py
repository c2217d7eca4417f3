"""The elephant: a grey mountain with a trunk, tusks and ears like sails."""

from ctc.sample.figure import RGB, Figure, Individual, Layer, Pose, plain, shade
from ctc.sample.legs import Leg, leg
from ctc.sample.strokes import XY, Frame, Points, limb, moved, oval, smooth

GREYS: tuple[RGB, ...] = ((124, 119, 114), (112, 110, 110), (131, 120, 108))
IVORY: RGB = (238, 230, 208)
BODY = (
    (-1.48, 1.90), (-1.34, 2.48), (-0.85, 2.86), (-0.1, 2.92), (0.75, 2.98), (1.30, 2.74),
    (1.45, 2.05), (1.15, 1.38), (0.4, 1.10), (-0.5, 1.12), (-1.1, 1.26), (-1.42, 1.50),
)  # fmt: skip
SKULL = (
    (-0.55, 0.0), (-0.42, 0.52), (-0.05, 0.66), (0.30, 0.50), (0.48, 0.18), (0.56, -0.20),
    (0.40, -0.58), (0.02, -0.66), (-0.36, -0.48),
)  # fmt: skip
EAR = (
    (0.06, 0.50), (-0.26, 0.66), (-0.66, 0.58), (-0.92, 0.20), (-0.84, -0.35), (-0.50, -0.86),
    (-0.22, -0.80), (-0.06, -0.40), (0.02, 0.05),
)  # fmt: skip
LEG_WIDTHS = (0.86, 0.62, 0.52, 0.56)


def elephant(one: Individual, pose: Pose) -> Figure:
    """Return an elephant, 3.0 m at the shoulder."""
    grey = GREYS[one.coat % 3]
    drop = -1.02 if pose.action == "resting" else 0.0
    head = Frame(_head(pose, drop), _tilt(pose), 1.0 + (one.head - 1.0) * 0.5)
    layers = [_leg(slot, pose, grey).shaded(0.68) for slot in ("far hind", "far fore")]
    layers += [*_tail(pose, drop, grey), plain(grey, moved(smooth(BODY, closed=True), 0.0, drop))]
    layers += [_leg(slot, pose, grey) for slot in ("near hind", "near fore")]
    return Figure((*layers, *_head_layers(one, pose, head, grey)), (head.spot(0.24, 0.10),))


def _head(pose: Pose, drop: float) -> XY:
    if pose.action == "eating":
        return 1.68, 1.92
    return 1.66, 2.52 + drop + 0.05 * pose.twitch


def _tilt(pose: Pose) -> float:
    return (-16.0 if pose.action == "eating" else 0.0) + 2 * pose.twitch


def _leg(slot: str, pose: Pose, grey: RGB) -> Layer:
    if pose.action == "resting":
        return _kneeling(slot, grey)
    top = (-0.98, 1.62) if "hind" in slot else (0.84, 1.62)
    one = leg(slot, top, pose, LEG_WIDTHS)
    # A flat sole instead of the round end of a limb.
    sole = oval((one.foot[0], one.foot[1] + 0.1), 0.64, 0.3)
    marks = tuple((nail, shade(grey, 1.45)) for nail in _nails(one))
    return Layer((moved(one.outline(), 0.0, 0.04), sole), shade(grey, 0.94), marks)


def _kneeling(slot: str, grey: RGB) -> Layer:
    """Return a leg of a lying elephant: forearm stretched ahead, or the round of a thigh."""
    far = 0.22 if "far" in slot else 0.0
    if "fore" in slot:
        arm = limb(((0.85, 0.62), (1.25 + far, 0.30), (1.85 + far, 0.22)), (0.8, 0.55, 0.42))
        return plain(shade(grey, 0.94), arm)
    thigh = oval((-0.92 + far, 0.56), 1.15, 1.08)
    return plain(shade(grey, 0.94), thigh, oval((-0.42 + far, 0.2), 0.85, 0.4))


def _nails(one: Leg) -> list[Points]:
    x, y = one.foot
    return [oval((x + dx, y + 0.06), 0.12, 0.13) for dx in (0.02, 0.16, 0.28)]


def _tail(pose: Pose, drop: float, grey: RGB) -> tuple[Layer, Layer]:
    swing = 0.2 * pose.twitch
    end = (-1.72 - swing, max(0.25, 1.25 + drop))
    rope = limb(((-1.42, 2.2 + drop), (-1.64, 1.8 + drop), end), (0.14, 0.07))
    tuft = limb((end, (end[0] - swing / 2, max(0.08, end[1] - 0.28))), (0.07, 0.12, 0.04))
    return plain(shade(grey, 0.85), rope), plain(shade(grey, 0.35), tuft)


def _trunk(pose: Pose, head: Frame) -> Points:
    root = head.spot(0.30, -0.10)
    if pose.action == "eating":
        line = (root, (2.42, 1.15), (2.52, 0.60), (2.44, 0.18), (2.22, 0.10))
    elif pose.action == "resting":
        line = (root, (2.35, 0.85), (2.50, 0.36), (2.85, 0.16), (3.1, 0.26))
    else:
        sway = 0.12 * pose.twitch
        line = (root, (2.33, 1.75), (2.34 + sway, 1.15), (2.36 + sway, 0.68), (2.62 + sway, 0.62))
    return limb(line, (0.56, 0.40, 0.29, 0.22, 0.16))


def _tusk(head: Frame) -> Points:
    return head.put(limb(((0.34, -0.42), (0.66, -0.68), (1.02, -0.62)), (0.15, 0.12, 0.05)))


def _ear(pose: Pose, head: Frame, grow: float) -> Points:
    flap = 1.0 + 0.10 * pose.twitch
    sail = [(x * flap * grow, y * grow) for x, y in EAR]
    return head.put(smooth(sail, closed=True))


def _head_layers(one: Individual, pose: Pose, head: Frame, grey: RGB) -> tuple[Layer, ...]:
    tusks = () if one.baby else (plain(IVORY, _tusk(head)),)
    return (
        plain(grey, _trunk(pose, head)),
        plain(shade(grey, 1.05), head.put(smooth(SKULL, closed=True))),
        *tusks,
        plain(shade(grey, 0.55), _ear(pose, head, 1.05)),
        plain(shade(grey, 0.86), _ear(pose, head, 0.97)),
        plain((25, 20, 18), oval(head.spot(0.24, 0.10), 0.11, 0.09)),
        *_forage(pose),
    )


def _forage(pose: Pose) -> tuple[Layer, ...]:
    """Return the tuft of grass that an eating elephant holds in its trunk."""
    if pose.action != "eating":
        return ()
    ends = ((2.02, 0.34), (2.12, 0.42), (2.28, 0.44), (2.0, 0.2))
    return (plain((112, 124, 52), *(limb(((2.24, 0.08), end), (0.05, 0.02)) for end in ends)),)
