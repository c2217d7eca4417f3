"""What merging rows to captures notices."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.grouped_rows import GroupedRows, any_known
from ctc.inventory.merging.picture_lists import Pictures, Shared
from ctc.inventory.repeats import Numbers

TIMESTAMP = "timestamp"  # differs within a burst as it should: the first is the capture's
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


def _captures(what: str, grouped: GroupedRows, rows: Numbers) -> Iterator[Finding]:
    names = grouped.rows[grouped.capture_id].take(pa.array(rows)).to_pylist()
    cases = [Case(name, grouped.place_of(row)) for name, row in zip(names, rows, strict=True)]
    if cases:
        yield Finding.of(what, cases)


def contradictions(grouped: GroupedRows, kept: Mapping[str, str]) -> Iterator[Finding]:
    """Metadata that differs between the rows of a capture; the first value was kept."""
    for name, column in kept.items():
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
