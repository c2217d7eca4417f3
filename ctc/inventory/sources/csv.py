"""A CSV table: a row is a picture, a capture or an observation (see `merging`)."""

from dataclasses import replace

import pyarrow as pa

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.merging.observations import Columns, Origin, merge
from ctc.inventory.sources.delimited import CsvTable
from ctc.inventory.sources.paths import mended_paths, padded_ids
from ctc.inventory.table import Inventory
from ctc.labels import check_names
from ctc.parameter import Words
from ctc.params import InventoryParams

AUTO = ("auto",)
ASIDE = "\1"  # before the name of a column that gives it up to a label
Named = tuple[tuple[str, str], ...]  # names, and the column that each is read from
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
    labels = _labels(params, table) if params.labelled else ()
    columns = _columns(params, table, labels)
    kept = (*dict(labels).values(), *columns.kept.values())
    rows = table.rows((columns.capture_id, *kept, *columns.images))
    padded = padded_ids(rows[columns.capture_id])
    rows, images, mended = mended_paths(rows, columns.images)
    rows, columns = _renamed_labels(rows, replace(columns, images=images), dict(labels))
    merged = merge(rows, columns, Origin(params.path))
    return Inventory(
        table=merged.table,
        labels=columns.labels,
        source=params.path,
        root=storage.parent(params.path),
        findings=(*padded, *mended, *merged.findings),
        places=merged.places,
    )


def _columns(params: InventoryParams, table: CsvTable, labels: Named) -> Columns:
    names = tuple(name for name, _ in labels)
    check_names(names, "give it another with NAME=COLUMN, such as species='Common Name'")
    kept = _metadata(params, table, labels)
    metadata = tuple(name for name, _ in kept)
    return Columns(params.capture_id, params.images, names, metadata, dict(kept))


def _named(words: Words, header: list[str]) -> Named:
    """Read NAME=COLUMN; any other word, and one that is a column, is both."""
    parts = {word: word.partition("=") for word in words if word not in header}
    both = {word: (name, column) for word, (name, _, column) in parts.items() if name and column}
    return tuple(both.get(word, (word, word)) for word in words)


def _renamed(params: InventoryParams, table: CsvTable) -> dict[str, str]:
    """The standard names that are asked to be read from a column of another name."""
    asked = {"location": params.location, "timestamp": params.timestamp}
    renamed = {name: column for name, column in asked.items() if column != name}
    for name, column in renamed.items():
        table.parts(column, asked_by=name)
    return renamed


def _metadata(params: InventoryParams, table: CsvTable, labels: Named) -> Named:
    renamed = _renamed(params, table)
    if params.metadata != AUTO:
        asked = _named(params.metadata, table.header)
        kept = [pair if pair[0] != pair[1] else _pair(pair[0], renamed) for pair in asked]
        return tuple(dict.fromkeys((*kept, *renamed.items())))
    taken = {params.capture_id, *params.images, *(name for pair in labels for name in pair)}
    names = _present(STANDARD_METADATA, [*table.header, *renamed], taken - {*renamed})
    return tuple(_pair(name, renamed) for name in names)


def _pair(name: str, renamed: dict[str, str]) -> tuple[str, str]:
    return name, renamed.get(name, name)


def _labels(params: InventoryParams, table: CsvTable) -> Named:
    if not params.labels:
        raise BadInput(f"no label given; the columns of '{params.path}' are: {table.names}")
    if params.labels != AUTO:
        return _named(params.labels, table.header)
    labels = _present(STANDARD_LABELS, table.header, set())
    if not labels:
        raise BadInput(
            f"'{params.path}' has none of the standard label columns; name yours with "
            f"`labels`; its columns are: {table.names}"
        )
    return _named(labels, table.header)


def _present(standard: Words, header: list[str], taken: set[str]) -> Words:
    return tuple(name for name in standard if name in header and name not in taken)


def _renamed_labels(
    rows: pa.Table, columns: Columns, labels: dict[str, str]
) -> tuple[pa.Table, Columns]:
    """Give the columns of labels the names of labels; another that has such a name steps aside."""
    renamed = {name: column for name, column in labels.items() if name != column}
    aside = {name: ASIDE + name for name in renamed if name in rows.column_names}
    rows = rows.rename_columns([aside.get(name, name) for name in rows.column_names])
    for name, column in renamed.items():
        rows = rows.append_column(name, rows[aside.get(column, column)])
    images = tuple(aside.get(name, name) for name in columns.images)
    kept = {name: aside.get(column, column) for name, column in columns.kept.items()}
    return rows, replace(columns, images=images, read_from=kept)
