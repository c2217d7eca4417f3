"""Parameters of what a network sees of a picture, and how pictures are changed in training."""

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
    capture_images: Annotated[
        str,
        "What an epoch shows of a capture: a picture at random, its first, or grayscale_stack, "
        "three pictures of the burst as the channels of one, which all later steps see too; auto: "
        "as the parent does, without one random.",
        Choice(("auto", "random", "first", "grayscale_stack")),
    ] = "auto"


@dataclass(frozen=True)
class Changes:
    """How pictures are changed at random each time that training shows them."""

    color: Annotated[
        str,
        "How far brightness, contrast, saturation and hue are changed.",
        Choice(("none", "little", "full")),
    ] = "little"
    crop: Annotated[
        float, "Share of height and width that may be cut away, at any side.", Between(0, 0.9)
    ] = 0.15
    zoom: Annotated[
        float,
        "Share by which a picture is shown larger or smaller about its centre; around a smaller "
        "one its border goes on.",
        Between(0, 0.9),
    ] = 0.0
    rotate: Annotated[
        float, "Degrees that a picture is turned to either side.", Between(0, 180)
    ] = 5.0
    flip: Annotated[bool, "Show every other picture as in a mirror."] = True
    mixup: Annotated[
        float,
        "Blend each picture with another of its batch, and their labels alike: alpha of mixup; 0: "
        "do not.",
        Between(0, 10),
    ] = 0.0
