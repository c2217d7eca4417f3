"""What a network sees of a picture."""

from dataclasses import dataclass
from typing import Literal, get_args

Fit = Literal["stretch", "pad", "crop"]
STACK = 3  # pictures of a burst in a stack, one a channel


@dataclass(frozen=True)
class ImageSpec:
    """Height and width in pixels, how a picture of another shape is fitted to them, and what it is.

    `stretch` ignores the aspect ratio, as the models of the 2019 tool were trained. `pad` keeps it
    and fills up with grey, half on either side. `crop` keeps it and cuts the centre.

    Where it is `stacked`, its channels are not red, green and blue but the luminance of three
    pictures of a burst, in the order taken.

    Raises:
        ValueError: for another fit.
    """

    height: int
    width: int
    fit: Fit = "stretch"
    stacked: bool = False

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fit):
            raise ValueError(f"fit: found {self.fit!r}; allowed: {', '.join(get_args(Fit))}")
