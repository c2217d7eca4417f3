"""What merging rows to captures notices."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.grouped_rows import GroupedRows, any_known
from ctc.inventory.merging.picture_lists import Pictures, Shared
from ctc.inventory.merging.several import Observed
from ctc.inventory.repeats import Numbers
from ctc.inventory.table import TIMESTAMP

SEVERAL = "captures with several observations (a dataset leaves them out)"
NAMED = 5  # captures that are named beside a picture that is in several


def blank_rows(numbers: Numbers, place: str) -> Iterator[Finding]:
    """Rows that are left out: spreadsheets leave such at the end of a table."""
    cases = [Case("row", place.format(number)) for number in numbers]
    if cases:
        yield Finding.of("rows without a value in any column that is read (left out)", cases)


def without_pictures(grouped: GroupedRows, pictures: Pictures) -> Iterator[Finding]:
    """Captures of whose rows none names a picture."""
    has_some = np.bincount(pictures.capture, minlength=grouped.captures) > 0
    yield from _captures(
        "captures without a picture", grouped, grouped.first(grouped.all)[~has_some]
    )


def without_labels(
    grouped: GroupedRows, labels: Sequence[str], observations: Numbers
) -> Iterator[Finding]:
    """Captures of whose labels none is known."""
    if labels:
        unknown = observations[~any_known(grouped.rows, labels)[observations]]
        yield from _captures("captures without any label", grouped, unknown)


def _captures(
    what: str, grouped: GroupedRows, rows: Numbers, details: Sequence[str] | None = None
) -> Iterator[Finding]:
    """List the captures of some rows; their names are read at once, for there may be many."""
    names = grouped.rows[grouped.capture_id].take(pa.array(rows)).to_pylist()
    found = zip(names, rows, details or [""] * len(rows), strict=True)
    cases = [Case(name, grouped.place_of(row), detail) for name, row, detail in found]
    if cases:
        yield Finding.of(what, cases)


def not_observations(grouped: GroupedRows, found: Observed) -> Iterator[Finding]:
    """Rows with labels of their own that are no observation of their capture."""
    outshone = "frames annotated as empty in a capture that shows something (not counted)"
    yield from _captures(outshone, grouped, found.outshone)
    within = [_within(grouped, *both) for both in zip(found.absorbed, found.within, strict=True)]
    same = "observations whose labels are all in another of their capture (taken as the same)"
    yield from _captures(same, grouped, found.absorbed, within)


def _within(grouped: GroupedRows, row: int, other: int) -> str:
    """Say where the other row is, unless both are in one place, such as an entry of a file."""
    place = grouped.place_of(other)
    return f"in {place}" if place != grouped.place_of(row) else ""


def several_observations(
    names: pa.ChunkedArray, capture: Numbers, place_of: Callable[[int], str]
) -> Iterator[Finding]:
    """Captures with several observations.

    Args:
        names: [observations] the capture of each.
        capture: int64 [observations]: its number, from 0 in order of appearance.
        place_of: says where the source has an observation.
    """
    counts = np.bincount(capture)
    if len(counts) == len(capture):
        return
    first = np.zeros(len(counts), np.int64)
    first[capture[::-1]] = np.arange(len(capture))[::-1]  # the last assignment stands
    many = np.flatnonzero(counts > 1)
    found = zip(names.take(pa.array(first[many])).to_pylist(), many, strict=True)
    yield Finding.of(
        SEVERAL,
        [Case(name, place_of(first[one]), f"{counts[one]} observations") for name, one in found],
    )


def contradictions(grouped: GroupedRows, kept: Mapping[str, str]) -> Iterator[Finding]:
    """Metadata that differs between the rows of a capture; the first value was kept."""
    for name, column in kept.items():
        # A time differs within a burst as it should: the first is the capture's.
        if name == TIMESTAMP or grouped.single:
            continue
        values, first = grouped.rows[column], grouped.first_known(column)
        cases = [
            grouped.case(row, f"'{values[row]}', not '{values[first[grouped.capture[row]]]}'")
            for row in grouped.contradicting(column)
        ]
        if cases:
            what = f"captures with several values of '{name}' (the first was kept)"
            yield Finding.of(what, cases, column=name)


def shared_pictures(grouped: GroupedRows, shared: Sequence[Shared]) -> Iterator[Finding]:
    """Pictures that are in several captures; they stay there."""
    cases = [_shared(grouped, one) for one in shared]
    if cases:
        yield Finding.of("pictures that are in several captures", cases)


def _shared(grouped: GroupedRows, one: Shared) -> Case:
    first, *others = one.rows
    also = [f"'{grouped.name_of(row)}' of {grouped.place_of(row)}" for row in others[:NAMED]]
    more = [f"{len(others) - NAMED} more"] if len(others) > NAMED else []
    detail = f"in capture '{grouped.name_of(first)}' and in {', '.join(also + more)}"
    return Case(one.path, grouped.place_of(first), detail)
