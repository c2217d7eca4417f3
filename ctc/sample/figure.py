"""What every drawn animal is made of: a pose, layers of painted outlines, and its eyes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ctc.sample.strokes import XY, Points

Action = Literal["standing", "resting", "moving", "eating"]
RGB = tuple[int, int, int]
Mark = tuple[Points, RGB]


@dataclass(frozen=True)
class Individual:
    """One animal: `coat` seeds its pattern and sex, so it looks the same through a burst."""

    coat: int
    baby: bool = False

    def rng(self) -> np.random.Generator:
        """Return the same numbers each time the animal is drawn."""
        return np.random.default_rng(self.coat)

    @property
    def head(self) -> float:
        """The size of the head relative to that of an adult of the same length."""
        return 1.25 if self.baby else 1.0

    @property
    def male(self) -> bool:
        """Whether a sex that shows (mane, black feathers) is male; a baby shows none."""
        return self.coat % 2 == 0 and not self.baby


@dataclass(frozen=True)
class Pose:
    """What an animal does at one moment.

    `stride` is the phase of its walk, 0..1; `twitch`, -1..1, moves head, ears and tail a little.
    """

    action: Action
    stride: float = 0.0
    twitch: float = 0.0


@dataclass(frozen=True)
class Layer:
    """Outlines filled with one colour; `marks` are painted on it and end at its rim."""

    outlines: tuple[Points, ...]
    colour: RGB
    marks: tuple[Mark, ...] = ()

    def shaded(self, factor: float) -> "Layer":
        """Return the layer with all colours multiplied, as the far legs lie in shade."""
        marks = tuple((outline, shade(colour, factor)) for outline, colour in self.marks)
        return Layer(self.outlines, shade(self.colour, factor), marks)


@dataclass(frozen=True)
class Figure:
    """A posed animal in metres, facing right, feet at y = 0; layers go from back to front."""

    layers: tuple[Layer, ...]
    eyes: tuple[XY, ...]

    def box(self) -> tuple[float, float, float, float]:
        """Return left, bottom, right and top in metres."""
        points = np.vstack([outline for layer in self.layers for outline in layer.outlines])
        (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
        return float(left), float(bottom), float(right), float(top)


def shade(colour: RGB, factor: float) -> RGB:
    """Return `colour` multiplied by `factor`, kept in 0..255."""
    red, green, blue = (min(255, max(0, round(part * factor))) for part in colour)
    return red, green, blue


def plain(colour: RGB, *outlines: Points) -> Layer:
    """Return a layer without marks."""
    return Layer(outlines, colour)
