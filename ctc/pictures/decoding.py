"""Pictures: read whatever a camera wrote, shrink it, store it as JPEG. No TensorFlow.

Everything that can be wrong with a picture ends in one exception, `UnreadablePicture`.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from ctc.pictures.silence import NO_STDERR, NO_WARNINGS

# What cameras and those who handle their pictures write. Pillow knows forty more, of which one
# starts a program (EPS) and most have seen little testing with broken files.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF")
# Modes that hold more than 8 bits: Pillow would clip them on conversion to RGB.
DEEP_MODES = {"I", "F", "I;16", "I;16B", "I;16L"}
ORIENTATION, UPRIGHT = 0x0112, 1  # a tag of EXIF 2.3, table 4, and what turns its other values
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = {TURNS[5], TURNS[6], TURNS[7], TURNS[8]}
# Bytes that a decoder gets, as a rule the whole file: one that gets the 64 KiB that Pillow gives it
# stops within a block of pixels and begins that again, a fiftieth of its time.
DECODED_AT_ONCE = 1 << 24
NO_PICTURE = "not a picture that can be read"
WEB_PAGES = (b"<!doctype", b"<html")
LONGEST_REASON = 100  # characters of what a library says


Image.preinit()  # load what knows the formats now: once for all workers, which are forked later


class UnreadablePicture(Exception):
    """A picture that cannot be read; the text says why."""


@dataclass(frozen=True)
class StoredForm:
    """How a picture is stored.

    Attributes:
        max_side: longer side in pixels, at most.
        quality: of the JPEG, 1 to 100.
        min_side: shorter side in pixels, at most; where it is given, `max_side` does not apply.
    """

    max_side: int
    quality: int
    min_side: int | None = None

    def size_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the width and height that a picture of this width and height is stored with."""
        shrink = min(size) / self.min_side if self.min_side else max(size) / self.max_side
        if shrink <= 1:  # never enlarged
            return size
        width, height = (max(1, round(side / shrink)) for side in size)
        return width, height


@dataclass(frozen=True)
class Decoded:
    """A picture that was decoded.

    Attributes:
        pixels: RGB values, upright, [height, width, 3].
        exif: what the camera says of it; None where that is broken.
    """

    pixels: NDArray[np.uint8]
    exif: Image.Exif | None


def shrunk(data: bytes, form: StoredForm) -> Image.Image:
    """Decode a picture: no larger than asked, upright, RGB, and nothing but pixels.

    Raises:
        UnreadablePicture: if it cannot be decoded to its end.
    """
    with _guarded():
        image = _open(data)
        size = form.size_of(image.size)
        # Lets a JPEG decode at 1/2, 1/4 or 1/8 of its size, in the DCT, but no smaller than this.
        image.draft("RGB", size)
        _load(image)
        turn = _turn(image)
        image = _rgb(image)
        if image.size != size:
            image = image.resize(size, Image.Resampling.BILINEAR)
        if turn is not None:  # last, when there are the fewest pixels to move
            image = image.transpose(turn)
        image.info = {}  # GPS, comments and colour profiles do not travel
        return image


def size_of(data: bytes) -> tuple[int, int]:
    """Return the width and height that an encoded picture says it has, as it is stored.

    Raises:
        UnreadablePicture: if it is no picture, or one that would never be decoded.
    """
    with _guarded():
        return _open(data).size


def to_jpeg(image: Image.Image, quality: int) -> bytes:
    """Encode a picture.

    Raises:
        UnreadablePicture: if it is too long for a JPEG, which may have 65,500 pixels a side.
    """
    target = io.BytesIO()
    with _guarded():
        image.save(target, "JPEG", quality=quality)
    return target.getvalue()


def to_pixels(data: bytes, enough: Callable[[int, int], tuple[int, int]]) -> NDArray[np.uint8]:
    """Return the pixels of a picture alone; see `decode`."""
    return decode(data, enough).pixels


def decode(data: bytes, enough: Callable[[int, int], tuple[int, int]]) -> Decoded:
    """Decode a picture, upright.

    Args:
        data: the encoded picture, in any format of `FORMATS`.
        enough: from the picture's height and width, upright, to those that will be needed; a JPEG
            may be decoded at a half, a quarter or an eighth of its size as long as it stays as
            large as that.

    Raises:
        UnreadablePicture: if it cannot be decoded to its end.
    """
    with _guarded():
        image = _open(data)
        _draft(image, enough)
        _load(image)
        exif, turn = _exif(image), _turn(image)
        image = _rgb(image)
        return Decoded(np.asarray(image if turn is None else image.transpose(turn)), exif)


@contextmanager
def _guarded() -> Iterator[None]:
    """Turn all that Pillow raises into `UnreadablePicture`, and keep its warnings to itself."""
    with NO_WARNINGS:
        try:
            yield
        except UnreadablePicture:
            raise
        except Image.DecompressionBombError as error:  # beyond 179 million
            raise UnreadablePicture("too many pixels") from error
        except Exception as error:  # Pillow's plugins raise whatever their format's parser does
            raise UnreadablePicture(f"cannot be decoded: {_why(error)}") from error


def _open(data: bytes) -> Image.Image:
    if not data:
        raise UnreadablePicture("empty file")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise
    except Exception as error:  # see `_guarded`
        raise UnreadablePicture(_what_instead(data)) from error
    image.decodermaxblock = DECODED_AT_ONCE
    return image


def _draft(image: Image.Image, enough: Callable[[int, int], tuple[int, int]]) -> None:
    """Let a JPEG decode at a scale that is enough when it stands upright."""
    if image.format != "JPEG":
        return
    width, height = image.size
    if _turn(image) in SIDEWAYS:
        columns, rows = enough(width, height)
    else:
        rows, columns = enough(height, width)
    image.draft("RGB", (int(columns), int(rows)))


def _load(image: Image.Image) -> None:
    # Other packages of the process, those of MegaDetector say, let Pillow fill up with grey what a
    # file lacks, for all.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    if image.format != "TIFF":
        image.load()
        return
    with NO_STDERR:
        image.load()


def _what_instead(data: bytes) -> str:
    if data[:64].lstrip().lower().startswith(WEB_PAGES):
        return f"{NO_PICTURE}: a web page"
    return NO_PICTURE if data.strip(b"\0") else f"{NO_PICTURE}: nothing but zero bytes"


def _why(error: Exception) -> str:
    """Say what an error says, without the numbers in brackets: equal reasons are counted."""
    words = str(error).partition("(")[0].split()
    return " ".join(words)[:LONGEST_REASON] or type(error).__name__


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what turns the picture upright; none where its EXIF is broken, for it may be fine."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, UPRIGHT))
    except Exception:  # see `_guarded`
        return None


def _exif(image: Image.Image) -> Image.Exif | None:
    try:
        return image.getexif()
    except Exception:  # see `_guarded`
        return None


def _rgb(image: Image.Image) -> Image.Image:
    image.apply_transparency()  # of a palette, about which Pillow would warn otherwise
    if image.mode in DEEP_MODES:
        image = _eight_bits(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits by its top byte."""
    values = np.asarray(image).astype(np.float64)
    scale = 256.0 if values.max() > 255 else 1.0
    return Image.fromarray((values / scale).clip(0, 255).astype(np.uint8))
