"""What a network sees of a picture."""

from dataclasses import dataclass
from typing import Literal, get_args

Fit = Literal["stretch", "pad", "crop"]


@dataclass(frozen=True)
class ImageSpec:
    """Height and width in pixels, and how a picture of another shape is fitted to them.

    `stretch` ignores the aspect ratio, as the models of the 2019 tool were trained. `pad` keeps it
    and fills up with grey, half on either side. `crop` keeps it and cuts the centre.

    Raises:
        ValueError: for another fit.
    """

    height: int
    width: int
    fit: Fit = "stretch"

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit):
            raise ValueError(f"fit: found {self.fit!r}; allowed: {', '.join(get_args(Fit))}")
