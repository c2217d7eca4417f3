"""The rows that documents and packages become, and the inventory of them."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.grouped_rows import UNKNOWN
from ctc.inventory.merging.observations import Columns, Origin, merge
from ctc.inventory.sources.csv import AUTO, STANDARD_METADATA
from ctc.inventory.table import CAPTURE_ID, IMAGES, Inventory
from ctc.labels import check_names
from ctc.parameter import Words
from ctc.params import InventoryParams

VIDEOS = frozenset(
    (".3gp", ".asf", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
     ".webm", ".wmv")
)  # fmt: skip


class Row(NamedTuple):
    """A row for `merge`.

    Attributes:
        number: where the source has it; below 0 where it has no place.
        capture_id: names the capture.
        images: paths of pictures of the capture; all its rows have them together.
        values: its labels and its metadata, in the order of the columns; None = missing.
        shows: whether it shows something, where the source knows; None: as its labels say.
    """

    number: int
    capture_id: str
    images: Sequence[str]
    values: tuple[str | None, ...]
    shows: bool | None = None


def choose_columns(
    params: InventoryParams,
    labels: Sequence[str],
    auto: Words,
    metadata: Iterable[str],
    usual: Words = STANDARD_METADATA,
) -> Columns:
    """Return the columns to make, of those that a source offers.

    Args:
        params: what is asked for.
        labels: all labels there are.
        auto: the labels to take where the user left the choice.
        metadata: all metadata there is.
        usual: the metadata to take, of that there is, where the user left the choice.

    Raises:
        BadInput: for a name that is not offered, with those that are; for no label, names that
            stand twice, and labels that MLflow would refuse.
    """
    taken = _labels(params, labels, auto) if params.labelled else ()
    kept = tuple(metadata)
    free = tuple(name for name in usual if name in kept and name not in taken)
    chosen = _choose("metadata", params.metadata, free, kept, params.path)
    return Columns(CAPTURE_ID, (IMAGES,), taken, chosen)


def _labels(params: InventoryParams, labels: Sequence[str], auto: Words) -> Words:
    if not params.labels:
        raise BadInput(f"no label given; '{params.path}' offers: {', '.join(labels)}")
    if not labels:
        raise BadInput(f"'{params.path}' holds no label of any capture; at least one is needed")
    taken = _choose("labels", params.labels, auto, labels, params.path)
    check_names(taken)
    return taken


def inventory_of(
    path: str,
    rows: Sequence[Row],
    columns: Columns,
    findings: Sequence[Finding],
    place: str,
    root: str | None = None,
) -> Inventory:
    """Merge rows into an inventory.

    Args:
        path: the source.
        rows: what was read, in its order.
        columns: what the values of a row are.
        findings: what was noticed while making the rows.
        place: how the number of a row is worded, such as "images[{}]".
        root: what relative paths start from; None: the folder of the source.

    Raises:
        BadInput: for text that is not Unicode, and what `merge` refuses.
    """
    rows, slashed = _slashed(rows, place)
    numbers = np.array([row.number for row in rows], np.int64)
    origin = Origin(path, numbers, place)
    merged = merge(_table(path, rows, columns), columns, origin, _shows(rows))
    everything = (*findings, *slashed, *merged.findings)
    root = storage.parent(path) if root is None else root
    return Inventory(merged.table, columns.labels, path, root, everything, merged.places, place)


def _shows(rows: Sequence[Row]) -> NDArray[np.int8] | None:
    """Return what rows show, None where no source says it."""
    if all(row.shows is None for row in rows):
        return None
    return np.array([UNKNOWN if row.shows is None else row.shows for row in rows], np.int8)


def finding_of(what: str, cases: Sequence[Case], column: str = "") -> tuple[Finding, ...]:
    """Return one finding, or none where there is no case."""
    return (Finding.of(what, cases, column),) if cases else ()


def free_id(name: str, kind: str, taken: Iterable[str]) -> str:
    """Return an id that no other capture has: `name`, or with its kind in front."""
    return f"{kind}-{name}" if name in taken else name


def fields_of(records: Iterable[Mapping[str, Any]], taken: Iterable[str]) -> list[str]:
    """Return the scalar fields that have a value in some record, less those `taken`."""
    passed = set(taken)
    found = []
    for record in records:
        for name, value in record.items():
            if name not in passed and value is not None and value != "":
                passed.add(name)
                found += [] if isinstance(value, list | dict) else [name]
    return found


def metadata_of(images: Iterable[Mapping[str, Any]], taken: Iterable[str]) -> dict[str, str]:
    """Return the fields of images by their name in the inventory, less those `taken`.

    What the formats call `datetime` is offered as `timestamp` too.
    """
    fields = {name: name for name in fields_of(images, taken)}
    return fields | ({"timestamp": "datetime"} if "datetime" in fields else {})


def is_video(name: str) -> bool:
    """Tell by its ending whether a file should be a video."""
    return posixpath.splitext(name)[1].lower() in VIDEOS


def _choose(what: str, asked: Words, auto: Words, offered: Sequence[str], path: str) -> Words:
    for name in asked if asked != AUTO else ():
        if name not in offered:
            there = ", ".join(offered) or "none"
            raise BadInput(f"{what}: '{path}' offers no '{name}'; it offers: {there}")
    return auto if asked == AUTO else asked


def _table(path: str, rows: Sequence[Row], columns: Columns) -> pa.Table:
    names = (*columns.labels, *columns.metadata)
    values = list(zip(*(row.values for row in rows), strict=True)) or [()] * len(names)
    try:
        return pa.table(
            {
                CAPTURE_ID: pa.array([row.capture_id for row in rows], pa.string()),
                IMAGES: pa.array([row.images for row in rows], pa.list_(pa.string())),
                **{
                    name: pa.array(column, pa.string())
                    for name, column in zip(names, values, strict=True)
                },
            }
        )
    except UnicodeEncodeError as error:
        text = error.object[max(0, error.start - 20) : error.end]
        raise BadInput(f"'{path}' holds text that is not Unicode: {text!a}") from error


def _slashed(rows: Sequence[Row], place: str) -> tuple[Sequence[Row], tuple[Finding, ...]]:
    """Return rows whose paths of Windows are written as others write them."""
    cases = [
        Case(path, place.format(row.number)) for row in rows for path in row.images if "\\" in path
    ]
    if not cases:
        return rows, ()
    mended = [row._replace(images=[path.replace("\\", "/") for path in row.images]) for row in rows]
    return mended, finding_of("paths with a backslash (read as /)", cases)
