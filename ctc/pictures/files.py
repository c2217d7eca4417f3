"""The file of a picture, as an inventory names it."""

import re

from ctc import storage
from ctc.pictures.decoding import UnreadablePicture

LARGEST_FILE = 2**30  # bytes; the largest picture that is decoded, uncompressed in 16 bits, fits
URL = re.compile(r"(?!s3:|file:)[a-z][a-z0-9+.-]+://", re.IGNORECASE)
NAMED_BY_URL = "named by a URL; local files and s3:// can be read"
NO_NAME = "its name cannot be that of a file"


def is_url(image: str) -> bool:
    """Say whether a picture is named by a URL that storage does not open, such as http://."""
    return URL.match(image) is not None


def picture_uri(root: str, image: str) -> str:
    """Return where a picture lies that an inventory names: a URL as it is, else a path or URI."""
    return image if is_url(image) else storage.join(root, image)


def picture_bytes(root: str, image: str) -> bytes:
    """Read the file of a picture.

    Args:
        root: the folder or URI that a relative path starts from.
        image: the path or URI, as the inventory has it.

    Raises:
        UnreadablePicture: if there is no such file, or it cannot be read.
        BadInput: if the S3 store cannot be used at all.
    """
    if is_url(image):
        raise UnreadablePicture(NAMED_BY_URL)
    uri = storage.join(root, image)
    try:
        return storage.read_bytes(uri, LARGEST_FILE)
    except OSError as error:
        raise UnreadablePicture(storage.why_not_read(error)) from error
    except ValueError as error:  # a zero byte, say, or half a Unicode character
        if storage.is_s3(uri):
            raise
        raise UnreadablePicture(NO_NAME) from error
