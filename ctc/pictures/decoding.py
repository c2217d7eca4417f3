"""Pictures: read whatever a camera wrote, shrink it, store it as JPEG. No TensorFlow.

Everything that can be wrong with a picture ends in one exception, `UnreadablePicture`.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

# Modes that hold more than 8 bits: Pillow would clip them on conversion to RGB.
DEEP_MODES = {"I", "F", "I;16", "I;16B", "I;16L"}


class UnreadablePicture(Exception):
    """A picture that cannot be read; the text says why."""


@dataclass(frozen=True)
class StoredForm:
    """How a picture is stored: longer side in pixels at most, and JPEG quality."""

    max_side: int
    quality: int


def to_jpeg(data: bytes, form: StoredForm) -> bytes:
    """Turn an encoded picture into a JPEG no larger than asked, upright, RGB, without metadata.

    Raises:
        UnreadablePicture: if it cannot be decoded to its end.
    """
    image = _open(data)
    longest = max(image.size)
    if longest > form.max_side:
        # Lets a JPEG decode at 1/2, 1/4 or 1/8 of its size, in the DCT.
        image.draft("RGB", (form.max_side, form.max_side))
    image = _upright_rgb(image)
    image.thumbnail((form.max_side, form.max_side), Image.Resampling.BILINEAR, reducing_gap=None)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=form.quality, comment=b"")  # Pillow would keep it
    return target.getvalue()


def to_pixels(data: bytes, at_least: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode a picture, upright.

    Args:
        data: the encoded picture, in any format that Pillow reads.
        at_least: height and width that will be needed; a JPEG may be decoded at a half, a
            quarter or an eighth of its size as long as it stays as large as this.

    Returns:
        RGB values, [height, width, 3].

    Raises:
        UnreadablePicture: if it cannot be decoded to its end.
    """
    image = _open(data)
    side = max(at_least)  # both ways, for the picture may lie on its side until it is upright
    image.draft("RGB", (side, side))
    return np.asarray(_upright_rgb(image))


def _open(data: bytes) -> Image.Image:
    if not data:
        raise UnreadablePicture("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:  # beyond 179 million
        raise UnreadablePicture("too many pixels") from error
    except Exception as error:  # Pillow's plugins raise whatever their format's parser does
        raise UnreadablePicture("not a picture that can be read") from error


def _upright_rgb(image: Image.Image) -> Image.Image:
    try:
        image.load()
        image.apply_transparency()  # of a palette, about which Pillow would warn otherwise
        image = ImageOps.exif_transpose(image)
        if image.mode in DEEP_MODES:
            image = _eight_bits(image)
        return image if image.mode == "RGB" else image.convert("RGB")
    except Exception as error:  # a truncated file, say; see `_open`
        raise UnreadablePicture(f"cannot be decoded: {error}") from error


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits by its top byte."""
    values = np.asarray(image).astype(np.float64)
    scale = 256.0 if values.max() > 255 else 1.0
    return Image.fromarray((values / scale).clip(0, 255).astype(np.uint8))
