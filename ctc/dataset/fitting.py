"""A single picture as the network sees it, without TensorFlow.

To the bit what `ctc.dataset.reading` makes of the same decoded picture within the graph that makes
batches. Called for one picture at a time, from the threads that decode, TensorFlow takes four times
as long: its own threads look for more work each time and find none.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctc.dataset.image_spec import ImageSpec
from ctc.pictures.decoding import to_pixels

# What `pad` fills up with. Most networks scale 0..255 to -1..1: this is their 0, as what a
# convolution finds beyond the edge of a picture, and augmented contrast turns about it.
GREY = 128
LUMINANCE = (0.2989, 0.5870, 0.1140)  # ITU-R BT.601, by which a JPEG's luminance is made too

Places = NDArray[np.intp]
Floats = NDArray[np.float32]


def fitted_pixels(data: bytes, image: ImageSpec) -> NDArray[np.uint8]:
    """Decode one encoded picture of any format as the network wants it.

    Differs from what training sees by the JPEG decoder's faster transform alone.

    Returns:
        RGB values, [H, W, 3]; where the network sees stacks, one channel of them, [H, W, 1].

    Raises:
        UnreadablePicture: if it cannot be decoded.
    """
    return seen(to_pixels(data, enough(image)), image)


def enough(image: ImageSpec) -> Callable[[int, int], tuple[int, int]]:
    """Return what says how large a picture of some height and width has to be decoded."""
    return lambda height, width: whole(height, width, image)


def seen(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """Return decoded pixels as the network sees them; see `fitted_pixels`."""
    fitted = fit(pixels, image)
    return _luminance(fitted) if image.stacked else fitted


def fit(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """Bring decoded pixels, [rows, columns, 3], to [H, W, 3]."""
    if image.fit == "crop":  # before it is resized, when there are the fewest pixels to move
        pixels = _centre(pixels, image)
    if image.fit == "pad":
        rows, columns = whole(pixels.shape[0], pixels.shape[1], image)
        return _padded(_resized(pixels, rows, columns), image)
    return _resized(pixels, image.height, image.width)


def whole(
    height: int,
    width: int,
    image: ImageSpec,
    smaller: Callable[[Any, Any], Any] = min,
    larger: Callable[[Any, Any], Any] = max,
) -> tuple[int, int]:
    """Return height and width that a whole picture is resized to: what is enough to decode.

    Of tensors, where `smaller` and `larger` are of tensors too, it returns tensors.
    """
    if image.fit == "stretch":
        return image.height, image.width
    limit = smaller if image.fit == "pad" else larger
    rows = rounded(height * image.width, width)
    columns = rounded(width * image.height, height)
    return limit(image.height, larger(rows, 1)), limit(image.width, larger(columns, 1))


def rounded(numerator: int, denominator: int) -> int:
    """Return the whole number nearest to a ratio; of tensors a tensor."""
    return (2 * numerator + denominator) // (2 * denominator)


def _centre(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """Cut the largest part of the network's aspect ratio."""
    height, width = pixels.shape[:2]
    rows = min(max(rounded(width * image.height, image.width), 1), height)
    columns = min(max(rounded(height * image.width, image.height), 1), width)
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]


def _resized(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize as TensorFlow's `ResizeBilinear` with `half_pixel_centers` does, and round.

    Its kernel takes the same steps, in floats of 32 bits: between columns first, then between rows.
    Here the values of a row stand side by side, whatever their colour: NumPy is faster so.
    """
    rows, columns, channels = pixels.shape
    left, right, across = _between(columns, width, channels)
    upper, lower, down = _between(rows, height, 1)
    flat = pixels.reshape(rows, columns * channels)
    lines = _mixed(flat.take(left, 1), flat.take(right, 1), across)
    mixed = _mixed(lines.take(upper, 0), lines.take(lower, 0), down[:, None])
    whole_numbers: NDArray[np.uint8] = np.rint(mixed, out=mixed).astype(np.uint8)
    return whole_numbers.reshape(height, width, channels)


@lru_cache(maxsize=64)  # cameras take pictures of few sizes
def _between(given: int, wanted: int, values: int) -> tuple[Places, Places, Floats]:
    """Return for each of the `wanted` places along a side the two given ones that it lies between,
    and how far it is from the first towards the second, 0 to 1; for each of the `values` there."""
    half = np.float32(0.5)
    places = (np.arange(wanted, dtype=np.float32) + half) * np.float32(given / wanted) - half
    before = np.floor(places)
    ends = np.maximum(before, 0), np.minimum(np.ceil(places), given - 1)
    first, second = (
        (values * end.astype(np.intp)[:, None] + np.arange(values)).ravel() for end in ends
    )
    found = first, second, np.repeat(places - before, values)
    for one in found:
        one.flags.writeable = False
    return found


def _mixed(first: NDArray[Any], second: NDArray[Any], share: Floats) -> Floats:
    """Return what lies between two, a share of the way from the first to the second."""
    start = first.astype(np.float32, copy=False)
    mixed: Floats = np.subtract(second, start, dtype=np.float32)
    mixed *= share
    mixed += start
    return mixed


def _padded(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    rows, columns = image.height - pixels.shape[0], image.width - pixels.shape[1]
    around = [(rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)]
    return np.pad(pixels, around, constant_values=GREY)


def _luminance(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make RGB values grey as TensorFlow's `rgb_to_grayscale` does, [H, W, 1]."""
    weighted = (pixels * np.float32(1 / 255)) @ np.array(LUMINANCE, np.float32)
    grey: NDArray[np.uint8] = (weighted * np.float32(255.5)).astype(np.uint8)
    return grey[..., None]
