"""A contact sheet a label: a few pictures of each of its classes, none of a private one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from ctc.errors import BadInput
from ctc.inventory.captures import Captures
from ctc.inventory.looks.private import private_classes
from ctc.inventory.repeats import fingerprints
from ctc.inventory.summary import Classes, classes_of, worded
from ctc.inventory.table import CAPTURE_ID, IMAGES, Inventory
from ctc.parameter import Words
from ctc.pictures.decoding import UnreadablePicture
from ctc.pictures.files import picture_bytes
from ctc.pictures.sheets import PICTURES_A_ROW, SheetRow, contact_sheet, thumbnail

MOST_ROWS = 40
TRIED = 3 * PICTURES_A_ROW  # captures of a class that are tried, for some cannot be read
ROWS_AT_ONCE = 8  # reading waits for a disk or a store

Open = Callable[[str], Image.Image | None]


@dataclass(frozen=True)
class _Shown:
    """The rows of an inventory whose pictures may be shown.

    Attributes:
        captures: all captures.
        rows: int64: those rows, in an order that is as good as random but always the same.
        note: what a reader should know of the captures that are not shown; may be empty.
    """

    captures: Captures
    rows: NDArray[np.int64]
    note: str


def sheets_of_inventory(inventory: Inventory, private: Words) -> dict[str, Image.Image]:
    """Return a contact sheet of each label that has a picture to show.

    A row is a class, the commonest first; of each capture it shows the first picture. Captures
    are picked by a hash of their id. Pictures that cannot be read are passed over.

    Args:
        inventory: its pictures are read.
        private: classes that are never shown, nor any capture that has one in any label.
    """
    shown = _shown(inventory, private)
    read = cache(lambda image: _read(inventory.root, image))  # labels share many captures
    found = {label: _sheet(inventory, label, shown, private, read) for label in inventory.labels}
    return {label: sheet for label, sheet in found.items() if sheet is not None}


def _shown(inventory: Inventory, private: Words) -> _Shown:
    captures = Captures.of(inventory)
    hidden = np.zeros(len(captures), np.bool_)
    names: dict[str, None] = {}
    for label in inventory.labels:
        found = classes_of(inventory.table[label], captures.of_row)
        these = private_classes(found.names, private)
        names.update(dict.fromkeys(these))
        at = np.isin(found.codes, [found.names.index(name) for name in these])
        hidden[captures.of_row[at]] = True
    pictured = pc.greater(pc.list_value_length(inventory.table[IMAGES]), 0).to_numpy()
    drawn = fingerprints(inventory.table[CAPTURE_ID])
    rows = np.argsort(drawn, kind="stable")
    rows = rows[(pictured & ~hidden[captures.of_row])[rows]]
    return _Shown(captures, rows, _note(int(hidden.sum()), list(names)))


def _note(hidden: int, names: list[str]) -> str:
    return f"Not shown: {worded(hidden)} with {', '.join(names)}." if hidden else ""


def _sheet(
    inventory: Inventory, label: str, shown: _Shown, private: Words, read: Open
) -> Image.Image | None:
    classes = classes_of(inventory.table[label], shown.captures.of_row)
    hidden = set(private_classes(classes.names, private))
    order = sorted(
        range(len(classes.names)), key=lambda n: (-classes.captures[n], classes.names[n])
    )
    public = [number for number in order if classes.names[number] not in hidden]
    with ThreadPoolExecutor(ROWS_AT_ONCE) as pool:
        make = partial(_row, inventory, classes, shown, read)
        rows = list(pool.map(make, public[:MOST_ROWS]))
    if not any(row.pictures for row in rows):
        return None
    left = len(public) - MOST_ROWS
    rarer = f"{left} rarer classes are not shown." if left > 0 else ""
    title = f"{label}: a few captures of each class"
    return contact_sheet(title, rows, [note for note in (rarer, shown.note) if note])


def _row(
    inventory: Inventory, classes: Classes, shown: _Shown, read: Open, number: int
) -> SheetRow:
    images = _candidates(inventory, shown.rows[classes.codes[shown.rows] == number], shown.captures)
    read_ones = (picture for image in images if (picture := read(image)) is not None)
    pictures = tuple(islice(read_ones, PICTURES_A_ROW))
    return SheetRow(classes.names[number], worded(int(classes.captures[number])), pictures)


def _candidates(inventory: Inventory, rows: NDArray[np.int64], captures: Captures) -> Iterator[str]:
    """Yield the first picture of a few captures."""
    # Several observations of a capture are beside each other, for they have the same hash.
    ids = captures.of_row[rows]
    first = np.flatnonzero(np.diff(ids, prepend=-1))[:TRIED]
    for row in rows[first].tolist():
        yield inventory.table[IMAGES][row][0].as_py()


def _read(root: str, image: str) -> Image.Image | None:
    try:
        return thumbnail(picture_bytes(root, image))
    except (UnreadablePicture, BadInput):
        return None  # the check of pictures says why; a sheet shows what there is
