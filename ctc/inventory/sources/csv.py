"""A CSV table: a row is a picture, a capture or an observation (see `merging`)."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.merging import Columns, merge
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
    table = CsvTable.open(params.path)
    columns = _columns(params, table.header)
    used = (columns.capture_id, *columns.images, *columns.labels, *columns.metadata)
    merged, findings = merge(table.rows(used), columns)
    return Inventory(merged, columns.labels, params.path, storage.parent(params.path), findings)


@dataclass(frozen=True)
class CsvTable:
    """A CSV file in memory, its columns known and its rows not yet read."""

    path: str
    data: bytes
    header: list[str]

    @classmethod
    def open(cls, path: str) -> "CsvTable":
        """Load a file.

        Raises:
            BadInput: if there is none, or its header cannot be read.
        """
        data = _load(path)
        header = _header(path, data)
        _check_quotes(path, data)
        return cls(path, data, header)

    def rows(self, used: Sequence[str]) -> pa.Table:
        """Return the named columns as text, null where a cell is empty.

        Raises:
            BadInput: for columns that do not exist and rows that do not fit the header.
        """
        _check_present(self.path, used, self.header)
        columns = list(dict.fromkeys(used))
        try:
            return pacsv.read_csv(
                pa.BufferReader(self.data),
                parse_options=pacsv.ParseOptions(newlines_in_values=True),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=columns,
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            raise BadInput(
                f"'{self.path}' cannot be read as a CSV: {_first_line(error)}"
            ) from error


def _load(path: str) -> bytes:
    try:
        return storage.read_bytes(path)
    except FileNotFoundError as error:
        raise BadInput(f"no table at '{path}'") from error
    except IsADirectoryError as error:
        raise BadInput(f"'{path}' is a folder; a CSV file is allowed") from error


def _header(path: str, data: bytes) -> list[str]:
    try:
        header = next(csv.reader(_text(data)), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"'{path}' cannot be read as a CSV in UTF-8: {error}") from error
    if len(header) == 1 and (marks := [mark for mark in ";\t|" if mark in header[0]]):
        raise BadInput(f"'{path}' is separated by {marks[0]!r}; allowed are commas")
    twice = [name for name in header if header.count(name) > 1]
    if not header or twice:
        found = f"column '{twice[0]}' twice" if twice else "no header"
        raise BadInput(f"'{path}': found {found}; allowed: a header of different names")
    return header


def _check_quotes(path: str, data: bytes) -> None:
    """Refuse a quote that is not closed: pyarrow would read all that follows as one value."""
    if data.count(b'"') % 2 == 0:
        return
    try:
        for _ in csv.reader(_text(data), strict=True):
            pass
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"'{path}' cannot be read as a CSV: its quotes do not match") from error


def _text(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")


def _columns(params: InventoryParams, header: list[str]) -> Columns:
    labels = _labels(params, header)
    check_names(labels)
    free = {params.capture_id, *params.images, *labels}
    metadata = (
        _present(STANDARD_METADATA, header, free) if params.metadata == AUTO else (params.metadata)
    )
    return Columns(params.capture_id, params.images, labels, metadata)


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


def _check_present(path: str, used: Sequence[str], header: list[str]) -> None:
    for name in used:
        if name not in header:
            raise BadInput(f"'{path}' has no column '{name}'; it has: {', '.join(header)}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
