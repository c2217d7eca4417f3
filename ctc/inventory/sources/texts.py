"""The text of a table in UTF-8, whatever it is encoded in and wherever it lies."""

import codecs
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ctc import storage
from ctc.errors import BadInput

AUTO = "auto"
# The marks that a file in Unicode may begin with; those of UTF-32 begin like those of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# What other files begin with that people give for a table.
OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite file",
    b"%PDF": "a PDF",
}
HEAD = 1 << 22  # bytes of a file that are looked at first


@dataclass(frozen=True)
class Text:
    """Text in UTF-8 that can be read again and again; one from a local file is not held in memory.

    Attributes:
        path: names the file in sentences.
        content: the file, or what it holds.
        start: where the text begins, behind a mark and empty lines.
    """

    path: str
    content: Path | bytes
    start: int

    def open(self) -> BinaryIO:
        """Return a stream that stands at the start of the text."""
        stream = _stream(self.content)
        stream.seek(self.start)
        return stream

    def head(self) -> bytes:
        """Return the first bytes."""
        with self.open() as stream:
            return stream.read(HEAD)

    def check(self) -> None:
        """Look at every byte.

        Raises:
            BadInput: for one that is not UTF-8, with its line.
        """
        with _stream(self.content) as stream:
            _decoded(self.path, stream.read(), "utf-8")


def file_text(path: str, encoding: str = AUTO) -> Text:
    """Return the text of a file, local or on S3; see `text_of`.

    Raises:
        BadInput: if there is no such file, or it cannot be read, and what `text_of` raises.
    """
    try:
        content = storage.read_bytes(path) if storage.is_s3(path) else storage.local_path(path)
        return text_of(path, content, encoding)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(_not_a_file(path)) from error
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read: {storage.why_not_read(error)}") from error


def _not_a_file(path: str) -> str:
    if not storage.is_folder(path):
        return f"no table at '{path}'"
    return (
        f"'{path}' is a folder; allowed: a CSV file; a folder of pictures is read with "
        "source=folders, a Camtrap DP package with source=camtrap_dp"
    )


def text_of(path: str, content: Path | bytes, encoding: str = AUTO) -> Text:
    """Return content as text in UTF-8; what is in UTF-8 already is left to its reader to check.

    Args:
        path: names the file in sentences.
        content: the file, or what it holds.
        encoding: a name that Python knows; auto: by its mark, else UTF-8.

    Raises:
        BadInput: for a name that Python does not know, and for what is not in that encoding.
        OSError: if the file cannot be read.
    """
    with _stream(content) as stream:
        head = stream.read(HEAD)
        _check_kind(path, head)
        name = _by_mark(head) if encoding == AUTO else _known(path, encoding)
        if name != "utf-8":
            content = _decoded(path, head + stream.read(), name).encode()
            head = content[:HEAD]
    _check_zeros(path, head)
    bare = head.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    return Text(path, content, len(head) - len(bare))


def _stream(content: Path | bytes) -> BinaryIO:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def _decoded(path: str, data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(name, "ignore").count("\n") + 1
        other = "cp1252" if name == "utf-8" else "utf-8"
        raise BadInput(
            f"'{path}' is not in {name}: byte 0x{data[error.start]:02x} of line {line} does not "
            f"fit; name its encoding, such as encoding={other}"
        ) from error
    except UnicodeError as error:
        raise BadInput(f"'{path}' is not in {name}; name its encoding") from error


def _check_kind(path: str, head: bytes) -> None:
    for start, kind in OTHERS.items():
        if head.startswith(start):
            raise BadInput(f"'{path}' is {kind}; allowed: a table as text, such as CSV")


def _check_zeros(path: str, head: bytes) -> None:
    if b"\0" in head[:4096]:
        raise BadInput(
            f"'{path}' holds zero bytes; if it is a table as text, name its encoding, such as "
            "encoding=utf-16-le"
        )


def _by_mark(head: bytes) -> str:
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "utf-8")


def _known(path: str, encoding: str) -> str:
    try:
        b"a".decode(encoding, "ignore")  # refuses codecs that are not of text
        return codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise BadInput(
            f"'{path}': unknown encoding '{encoding}'; allowed: auto, utf-8, utf-16, cp1252 and "
            "other names of Python's text encodings"
        ) from error
