"""Kinds of source an inventory can be read from, one file each."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ctc import storage
from ctc.errors import BadInput, one_of
from ctc.inventory.checks.texts import checked
from ctc.inventory.merging.missing import without_missing
from ctc.inventory.sources import coco, csv, folders, json, megadetector
from ctc.inventory.sources.camtrap_dp.reading import read as read_camtrap_dp
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

SOURCES: dict[str, Callable[[InventoryParams], Inventory]] = {
    "csv": csv.read,
    "folders": folders.read,
    "json": json.read,
    "coco": coco.read,
    "camtrap_dp": read_camtrap_dp,
    "megadetector": megadetector.read,
}


def take_inventory(params: InventoryParams) -> Inventory:
    """Read a source into an inventory.

    Raises:
        BadInput: if the source cannot be read, has no captures, or names pictures that climb
            out of the image root.
    """
    read = SOURCES[one_of("source", params.source, SOURCES)]
    with _no_search_for_cycles():
        inventory = read(params)
    if not inventory.table.num_rows:
        raise BadInput(f"'{params.path}' holds no captures")
    if params.drop_missing:
        inventory = without_missing(inventory)
    root = inventory.root if params.image_root == "auto" else params.image_root
    # Absolute, for another step may run in another folder.
    return checked(replace(inventory, root=storage.absolute(root)), params)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Do not look for circular garbage while millions of small objects are made.

    They have no cycles, but Python looks through all of them again and again: reading a JSON file
    of a million images takes 2 CPU seconds so, and 12 otherwise.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
