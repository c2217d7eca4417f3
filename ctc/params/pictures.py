"""Parameters of what a network sees of a picture."""

from dataclasses import dataclass
from typing import Annotated

from ctc.parameter import Between, Choice


@dataclass(frozen=True)
class SeenPictures:
    """What the network sees of a picture, in training and ever after."""

    image_size: Annotated[
        int | None,
        "Height and width the network sees; none: the parent's, without one 224.",
        Between(16, 2048),
    ] = None
    image_height: Annotated[
        int | None, "Height, where it is not image_size.", Between(16, 2048)
    ] = None
    image_width: Annotated[int | None, "Width, where it is not image_size.", Between(16, 2048)] = (
        None
    )
    fit: Annotated[
        str,
        "How a picture of another shape is fitted: stretch ignores its aspect ratio, pad fills up "
        "with grey, crop cuts its centre; auto: the parent's, without one stretch.",
        Choice(("auto", "stretch", "pad", "crop")),
    ] = "auto"
