"""Folders of pictures: a class a folder, a capture a picture."""

from pathlib import PurePosixPath

import pyarrow as pa

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Finding
from ctc.inventory.table import CAPTURE_ID, IMAGES, RESERVED, Inventory
from ctc.labels import check_names
from ctc.params import InventoryParams

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"}


def read(params: InventoryParams) -> Inventory:
    """Read every picture below a folder; its first folder below that one is its class.

    Raises:
        BadInput: if it is no folder, holds no picture, or more than one label is asked for.
    """
    label = _label(params)
    found = list_pictures(params.path)
    names = found.pictures
    table = pa.table(
        {
            CAPTURE_ID: pa.array(names, pa.string()),
            IMAGES: pa.array([[name] for name in names], pa.list_(pa.string())),
            label: pa.array([_class_of(name) for name in names], pa.string()),
        }
    )
    return Inventory(table, (label,), params.path, params.path, _findings(found, names))


class Found:
    """The files of a folder, as paths relative to it."""

    def __init__(self, files: list[str]) -> None:
        self.pictures = [name for name in files if is_picture(name)]
        self.others = [name for name in files if not is_picture(name)]


def is_picture(name: str) -> bool:
    """Tell by its ending whether a file should be a picture."""
    return PurePosixPath(name).suffix.lower() in PICTURES


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


def _label(params: InventoryParams) -> str:
    labels = ("species",) if params.labels == ("auto",) else params.labels
    check_names(labels)
    if len(labels) != 1 or labels[0] in RESERVED:
        found = " ".join(labels)
        raise BadInput(
            f"labels: found '{found}'; allowed with folders: the name of one label, and not "
            f"{' or '.join(RESERVED)}"
        )
    return labels[0]


def _class_of(name: str) -> str | None:
    folders = PurePosixPath(name).parts[:-1]
    return folders[0] if folders else None


def _findings(found: Found, names: list[str]) -> tuple[Finding, ...]:
    loose = [name for name in names if _class_of(name) is None]
    kinds = {"pictures outside any class folder": loose, "files that are no pictures": found.others}
    return tuple(Finding(what, len(them), them[0]) for what, them in kinds.items() if them)
