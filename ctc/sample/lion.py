"""The lion: tan, long and low, with a tufted tail; males wear a mane."""

from ctc.sample.figure import RGB, Figure, Individual, Layer, Pose, plain, shade
from ctc.sample.legs import Leg, hoof, leg
from ctc.sample.strokes import XY, Frame, burr, limb, moved, oval, smooth

TAN: RGB = (201, 158, 98)
PALE: RGB = (232, 206, 160)
BROWN: RGB = (66, 42, 26)
MANE: RGB = (110, 66, 32)
BODY = (
    (-0.82, 0.78), (-0.74, 0.98), (-0.42, 1.02), (0.0, 0.97), (0.36, 1.06), (0.60, 0.98),
    (0.70, 0.76), (0.52, 0.50), (0.12, 0.45), (-0.30, 0.52), (-0.60, 0.56), (-0.80, 0.62),
)  # fmt: skip
FACE = (
    (-0.20, 0.0), (-0.14, 0.17), (0.02, 0.20), (0.13, 0.11), (0.27, 0.06), (0.32, -0.02),
    (0.29, -0.13), (0.14, -0.18), (-0.04, -0.18), (-0.17, -0.12),
)  # fmt: skip
LEG_WIDTHS = (0.34, 0.20, 0.13, 0.12)


def lion(one: Individual, pose: Pose) -> Figure:
    """Return a lion, 1.05 m at the shoulder; it has a mane when the animal is male."""
    drop = -0.40 if pose.action == "resting" else 0.0
    head = Frame(_head(pose, drop), _tilt(pose) + 6 * pose.twitch, one.head)
    body = moved(smooth(BODY, closed=True), 0.0, drop)
    belly = ((0.4, 0.45 + drop), (-0.5, 0.5 + drop))
    layers = [_leg(slot, pose, drop).shaded(0.7) for slot in ("far hind", "far fore")]
    layers += [*_tail(pose, drop), Layer((body,), TAN, ((limb(belly, (0.2, 0.16)), PALE),))]
    layers += [_leg(slot, pose, drop) for slot in ("near hind", "near fore")]
    layers += [*_prey(pose), *_neck(one, head, drop), *_face(head)]
    return Figure(tuple(layers), (head.spot(0.11, 0.05),))


def _head(pose: Pose, drop: float) -> XY:
    if pose.action == "eating":
        return 0.98, 0.36
    return (0.90, (1.10 if pose.action == "moving" else 1.20) + drop + 0.03 * pose.twitch)


def _tilt(pose: Pose) -> float:
    return -52.0 if pose.action == "eating" else -8.0


def _leg(slot: str, pose: Pose, drop: float) -> Layer:
    top = (-0.58, 0.72 + drop) if "hind" in slot else (0.44, 0.70 + drop)
    one = leg(slot, top, pose, LEG_WIDTHS)
    if pose.action == "resting" and "fore" in slot:
        one = _stretched(top, slot)
    return Layer((one.outline(), hoof(one, 0.17)), TAN, ((hoof(one, 0.13), PALE),))


def _stretched(top: XY, slot: str) -> Leg:
    """Return a fore leg as a sphinx lays it: elbow down, paw far ahead."""
    far = 0.10 if "far" in slot else 0.0
    elbow = (top[0] - 0.02, 0.12)
    return Leg((top, elbow, (0.8 + far, 0.07), (1.02 + far, 0.06)), (0.32, 0.22, 0.13, 0.12))


def _tail(pose: Pose, drop: float) -> tuple[Layer, Layer]:
    swing = 0.12 * pose.twitch
    end = (-1.40 - swing, max(0.14, 0.52 + drop + swing))
    line = (
        (-0.76, 0.90 + drop), (-0.98, 0.72 + drop), (-1.16, max(0.06, 0.42 + drop)), end,
    )  # fmt: skip
    tuft = limb((end, (end[0] - 0.16, end[1] + 0.10)), (0.08, 0.15, 0.05))
    return plain(shade(TAN, 0.9), limb(line, (0.10, 0.06, 0.055))), plain(BROWN, tuft)


def _prey(pose: Pose) -> tuple[Layer, ...]:
    """Return what an eating lion eats."""
    if pose.action != "eating":
        return ()
    lump = limb(((0.98, 0.06), (1.28, 0.12), (1.58, 0.05)), (0.16, 0.28, 0.12))
    ribs = tuple((oval((x, 0.13), 0.035, 0.2, 12), (222, 196, 176)) for x in (1.16, 1.25, 1.34))
    return (Layer((lump,), (128, 44, 34), ribs),)


def _neck(one: Individual, head: Frame, drop: float) -> tuple[Layer, ...]:
    neck = limb(((0.44, 0.84 + drop), head.spot(-0.06, 0.0)), (0.44, 0.30))
    if not one.male:
        return (plain(TAN, neck),)
    middle = (head.origin[0] * 0.7 + 0.52 * 0.3, head.origin[1] * 0.7 + (0.8 + drop) * 0.3)
    ruff = burr((middle[0] - 0.02, middle[1] - 0.02), 0.74, 0.84, 15, 0.14)
    crown = burr(head.spot(-0.10, 0.02), 0.56, 0.62, 13, 0.14)
    ruff[:, 1] = ruff[:, 1].clip(min=0.02)
    return plain(TAN, neck), plain(shade(MANE, 0.72), ruff), plain(MANE, crown)


def _face(head: Frame) -> tuple[Layer, ...]:
    chin = head.put(oval((0.22, -0.10), 0.24, 0.17))
    nose = head.put(oval((0.30, 0.01), 0.09, 0.07))
    ears = [oval(head.spot(x, 0.19), 0.13, 0.14) for x in (-0.10, 0.03)]
    inner = oval(head.spot(-0.10, 0.19), 0.07, 0.08)
    return (
        plain(shade(TAN, 0.8), *ears),
        plain(BROWN, inner),
        Layer((head.put(smooth(FACE, closed=True)),), TAN, ((chin, PALE), (nose, BROWN))),
        plain((30, 22, 14), oval(head.spot(0.11, 0.05), 0.055, 0.045)),
    )
