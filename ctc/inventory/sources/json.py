"""Inventories that the 2019 tool (Willi et al.) wrote, or others in its form.

    {CAPTURE: {"images": [PATH, ...], "labels": [{LABEL: VALUE, ...}, ...], "meta_data": {...}}}

`images` may be one path and `labels` one object. A value may be a list: of the observations of
the capture, by their position.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.observations import Columns
from ctc.inventory.sources.csv import STANDARD_LABELS
from ctc.inventory.sources.documents import Document, kind_of
from ctc.inventory.sources.rows import (
    Row,
    choose_columns,
    finding_of,
    inventory_of,
)
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

# What that tool wrote for the empty cell of a label: `missing_value` in its `data/importer.py`.
MISSING = "-1"
Values = dict[str, str | None]


@dataclass(frozen=True)
class Entry:
    """One observation of a capture.

    Attributes:
        number: which capture of the file it is, from 1.
        images: the pictures of the capture, in its first entry.
        labels: what was observed; None where it is missing.
        metadata: what else is known.
    """

    number: int
    capture_id: str
    images: list[str]
    labels: Values
    metadata: Values


def read(params: InventoryParams) -> Inventory:
    """Read an inventory of the 2019 tool; every label in it is a label by `auto`.

    Raises:
        BadInput: if it is not of that form, or lacks what is asked for.
    """
    document = _open(params.path)
    entries = list(_entries(document))
    if not entries:
        raise BadInput(f"'{params.path}' holds no captures")
    labels = sorted(_names(one.labels for one in entries), key=_rank)
    metadata = _names(one.metadata for one in entries)
    columns = choose_columns(params, labels, tuple(labels), metadata)
    findings = _marked_missing(entries, columns)
    rows = [_row(one, columns) for one in entries]
    return inventory_of(params.path, rows, columns, findings, "capture {} of the file")


def _open(path: str) -> Document:
    """Open a file, its numbers as they are written: 1.0 is not 1."""
    return Document.open(
        path,
        parse_int=str,
        parse_float=str,
        parse_constant=lambda _: None,  # NaN, as pandas writes what is missing
        object_pairs_hook=_once,
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, refusing the key that would silently replace another."""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"'{twice}' stands twice in one object")
    return made


def _entries(document: Document) -> Iterator[Entry]:
    for number, (capture_id, found) in enumerate(document.content.items(), 1):
        place = f"capture '{capture_id}'" if capture_id else f"capture {number}"
        if not capture_id:
            raise document.refusal(place, "found no name; allowed: a name for each capture")
        if not isinstance(found, dict) or not {"images", "labels"} <= found.keys():
            what = "no 'images' and 'labels'" if isinstance(found, dict) else kind_of(found)
            raise document.refusal(place, f"found {what}; allowed: an object that has both")
        images = _images(document, found["images"], place)
        observed = _observations(document, found["labels"], place)
        known = _metadata(document, found.get("meta_data") or {}, place)
        rows: list[tuple[Values, Values]] = list(zip_longest(observed, known, fillvalue={}))
        for row, (labels, metadata) in enumerate(rows or [({}, {})]):
            yield Entry(number, capture_id, images if row == 0 else [], labels, metadata)


def _images(document: Document, found: Any, place: str) -> list[str]:
    paths = [found] if isinstance(found, str) else found
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        what = "a list of other than texts" if isinstance(paths, list) else kind_of(paths)
        raise document.refusal(
            place, f"found {what} as 'images'; allowed: a path or a list of them"
        )
    return [path for path in paths if path]


def _observations(document: Document, found: Any, place: str) -> Iterator[Values]:
    for one in found if isinstance(found, list) else [found]:
        if not isinstance(one, dict):
            sentence = f"found {kind_of(one)} among 'labels'; allowed: an object of labels"
            raise document.refusal(place, sentence)
        yield from _by_position(document, one, place)


def _by_position(document: Document, labels: dict[str, Any], place: str) -> Iterator[Values]:
    """Yield the observations that lists of values hold; a single value belongs to each."""
    lists = {name: _as_list(value) for name, value in labels.items()}
    length = max((len(values) for values in lists.values()), default=0)
    for name, values in lists.items():
        if len(values) not in (1, length):
            sentence = (
                f"found {len(values)} values of '{name}' and {length} of another label; allowed: "
                "as many of each, or one"
            )
            raise document.refusal(place, sentence)
    for position in range(length):
        yield {
            name: document.scalar(values[position % len(values)], f"{place}, label '{name}'")
            for name, values in lists.items()
        }


def _metadata(document: Document, found: Any, place: str) -> Iterator[Values]:
    """Yield all first values, all second values, ...: merging keeps the first that is known."""
    if not isinstance(found, dict):
        sentence = f"found {kind_of(found)} as 'meta_data'; allowed: an object"
        raise document.refusal(place, sentence)
    lists = [_as_list(value) for value in found.values()]
    for values in zip_longest(*lists):
        yield {
            name: document.scalar(value, f"{place}, '{name}'")
            for name, value in zip(found, values, strict=True)
        }


def _as_list(value: Any) -> list[Any]:
    return (value or [None]) if isinstance(value, list) else [value]


def _names(values: Iterator[Values]) -> list[str]:
    return list(dict.fromkeys(name for one in values for name in one))


def _rank(label: str) -> int:
    """Put the standard labels first, in their order; sorting keeps the order of the others."""
    return STANDARD_LABELS.index(label) if label in STANDARD_LABELS else len(STANDARD_LABELS)


def _row(entry: Entry, columns: Columns) -> Row:
    labels = (entry.labels.get(name) for name in columns.labels)
    known = (None if value == MISSING else value for value in labels)
    metadata = (entry.metadata.get(name) for name in columns.metadata)
    return Row(entry.number, entry.capture_id, entry.images, (*known, *metadata))


def _marked_missing(entries: Sequence[Entry], columns: Columns) -> tuple[Finding, ...]:
    counts = {
        name: sum(one.labels.get(name) == MISSING for one in entries) for name in columns.labels
    }
    cases = [Case(name, "", f"{count} observations") for name, count in counts.items() if count]
    what = f"labels with the value {MISSING}, the 2019 tool's mark of a missing one"
    return finding_of(what, cases)
