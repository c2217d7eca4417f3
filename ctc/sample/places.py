"""The ten locations of the sample: their light, ground, plants, and the height of the camera."""

from dataclasses import dataclass

from ctc.sample.figure import RGB


@dataclass(frozen=True)
class Place:
    """What a location looks like. `horizon` is a share of the picture's height.

    `eye` is the height of the camera in metres. `things` are (what, how many, tallest in shares
    of the picture's height, farthest and nearest depth in 0..1 from the horizon to the lower rim).
    """

    name: str
    sky: tuple[RGB, RGB]
    ground: tuple[RGB, RGB]
    grass: RGB
    leaf: RGB
    horizon: float
    eye: float
    hills: float
    tufts: int
    things: tuple[tuple[str, int, float, float, float], ...]


BLUE: tuple[RGB, RGB] = ((112, 160, 208), (206, 222, 228))
PALE: tuple[RGB, RGB] = ((168, 188, 202), (224, 222, 210))
WARM: tuple[RGB, RGB] = ((136, 168, 200), (236, 214, 180))
PLACES = (
    Place(
        "S1-01",
        BLUE,
        ((196, 176, 112), (170, 144, 86)),
        (186, 160, 84),
        (94, 110, 56),
        0.42,
        1.6,
        0.05,
        520,
        (("acacia", 3, 0.30, 0.01, 0.05), ("bush", 4, 0.05, 0.0, 0.05)),
    ),
    Place(
        "S1-02",
        PALE,
        ((150, 132, 92), (132, 108, 72)),
        (134, 128, 66),
        (86, 98, 54),
        0.40,
        1.55,
        0.0,
        380,
        (("roundtree", 9, 0.26, 0.0, 0.03), ("bush", 14, 0.13, 0.0, 0.16)),
    ),
    Place(
        "S1-03",
        BLUE,
        ((128, 148, 76), (112, 132, 62)),
        (112, 142, 56),
        (70, 100, 46),
        0.43,
        1.6,
        0.09,
        620,
        (("acacia", 2, 0.22, 0.0, 0.02), ("roundtree", 3, 0.16, 0.0, 0.02)),
    ),
    Place(
        "S1-04",
        WARM,
        ((184, 122, 82), (168, 104, 66)),
        (178, 142, 86),
        (112, 112, 60),
        0.42,
        1.6,
        0.13,
        200,
        (
            ("boulder", 9, 0.17, 0.0, 0.08),
            ("acacia", 1, 0.26, 0.02, 0.03),
            ("boulder", 5, 0.05, 0.15, 0.7),
        ),
    ),
    Place(
        "S1-05",
        PALE,
        ((98, 100, 62), (104, 92, 58)),
        (92, 108, 50),
        (58, 82, 42),
        0.40,
        1.5,
        0.0,
        360,
        (
            ("roundtree", 16, 0.42, 0.0, 0.04),
            ("trunk", 7, 0.05, 0.06, 0.2),
            ("bush", 8, 0.10, 0.0, 0.1),
        ),
    ),
    Place(
        "S1-06",
        BLUE,
        ((190, 172, 132), (162, 138, 98)),
        (164, 150, 84),
        (98, 116, 62),
        0.41,
        1.6,
        0.04,
        260,
        (
            ("acacia", 2, 0.24, 0.0, 0.02),
            ("water", 1, 0.0, 0.05, 0.16),
            ("bush", 5, 0.06, 0.0, 0.03),
        ),
    ),
    Place(
        "S1-07",
        WARM,
        ((206, 176, 128), (192, 154, 104)),
        (204, 176, 108),
        (128, 126, 74),
        0.44,
        1.7,
        0.03,
        300,
        (("bush", 10, 0.07, 0.0, 0.12), ("acacia", 1, 0.36, 0.05, 0.06)),
    ),
    Place(
        "S1-08",
        BLUE,
        ((166, 152, 96), (148, 128, 76)),
        (160, 146, 72),
        (82, 104, 50),
        0.42,
        1.55,
        0.07,
        460,
        (
            ("roundtree", 5, 0.24, 0.0, 0.03),
            ("boulder", 4, 0.08, 0.03, 0.1),
            ("bush", 7, 0.09, 0.0, 0.1),
        ),
    ),
    Place(
        "S1-09",
        WARM,
        ((148, 138, 84), (138, 118, 70)),
        (156, 150, 76),
        (78, 92, 46),
        0.43,
        1.6,
        0.0,
        560,
        (("acacia", 7, 0.24, 0.0, 0.04), ("bush", 5, 0.05, 0.0, 0.06)),
    ),
    Place(
        "S1-10",
        PALE,
        ((120, 116, 74), (112, 98, 62)),
        (118, 122, 60),
        (66, 90, 48),
        0.41,
        1.5,
        0.05,
        400,
        (
            ("roundtree", 10, 0.32, 0.0, 0.03),
            ("water", 1, 0.0, 0.04, 0.11),
            ("trunk", 2, 0.07, 0.1, 0.22),
        ),
    ),
)
