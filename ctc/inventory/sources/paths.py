"""Paths of pictures as people write them into tables."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctc.inventory.findings import Case, Finding
from ctc.inventory.repeats import layout
from ctc.parameter import Words

BACKSLASH = "\\"
MENDED = "\0"  # before the name of a column: no column of a table begins so
BLANK = np.isin(np.arange(256), list(b" \t\n\v\f\r"))
Mask = NDArray[np.bool_]


def mended_paths(rows: pa.Table, columns: Words) -> tuple[pa.Table, Words, tuple[Finding, ...]]:
    """Take away blanks around paths, and read the backslash of Windows as "/".

    Args:
        rows: of a table, from its first data row on.
        columns: those that hold paths, as text.

    Returns:
        The rows, the columns that hold the paths now (one that had to be mended is a new one, for
        it may name the captures too), and findings.
    """
    rows, columns, blanks = _mended(rows, columns, _has_blanks, _without_blanks)
    rows, columns, slashes = _mended(rows, columns, _has_backslash, _with_slashes)
    found = {
        "paths with blanks around them (read without)": blanks,
        "paths with a backslash (read as /)": slashes,
    }
    return rows, columns, tuple(Finding.of(what, cases) for what, cases in found.items() if cases)


def padded_ids(ids: pa.ChunkedArray) -> tuple[Finding, ...]:
    """Tell which names of captures have blanks around them: ` 2` is another capture than `2`.

    Args:
        ids: of a table, from its first data row on.
    """
    cases = _cases(ids, np.flatnonzero(_has_blanks(ids)))
    first = {case.subject: case for case in reversed(cases)}
    once = [case for case in cases if first[case.subject] is case]
    what = "capture ids with blanks around them (kept as they are)"
    return (Finding.of(what, once),) if once else ()


def _mended(
    rows: pa.Table,
    columns: Words,
    concerns: Callable[[pa.ChunkedArray], Mask],
    mend: Callable[[pa.ChunkedArray], pa.ChunkedArray],
) -> tuple[pa.Table, Words, list[Case]]:
    cases: list[Case] = []
    new = {}
    for name in dict.fromkeys(columns):
        places = np.flatnonzero(concerns(rows[name]))
        if len(places):
            cases += _cases(rows[name], places)
            new[name] = MENDED + name
            rows = rows.append_column(MENDED + name, mend(rows[name]))
    return rows, tuple(new.get(name, name) for name in columns), cases


def _cases(paths: pa.ChunkedArray, places: NDArray[np.int64]) -> list[Case]:
    found = paths.take(pa.array(places)).to_pylist()
    return [
        Case(f"'{path}'", f"data row {place + 1}")
        for path, place in zip(found, places, strict=True)
    ]


def _has_blanks(paths: pa.ChunkedArray) -> Mask:
    return np.concatenate([np.zeros(0, np.bool_), *(_blank_edge(one) for one in paths.chunks)])


def _blank_edge(paths: pa.StringArray) -> Mask:
    """Tell which begin or end with a blank, without a copy of any."""
    starts, ends, data = layout(paths)
    found = np.zeros(len(paths), np.bool_)
    some = np.flatnonzero(ends > starts)
    found[some] = BLANK[data[starts[some]]] | BLANK[data[ends[some] - 1]]
    return found


def _without_blanks(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """A path of blanks alone is missing."""
    bare = pc.ascii_trim_whitespace(paths)
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def _has_backslash(paths: pa.ChunkedArray) -> Mask:
    if not any((layout(chunk)[2] == ord(BACKSLASH)).any() for chunk in paths.chunks):
        return np.zeros(len(paths), np.bool_)  # found out in a fifth of the time
    return np.asarray(pc.fill_null(pc.match_substring(paths, BACKSLASH), False))


def _with_slashes(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.replace_substring(paths, BACKSLASH, "/")
