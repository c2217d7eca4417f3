"""The pictures of each capture, from all the cells and rows that name one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctc.errors import BadInput
from ctc.inventory.repeats import Numbers, coded, first_of_each, repeated


@dataclass(frozen=True)
class Pictures:
    """Pictures, one after the other.

    Attributes:
        paths: [pictures] text.
        capture: int64 [pictures]: number of the capture of each.
        row: int64 [pictures]: the row that names it.
    """

    paths: pa.ChunkedArray
    capture: Numbers
    row: Numbers

    def take(self, places: Numbers) -> "Pictures":
        """Return some of them."""
        paths = self.paths.take(pa.array(places))
        return Pictures(paths, self.capture[places], self.row[places])

    def lists(self, captures: int) -> pa.ChunkedArray:
        """Return [captures] lists of paths; the pictures are in the order of their captures."""
        counts = np.bincount(self.capture, minlength=captures)
        edges = np.concatenate([[0], np.cumsum(counts)])
        chunks = [_list_array(self.paths, edges[some]) for some in _pieces(self.paths, edges)]
        return pa.chunked_array(chunks, pa.list_(pa.string()))


@dataclass(frozen=True)
class Shared:
    """A picture that is in several captures, and what it names there: one item a capture."""

    path: str
    captures: Numbers
    rows: Numbers


def pictures_of(rows: pa.Table, columns: Sequence[str], capture: Numbers) -> Pictures:
    """Return the pictures that rows name, capture by capture in the order of the rows.

    Args:
        rows: a column of text a picture, or one column of lists of text; null = no picture.
        columns: the names of those columns, in the order taken.
        capture: int64 [rows]: number of the capture of each row.

    Raises:
        BadInput: for a column that is neither.
    """
    paths, counts = _flat(rows, columns)
    row = np.repeat(np.arange(rows.num_rows), counts)
    pictures = Pictures(paths, capture[row], row)
    if np.all(pictures.capture[1:] >= pictures.capture[:-1]):
        return pictures
    return pictures.take(np.argsort(pictures.capture, kind="stable"))


def once_each(pictures: Pictures) -> tuple[Pictures, list[Shared]]:
    """Return each picture of a capture once, and the pictures that are in several captures."""
    places = repeated(pictures.paths)
    if not len(places):
        return pictures, []
    some = pictures.take(places)
    codes = coded(some.paths)
    first = first_of_each(codes, some.capture)
    again = np.delete(places, first)
    kept = np.delete(np.arange(len(pictures.row)), again)
    return pictures.take(kept) if len(again) else pictures, _shared(some, codes, first)


def _shared(pictures: Pictures, codes: Numbers, first: Numbers) -> list[Shared]:
    """Of pictures that are each once in a capture, those that are in several."""
    first = first[np.bincount(codes[first])[codes[first]] > 1]
    first = first[np.argsort(codes[first], kind="stable")]
    groups = np.split(first, np.flatnonzero(np.diff(codes[first])) + 1) if len(first) else []
    return [
        Shared(pictures.paths[group[0]].as_py(), pictures.capture[group], pictures.row[group])
        for group in groups
    ]


def _flat(rows: pa.Table, columns: Sequence[str]) -> tuple[pa.ChunkedArray, Numbers]:
    """All paths, row by row, and how many each row has."""
    kinds = [rows.schema.field(name).type for name in columns]
    if all(pa.types.is_string(kind) for kind in kinds):
        parts = [_beside(batch) for batch in rows.select(columns).to_batches()]
    elif len(kinds) == 1 and pa.types.is_list(kinds[0]):
        parts = [_of_lists(chunk) for chunk in rows[columns[0]].chunks]
    else:
        raise BadInput(f"pictures: found {kinds}; allowed: columns of text, or one of lists")
    counts = np.concatenate([np.zeros(0, np.int64), *(count for _, count in parts)])
    return pa.chunked_array([paths for paths, _ in parts], pa.string()), counts


def _beside(batch: pa.RecordBatch) -> tuple[pa.StringArray, Numbers]:
    """The cells of several columns, row by row; a batch is small enough to stay in the cache."""
    there = np.stack([np.asarray(column.is_valid()) for column in batch.columns], axis=1)
    counts = there.sum(axis=1)
    if batch.num_columns == 1 and counts.all():
        return batch.column(0), counts
    place = np.arange(there.size).reshape(there.shape[::-1]).T[there]
    return pa.concat_arrays(batch.columns).take(pa.array(place)), counts


def _of_lists(lists: pa.ListArray) -> tuple[pa.StringArray, Numbers]:
    counts = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)
    paths = lists.flatten()
    if paths.null_count:
        row = np.repeat(np.arange(len(lists)), counts)[np.asarray(paths.is_valid())]
        paths, counts = paths.drop_null(), np.bincount(row, minlength=len(lists))
    return paths.cast(pa.string()), counts


def _pieces(paths: pa.ChunkedArray, edges: Numbers) -> Iterator[slice]:
    """Runs of whole captures that end where a chunk of the paths does: nothing is copied there."""
    ends = np.cumsum([len(chunk) for chunk in paths.chunks], dtype=np.int64)
    cuts = np.searchsorted(edges, ends)
    cuts = np.concatenate([[0], cuts[edges[cuts] == ends], [len(edges) - 1]])
    for start, end in pairwise(np.unique(cuts)):
        yield slice(start, end + 1)


def _list_array(paths: pa.ChunkedArray, edges: Numbers) -> pa.ListArray:
    chunks = paths.slice(edges[0], edges[-1] - edges[0]).chunks
    values = (
        chunks[0] if len(chunks) == 1 else pa.concat_arrays([pa.array([], pa.string()), *chunks])
    )
    return pa.ListArray.from_arrays(pa.array(edges - edges[0], pa.int32()), values)
