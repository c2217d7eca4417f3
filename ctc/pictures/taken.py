"""When a picture was taken, as the camera wrote it into the file. No TensorFlow."""

import io
import re
from datetime import datetime
from typing import Any

from PIL import Image

from ctc.pictures.decoding import FORMATS
from ctc.pictures.silence import NO_WARNINGS

EXIF_IFD, TIME_ORIGINAL, SUB_SECOND = 0x8769, 0x9003, 0x9291  # tags of EXIF 2.3, tables 4 and 8
TIME = re.compile(r"(\d{4}):(\d{2}):(\d{2}) (\d{2}:\d{2}:\d{2})")


def taken_at(data: bytes) -> str | None:
    """Return the time of the camera's clock, such as 2024-05-03T07:15:00.25.

    It is `DateTimeOriginal`, with `SubSecTimeOriginal` behind it where that is there. None where a
    picture does not say, where no clock says that (0000:00:00), and where it cannot be read.

    Args:
        data: the encoded picture, or its first part, with all that stands before its pixels.
    """
    with NO_WARNINGS:
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return taken_by(image.getexif())
        except Exception:  # Pillow's plugins raise whatever their format's parser does
            return None


def taken_by(exif: Image.Exif | None) -> str | None:
    """Return the same of a picture whose EXIF is known; None where it is broken."""
    with NO_WARNINGS:
        try:
            tags = exif.get_ifd(EXIF_IFD) if exif is not None else {}
        except Exception:  # Pillow raises whatever its parser does
            return None
    return _written(tags.get(TIME_ORIGINAL), tags.get(SUB_SECOND))


def _written(time: Any, fraction: Any) -> str | None:
    found = TIME.fullmatch(str(time).strip("\0 "))
    if not found:
        return None
    year, month, day, clock = found.groups()
    whole, digits = f"{year}-{month}-{day}T{clock}", str(fraction).strip("\0 ")
    try:
        datetime.fromisoformat(whole)
    except ValueError:
        return None
    return f"{whole}.{digits}" if re.fullmatch("[0-9]{1,9}", digits) else whole
