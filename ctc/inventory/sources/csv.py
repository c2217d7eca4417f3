"""A CSV table: a row is a picture, a capture or an observation (see `merging`)."""

from dataclasses import replace

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.merging.observations import Columns, Origin, merge
from ctc.inventory.sources.delimited import CsvTable
from ctc.inventory.sources.paths import mended_paths
from ctc.inventory.table import Inventory
from ctc.labels import check_names
from ctc.parameter import Words
from ctc.params import InventoryParams

AUTO = ("auto",)
# The columns of the Snapshot Safari and Panthera tables, in their order.
STANDARD_LABELS = (
    "empty", "species", "count", "standing", "resting", "moving", "eating", "interacting",
    "babies", "species_panthera",
)  # fmt: skip
STANDARD_METADATA = ("location", "survey", "split_name", "timestamp")


def read(params: InventoryParams) -> Inventory:
    """Read a CSV table; every value stays text, an empty cell is missing.

    Raises:
        BadInput: for a table that cannot be read and for columns that it does not have.
    """
    table = CsvTable.open(params.path, params.delimiter, params.encoding)
    columns = _columns(params, table.header)
    rows, images, mended = mended_paths(table.rows(columns.used), columns.images)
    merged = merge(rows, replace(columns, images=images), Origin(params.path))
    return Inventory(
        table=merged.table,
        labels=columns.labels,
        source=params.path,
        root=storage.parent(params.path),
        findings=(*mended, *merged.findings),
        places=merged.places,
    )


def _columns(params: InventoryParams, header: list[str]) -> Columns:
    labels = _labels(params, header)
    check_names(labels)
    read_from = _renamed(params, header)
    metadata = _metadata(params, header, labels, tuple(read_from))
    return Columns(params.capture_id, params.images, labels, metadata, read_from)


def _renamed(params: InventoryParams, header: list[str]) -> dict[str, str]:
    """The standard names that are asked to be read from a column of another name."""
    asked = {"location": params.location, "timestamp": params.timestamp}
    renamed = {name: column for name, column in asked.items() if column != name}
    for name, column in renamed.items():
        if column not in header:
            there = ", ".join(header)
            raise BadInput(f"{name}: '{params.path}' has no column '{column}'; it has: {there}")
    return renamed


def _metadata(params: InventoryParams, header: list[str], labels: Words, renamed: Words) -> Words:
    if params.metadata != AUTO:
        return tuple(dict.fromkeys((*params.metadata, *renamed)))
    free = {params.capture_id, *params.images, *labels} - {*renamed}
    return _present(STANDARD_METADATA, [*header, *renamed], free)


def _labels(params: InventoryParams, header: list[str]) -> Words:
    if not params.labels:
        raise BadInput(f"no label given; the columns of '{params.path}' are: {', '.join(header)}")
    if params.labels != AUTO:
        return params.labels
    labels = _present(STANDARD_LABELS, header, set())
    if not labels:
        raise BadInput(
            f"'{params.path}' has none of the standard label columns; name yours with "
            f"`labels`; its columns are: {', '.join(header)}"
        )
    return labels


def _present(standard: Words, header: list[str], taken: set[str]) -> Words:
    return tuple(name for name in standard if name in header and name not in taken)
