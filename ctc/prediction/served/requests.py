"""What a model is asked in other words than bytes, and how much a service takes at once.

A service is asked in JSON, so pictures come as base64; or as paths, where it may read files.
"""

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ctc import storage
from ctc.errors import BadInput
from ctc.pictures.decoding import UnreadablePicture, size_of

ALLOWED = "CTC_SERVE_PATHS"  # environment variable: folders, separated as in PATH
MiB = 2**20


@dataclass(frozen=True)
class Limits:
    """What is taken at once; more is refused before a picture is decoded.

    Attributes:
        pictures: number of pictures.
        bytes: of all pictures, encoded as files are, together.
        picture_bytes: of one of them.
        pixels: of one of them.
        side: width or height of one of them, in pixels.
    """

    pictures: int
    bytes: int
    picture_bytes: int
    pixels: int
    side: int


# Three times what cameras take; decoded, the largest picture has 150 MB.
OF_A_SERVICE = Limits(64, 64 * MiB, 32 * MiB, 50_000_000, 20_000)


@dataclass(frozen=True)
class Folders:
    """Folders whose files may be asked for, resolved; none: no file may."""

    allowed: tuple[Path, ...] = ()

    @classmethod
    def of_environment(cls) -> "Folders":
        """Read what `CTC_SERVE_PATHS` allows.

        Raises:
            BadInput: for what is no folder.
        """
        named = [text for text in os.environ.get(ALLOWED, "").split(os.pathsep) if text]
        for text in named:
            if not Path(text).is_dir():
                raise BadInput(f"{ALLOWED}: found '{text}'; allowed: folders that exist")
        return cls(tuple(Path(text).resolve() for text in named))

    def find(self, text: str) -> Path | None:
        """Return a file below one of the folders, by its path from there or its absolute one.

        None where there is no such file, and where it lies, all links followed, elsewhere: who
        asks does not learn which.
        """
        for folder in self.allowed:
            try:
                found = (folder / text).resolve(strict=True)
            except (OSError, RuntimeError, ValueError):  # links in a circle, a zero byte
                continue
            if found.is_relative_to(folder) and found.is_file():
                return found
        return None


def pictures_of(asked: Any, folders: Folders, limits: Limits | None = None) -> list[bytes]:
    """Return the encoded pictures that a model is asked about.

    Args:
        asked: a list, or a table's only column: of bytes, or texts, which are base64 (with line
            breaks or without), or else paths of files; a path holds a ".", which base64 does not.
        folders: where files may be read from.
        limits: of a request; None for no limits, in which case nothing is looked at.

    Raises:
        BadInput: for anything else, what is not allowed or too much; it numbers pictures from 1.
    """
    items = _items(asked)
    if limits and not 1 <= len(items) <= limits.pictures:
        raise BadInput(f"found {len(items)} pictures; allowed: 1 to {limits.pictures}")
    pictures = [_picture(place, item, folders, limits) for place, item in _numbered(items)]
    if limits:
        _check_sizes(pictures, limits)
    return pictures


def _items(asked: Any) -> Sequence[Any]:
    if isinstance(asked, pd.DataFrame):  # of Spark's, of a CSV
        if asked.shape[1] != 1:
            raise BadInput(f"found a table of {asked.shape[1]} columns; allowed: one, of pictures")
        return asked.iloc[:, 0].tolist()
    if isinstance(asked, list | tuple):
        return asked
    raise BadInput(f"found {type(asked).__name__}; allowed: a list of pictures")


def _numbered(items: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    return ((f"picture {number}", item) for number, item in enumerate(items, 1))


def _picture(place: str, item: Any, folders: Folders, limits: Limits | None) -> bytes:
    if isinstance(item, bytes | bytearray):
        return bytes(item)
    if not isinstance(item, str):
        raise BadInput(f"{place}: found {type(item).__name__}; allowed: a picture's bytes, base64")
    if "." in item:
        return _file(place, item, folders, limits)
    # Four letters hold three bytes.
    if limits and 3 * len(item) // 4 > limits.picture_bytes + len(item) // 32:
        raise BadInput(f"{place}: {_too_large(limits)}")
    try:
        return base64.b64decode("".join(item.split()), validate=True)
    except ValueError as error:
        raise BadInput(f"{place}: found a text that is not base64") from error


def _file(place: str, text: str, folders: Folders, limits: Limits | None) -> bytes:
    if not folders.allowed:
        raise BadInput(
            f"{place}: found a path or a text that is not base64; paths are allowed below the "
            f"folders that {ALLOWED} names where the model is served, and it names none"
        )
    path = folders.find(text)
    if path is None:
        raise BadInput(f"{place}: found no such file below the folders that are allowed")
    try:
        return storage.read_bytes(str(path), limits.picture_bytes if limits else None)
    except OSError as error:
        raise BadInput(f"{place}: {storage.why_not_read(error)}") from error


def _check_sizes(pictures: Sequence[bytes], limits: Limits) -> None:
    for place, data in _numbered(pictures):
        if len(data) > limits.picture_bytes:
            raise BadInput(f"{place}: {_too_large(limits)}")
        _check_pixels(place, data, limits)
    if sum(map(len, pictures)) > limits.bytes:
        raise BadInput(f"too many bytes; allowed: {limits.bytes // MiB} MiB of pictures together")


def _too_large(limits: Limits) -> str:
    return f"too many bytes; allowed: {limits.picture_bytes // MiB} MiB"


def _check_pixels(place: str, data: bytes, limits: Limits) -> None:
    try:
        width, height = size_of(data)
    except UnreadablePicture:
        return  # it will be a row with its failure
    if width * height > limits.pixels or max(width, height) > limits.side:
        raise BadInput(
            f"{place}: found {width} x {height} pixels; allowed: {limits.pixels:,} in all, "
            f"{limits.side:,} a side"
        )
