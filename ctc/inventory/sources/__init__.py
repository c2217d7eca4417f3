"""Kinds of source an inventory can be read from, one file each."""

from collections.abc import Callable

from ctc.errors import BadInput, one_of
from ctc.inventory.checks import checked
from ctc.inventory.sources import csv, folders
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

SOURCES: dict[str, Callable[[InventoryParams], Inventory]] = {
    "csv": csv.read,
    "folders": folders.read,
}


def take_inventory(params: InventoryParams) -> Inventory:
    """Read a source into an inventory.

    Raises:
        BadInput: if the source cannot be read, or has no captures.
    """
    inventory = SOURCES[one_of("source", params.source, SOURCES)](params)
    if not inventory.table.num_rows:
        raise BadInput(f"'{params.path}' holds no captures")
    return checked(inventory)
