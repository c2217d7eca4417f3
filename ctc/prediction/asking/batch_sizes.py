"""How many pictures the network is asked about at once."""

import math

from ctc.dataset.image_spec import ImageSpec
from ctc.errors import BadInput
from ctc.model.devices import gpus

AUTO = "auto"
# Pictures of 224 x 224 pixels. A CPU is busy with few, and larger batches leave its caches; a GPU
# needs many, and those that it has the memory for are found by trying.
SIDE, ON_CPU, ON_GPU = 224, 32, 256


def batch_size_of(asked: str, image: ImageSpec) -> int:
    """Return the batch size that is asked for, or for `auto` one that suits device and pictures.

    Raises:
        BadInput: for 0.
    """
    if asked == AUTO:
        return _suiting(image, ON_GPU if gpus() else ON_CPU)
    if not int(asked):
        raise BadInput("batch_size: found '0'; allowed: a whole number from 1, or auto")
    return int(asked)


def _suiting(image: ImageSpec, usual: int) -> int:
    """Return a power of two: fewer pictures where they are larger, at most twice the usual."""
    fitting = usual * SIDE**2 / (image.height * image.width)
    return int(2 ** max(0, math.floor(math.log2(min(fitting, 2 * usual)))))
