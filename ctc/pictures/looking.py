"""Whether pictures can be decoded, and which have the same content.

A worker process imports this: no pandas, no pyarrow.
"""

from dataclasses import dataclass

from ctc.pictures.decoding import StoredForm, UnreadablePicture, shrunk
from ctc.pictures.files import picture_bytes
from ctc.pictures.fingerprints import content_of

# A JPEG is read to its end, but only an eighth of its rows and columns is computed.
SMALL = StoredForm(max_side=64, quality=85)


@dataclass(frozen=True)
class LookTask:
    """Some pictures to look at.

    Attributes:
        root: the folder or URI that relative paths start from.
        names: paths or URIs of the pictures.
        first: place of the first of them among all.
    """

    root: str
    names: tuple[str, ...]
    first: int


@dataclass(frozen=True)
class Look:
    """What was seen of one picture: the start of its SHA-256, and why it cannot be decoded."""

    content: bytes
    fault: str = ""


def look(task: LookTask) -> tuple[Look, ...]:
    """Read and decode pictures, one after the other."""
    return tuple(_look(task.root, name) for name in task.names)


def _look(root: str, name: str) -> Look:
    try:
        data = picture_bytes(root, name)
    except UnreadablePicture as error:
        return Look(b"", str(error))
    content = content_of(data)
    try:
        shrunk(data, SMALL)
    except UnreadablePicture as error:
        return Look(content, str(error).removeprefix("cannot be decoded: "))
    return Look(content)
