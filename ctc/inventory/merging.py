"""From rows as people write them to observations of captures.

A table may have several picture columns a row, several rows a capture (a burst, or several
animals), or both, as the 2019 tool merged them.
"""

from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from ctc.errors import BadInput
from ctc.inventory.findings import Finding
from ctc.inventory.table import CAPTURE_ID, IMAGES, RESERVED
from ctc.parameter import Words

ROW = "\0row"  # no column of a table has this name
TIMESTAMP = "timestamp"  # differs within a burst as it should: the first is the capture's


@dataclass(frozen=True)
class Columns:
    """Which column of the rows is what."""

    capture_id: str
    images: Words
    labels: Words
    metadata: Words

    def __post_init__(self) -> None:
        taken = [*self.labels, *self.metadata]
        for name in taken:
            if name in RESERVED or taken.count(name) > 1:
                raise BadInput(
                    f"column '{name}' cannot be kept: each of labels and metadata stands once, "
                    f"and none is called {' or '.join(RESERVED)}"
                )
        if self.capture_id in self.labels:
            raise BadInput(f"column '{self.capture_id}' names the capture and cannot be a label")
        if not self.images:
            raise BadInput("no column of pictures given; name at least one")


def merge(rows: pa.Table, columns: Columns) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Return the observations (see `Inventory.table`) in the order of the rows, and findings.

    Raises:
        BadInput: for a row without a capture id.
    """
    rows = rows.append_column(ROW, pa.array(range(rows.num_rows), pa.int64()))
    _check_ids(rows, columns.capture_id)
    captures = _captures(rows, columns)
    observations = _observations(rows, columns)
    place = pc.index_in(observations[CAPTURE_ID], value_set=captures[CAPTURE_ID].combine_chunks())
    at_capture = captures.take(place)
    table = pa.table(
        {
            CAPTURE_ID: observations[CAPTURE_ID],
            IMAGES: at_capture[IMAGES],
            **{name: observations[name] for name in columns.labels},
            **{name: at_capture[name] for name in columns.metadata},
        }
    )
    return table, (*_without_pictures(captures), *_contradictions(rows, columns))


def _check_ids(rows: pa.Table, capture_id: str) -> None:
    empty = rows.filter(pc.is_null(rows[capture_id]))
    if empty.num_rows:
        first = empty[ROW][0].as_py() + 1
        raise BadInput(
            f"column '{capture_id}' is empty in {empty.num_rows} rows, "
            f"the first is data row {first}"
        )


def _captures(rows: pa.Table, columns: Columns) -> pa.Table:
    """One row a capture: its pictures and the first known value of each metadata column."""
    firsts = [(name, "first") for name in columns.metadata]
    by_id = rows.group_by(columns.capture_id, use_threads=False).aggregate(firsts)
    ids = by_id[columns.capture_id]
    images = _images(rows, columns)
    place = pc.index_in(ids, value_set=images[CAPTURE_ID].combine_chunks())
    lists = images[IMAGES].take(place).combine_chunks()
    none = pa.scalar([], pa.list_(pa.string()))
    return pa.table(
        {
            CAPTURE_ID: ids,
            IMAGES: pc.if_else(pc.is_null(lists), none, lists),
            **{name: by_id[f"{name}_first"] for name in columns.metadata},
        }
    )


def _images(rows: pa.Table, columns: Columns) -> pa.Table:
    """One row a capture that has pictures: each picture once, in the order of the table."""
    width = len(columns.images)
    parts = [
        pa.table(
            {
                CAPTURE_ID: rows[columns.capture_id],
                "image": rows[name],
                ROW: pc.add(pc.multiply(rows[ROW], width), offset),
            }
        )
        for offset, name in enumerate(columns.images)
    ]
    long = pa.concat_tables(parts).filter(pc.is_valid(pc.field("image")))
    once = long.group_by([CAPTURE_ID, "image"]).aggregate([(ROW, "min")]).sort_by(f"{ROW}_min")
    lists = once.group_by(CAPTURE_ID, use_threads=False).aggregate([("image", "list")])
    return lists.rename_columns({"image_list": IMAGES})


def _observations(rows: pa.Table, columns: Columns) -> pa.Table:
    """Each different set of labels of a capture once, in the order of the table."""
    keys = [columns.capture_id, *columns.labels]
    labelled = _labelled(rows, columns)
    sets = labelled.group_by(keys).aggregate([(ROW, "min")]).sort_by(f"{ROW}_min")
    return sets.rename_columns({columns.capture_id: CAPTURE_ID})


def _labelled(rows: pa.Table, columns: Columns) -> pa.Table:
    """The rows less those without any label whose capture has one in another row."""
    if not columns.labels:
        return rows
    known = reduce(pc.or_, (pc.is_valid(rows[name]) for name in columns.labels))
    ids = rows[columns.capture_id]
    elsewhere = pc.is_in(ids, value_set=ids.filter(known).combine_chunks())
    return rows.filter(pc.or_(known, pc.invert(elsewhere)))


def _without_pictures(captures: pa.Table) -> tuple[Finding, ...]:
    empty = captures.filter(pc.equal(pc.list_value_length(captures[IMAGES]), 0))
    if not empty.num_rows:
        return ()
    return (Finding("captures without a picture", empty.num_rows, empty[CAPTURE_ID][0].as_py()),)


def _contradictions(rows: pa.Table, columns: Columns) -> tuple[Finding, ...]:
    """Metadata that differs between the rows of a capture; the first value was kept."""
    names = [name for name in columns.metadata if name != TIMESTAMP]
    counts = [(name, "count_distinct") for name in names]
    by_id = rows.group_by(columns.capture_id, use_threads=False).aggregate(counts)
    found = []
    for name in names:
        several = by_id.filter(pc.greater(by_id[f"{name}_count_distinct"], 1))
        if several.num_rows:
            what = f"captures with several values of '{name}' (the first was kept)"
            example = several[columns.capture_id][0].as_py()
            found.append(Finding(what, several.num_rows, example, column=name))
    return tuple(found)
