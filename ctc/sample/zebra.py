"""The zebra: a striped horse with a brush of a mane."""

from ctc.sample.figure import RGB, Figure, Individual, Layer, Mark, Pose, plain, shade
from ctc.sample.legs import Leg, hoof, leg
from ctc.sample.strokes import XY, Frame, Points, bands, limb, moved, smooth

WHITE: RGB = (236, 231, 220)
BLACK: RGB = (30, 27, 27)
BODY = (
    (-0.76, 1.08), (-0.66, 1.32), (-0.35, 1.39), (0.05, 1.33), (0.34, 1.40), (0.56, 1.30),
    (0.68, 1.02), (0.54, 0.76), (0.15, 0.64), (-0.25, 0.67), (-0.52, 0.76), (-0.74, 0.86),
)  # fmt: skip
HEAD = (
    (-0.08, 0.03), (0.0, 0.13), (0.15, 0.13), (0.35, 0.08), (0.50, 0.06), (0.56, -0.01),
    (0.52, -0.09), (0.40, -0.11), (0.22, -0.15), (0.05, -0.18), (-0.06, -0.12),
)  # fmt: skip
MUZZLE = ((0.41, 0.1), (0.6, 0.1), (0.6, -0.15), (0.38, -0.15))
EAR = ((-0.05, 0.08), (-0.11, 0.22), (-0.05, 0.31), (0.02, 0.20), (0.03, 0.10))
LEG_WIDTHS = (0.34, 0.17, 0.105, 0.09)


def zebra(one: Individual, pose: Pose) -> Figure:
    """Return a zebra, 1.4 m at the withers."""
    drop = -0.60 if pose.action == "resting" else 0.0
    body = moved(smooth(BODY, closed=True), 0.0, drop)
    neck, head = _neck(pose, drop), _head(one, pose, drop)
    layers = [_leg("far hind", pose, drop).shaded(0.62), _leg("far fore", pose, drop).shaded(0.62)]
    layers += [*_tail(pose, drop), Layer((body,), WHITE, _body_stripes(drop))]
    layers += [_leg("near hind", pose, drop), _leg("near fore", pose, drop)]
    layers += [*_mane(neck), _neck_layer(neck, drop)]
    return Figure((*layers, *_head_layers(head)), (head.spot(0.16, 0.05),))


def _neck(pose: Pose, drop: float) -> tuple[XY, XY, XY]:
    if pose.action == "eating":
        return (0.42, 1.08), (0.76, 0.86), (1.0, 0.56)
    nod = 0.04 * pose.twitch
    return (0.42, 1.10 + drop), (0.70, 1.42 + drop), (0.90 - nod, 1.78 + drop + nod)


def _head(one: Individual, pose: Pose, drop: float) -> Frame:
    tilt = -72.0 if pose.action == "eating" else -38.0
    return Frame(_neck(pose, drop)[-1], tilt + 6 * pose.twitch, one.head)


def _black(outlines: list[Points]) -> tuple[Mark, ...]:
    return tuple((outline, BLACK) for outline in outlines)


def _body_stripes(drop: float) -> tuple[Mark, ...]:
    spine = ((-0.80, 0.92 + drop), (-0.45, 1.02 + drop), (0.0, 1.0 + drop), (0.75, 1.02 + drop))
    return _black(bands(spine, 0.135, 0.56, 0.46, slant=-0.12))


def _neck_layer(neck: tuple[XY, XY, XY], drop: float) -> Layer:
    # The stripes of the body go on where the neck's round root lies on the shoulder.
    root = tuple(mark for mark in _body_stripes(drop) if mark[0][:, 0].mean() < 0.42)
    stripes = _black(bands(neck, 0.125, 0.56, 0.30))
    return Layer((limb(neck, (0.56, 0.36, 0.27)),), WHITE, (*root, *stripes))


def _leg(slot: str, pose: Pose, drop: float) -> Layer:
    top = (-0.54, 0.96 + drop) if "hind" in slot else (0.42, 0.90 + drop)
    one = leg(slot, top, pose, LEG_WIDTHS)
    stripes = (*_body_stripes(drop), *_black(bands(one.points[1:], 0.11, 0.52, 0.2)))
    return Layer((one.outline(), _hoof(one)), WHITE, (*stripes, (_hoof(one), BLACK)))


def _hoof(one: Leg) -> Points:
    return hoof(one, 0.11)


def _tail(pose: Pose, drop: float) -> tuple[Layer, Layer]:
    swing = 0.14 * pose.twitch
    root, end = (-0.72, 1.20 + drop), (-0.88 - swing, max(0.10, 0.74 + drop))
    middle = (-0.87, max(0.2, 1.0 + drop))
    tuft = limb((end, (end[0] - 0.03 - swing / 2, max(0.06, end[1] - 0.24))), (0.07, 0.11, 0.03))
    return plain(shade(WHITE, 0.8), limb((root, middle, end), (0.08, 0.05))), plain(BLACK, tuft)


def _mane(neck: tuple[XY, XY, XY]) -> tuple[Layer]:
    crest = [(x - 0.17 + 0.06 * i, y + 0.10 + 0.02 * i) for i, (x, y) in enumerate(neck)]
    stripes = tuple((band, WHITE) for band in bands(crest, 0.125, 0.4, 0.2))
    return (Layer((limb(crest, (0.16, 0.2, 0.14)),), BLACK, stripes),)


def _head_layers(head: Frame) -> tuple[Layer, ...]:
    stripes = _black([head.put(b) for b in bands(((0.0, 0.0), (0.44, 0.0)), 0.095, 0.5, 0.2, 0.06)])
    face = Layer(
        (head.put(smooth(HEAD, closed=True)),), WHITE, (*stripes, (head.put(MUZZLE), BLACK))
    )
    eye = Frame(head.spot(0.16, 0.05)).put(smooth(((-0.03, 0), (0, 0.025), (0.03, 0)), closed=True))
    ear = head.put(smooth(EAR, closed=True))
    back = plain(shade(WHITE, 0.6), moved(ear, 0.06, -0.01))
    return back, face, plain(WHITE, ear), plain(BLACK, eye)
