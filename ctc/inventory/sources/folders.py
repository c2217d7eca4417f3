"""Folders of pictures: a class a folder, a capture a picture."""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.sources.csv import AUTO
from ctc.inventory.sources.rows import choose_columns, finding_of
from ctc.inventory.table import CAPTURE_ID, IMAGES, Inventory
from ctc.parameter import Words
from ctc.params import InventoryParams

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"}
DEFAULT_LABEL = "species"
LOOSE = "pictures outside any class folder"


def read(params: InventoryParams) -> Inventory:
    """Read every picture below a folder; the folders it lies in are its classes.

    The first label is the first folder below `params.path`, the next the folder in that.

    Raises:
        BadInput: if it is no folder, holds no picture, or names that cannot be labels or
            metadata are asked for.
    """
    labels = _labels(params) if params.labelled else ()
    found = list_pictures(params.path)
    names = [name for name in found.pictures if _is_text(name)]
    levels = [_levels(name, len(labels)) for name in names]
    table = pa.table(
        {
            CAPTURE_ID: pa.array(names, pa.string()),
            IMAGES: pa.array([[name] for name in names], pa.list_(pa.string())),
            **{
                label: pa.array([folders[level] for folders in levels], pa.string())
                for level, label in enumerate(labels)
            },
        }
    )
    findings = (*_shallow(labels, names, levels), *_left_out(found))
    return Inventory(table, labels, params.path, params.path, findings)


class Found:
    """The files of a folder, as paths relative to it."""

    def __init__(self, files: list[str]) -> None:
        self.pictures = [name for name in files if is_picture(name)]
        self.others = [name for name in files if not is_picture(name)]


def is_picture(name: str) -> bool:
    """Tell by its ending whether a file should be a picture."""
    return posixpath.splitext(name)[1].lower() in PICTURES


def list_pictures(folder: str) -> Found:
    """List a folder and all below it.

    Raises:
        BadInput: if there is no such folder, or no picture in it.
    """
    if not storage.is_folder(folder):
        raise BadInput(f"no folder at '{folder}'")
    found = Found(list(storage.list_files(folder)))
    if not found.pictures:
        endings = ", ".join(sorted(PICTURES))
        raise BadInput(f"no picture below '{folder}'; allowed are files that end in {endings}")
    return found


def _labels(params: InventoryParams) -> Words:
    if not params.labels:
        raise BadInput("no label given; allowed with folders: a name for each level of them")
    labels = (DEFAULT_LABEL,) if params.labels == AUTO else params.labels
    return choose_columns(replace(params, labels=labels), labels, labels, metadata=()).labels


def _levels(name: str, count: int) -> list[str | None]:
    """Return the first folders a picture lies in, None where it lies less deep."""
    folders: list[str | None] = [*name.split("/")[:-1]]
    return [*folders[:count], *[None] * (count - len(folders))]


def _shallow(
    labels: Words, names: Sequence[str], levels: Sequence[Sequence[str | None]]
) -> Iterator[Finding]:
    """List each picture that lacks a label by the first that it lacks."""
    depths = [len(labels) - folders.count(None) for folders in levels]
    for level, label in enumerate(labels):
        cases = [Case(name) for name, depth in zip(names, depths, strict=True) if depth == level]
        deeper = f"pictures in no folder for '{label}' (it is missing, and all deeper labels)"
        yield from finding_of(deeper if level else LOOSE, cases, label)


def _left_out(found: Found) -> Iterator[Finding]:
    others = [Case(_printable(name)) for name in found.others]
    yield from finding_of("files that are no pictures", others)
    # A table of text cannot hold such a name, nor can the file of a dataset.
    unnamed = [Case(_printable(name)) for name in found.pictures if not _is_text(name)]
    yield from finding_of("pictures whose path is not UTF-8 (left out)", unnamed)


def _is_text(name: str) -> bool:
    return name.isascii() or _printable(name) == name


def _printable(name: str) -> str:
    """Write the bytes of a name that are not UTF-8 as \\xff."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")
