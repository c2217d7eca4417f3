"""What a network sees of a picture."""

from dataclasses import dataclass
from typing import Literal

Fit = Literal["stretch"]


@dataclass(frozen=True)
class ImageSpec:
    """Height and width in pixels, and how a picture of another shape is fitted to them.

    `stretch` ignores the aspect ratio, as the models of the 2019 tool were trained.
    """

    height: int
    width: int
    fit: Fit = "stretch"
