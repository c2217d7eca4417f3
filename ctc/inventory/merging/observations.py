"""From rows as people write them to observations of captures.

A table may have several picture columns a row, several rows a capture (a burst, or several
animals), or both, as the 2019 tool merged them. Rows are told apart by numbers, never by their
texts: a million rows are merged in a fraction of the time that it takes to read them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctc.errors import BadInput
from ctc.inventory.findings import Finding
from ctc.inventory.merging.grouped_rows import GroupedRows, any_known, at
from ctc.inventory.merging.noticed import (
    blank_rows,
    contradictions,
    not_observations,
    several_observations,
    shared_pictures,
    without_labels,
    without_pictures,
)
from ctc.inventory.merging.picture_lists import Pictures, once_each, pictures_of
from ctc.inventory.merging.several import observed
from ctc.inventory.repeats import Numbers, numbered
from ctc.inventory.table import CAPTURE_ID, IMAGES, RESERVED
from ctc.parameter import Words


@dataclass(frozen=True)
class Columns:
    """Which column of the rows is what.

    Attributes:
        capture_id: names the capture.
        images: columns of text (a path, or null), or one of lists of text (paths, in their order).
        labels: columns of text that become labels.
        metadata: names of what is kept beside.
        read_from: the column that a name of `metadata` is read from, where it has another name.
    """

    capture_id: str
    images: Words
    labels: Words
    metadata: Words
    read_from: Mapping[str, str] = field(default_factory=dict)

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

    @property
    def kept(self) -> dict[str, str]:
        """Each name of metadata, and the column it is read from."""
        return {name: self.read_from.get(name, name) for name in self.metadata}

    @property
    def used(self) -> Words:
        """Every column of the rows that is read, once."""
        texts = (self.capture_id, *self.labels, *self.kept.values())
        return tuple(dict.fromkeys((*texts, *self.images)))


@dataclass(frozen=True)
class Origin:
    """Where rows are from, for sentences and findings.

    Attributes:
        source: the file.
        numbers: int64 [rows]: number of each row there; None: they are counted from 1.
        place: how such a number is worded. Rows of a table are counted below the header, without
            blank lines.
    """

    source: str = ""
    numbers: Numbers | None = None
    place: str = "data row {}"

    def numbers_of(self, rows: pa.Table) -> Numbers:
        """Return [rows] the number of each row."""
        return np.arange(1, rows.num_rows + 1) if self.numbers is None else self.numbers


@dataclass(frozen=True)
class Merged:
    """The observations of captures, in the order of the rows.

    Attributes:
        table: see `Inventory.table`.
        places: int64 [observations]: number of the first row of each observation.
        findings: what was noticed.
    """

    table: pa.Table
    places: Numbers
    findings: tuple[Finding, ...]


def merge(
    rows: pa.Table,
    columns: Columns,
    origin: Origin | None = None,
    shows: NDArray[np.int8] | None = None,
) -> Merged:
    """Return the observations of captures in the order of the rows.

    A capture has the pictures of all its rows, each once, and the first known value of each
    metadata column; each different set of labels is an observation. A row without labels, one that
    says `empty` and one whose labels are all in another are observations only where their capture
    has no other.

    Args:
        rows: the columns that `columns` names, of text (or null where nothing is known).
        columns: which is what.
        origin: where the rows are from.
        shows: what the source knows beyond the labels, see `GroupedRows`.

    Raises:
        BadInput: for a row without a capture id.
    """
    grouped, blank = _grouped(_texts(rows, columns), columns, origin or Origin(), shows)
    found = observed(grouped, columns.labels)
    observations = found.rows
    pictures, shared = once_each(pictures_of(grouped.rows, columns.images, grouped.capture))
    table = _table(grouped, columns, observations, pictures)
    findings = (
        *blank,
        *without_pictures(grouped, pictures),
        *without_labels(grouped, columns.labels, observations),
        *not_observations(grouped, found),
        *_several(grouped, observations),
        *contradictions(grouped, columns.kept),
        *shared_pictures(grouped, shared),
    )
    return Merged(table, grouped.numbers[observations], findings)


def _several(grouped: GroupedRows, observations: Numbers) -> Iterator[Finding]:
    """List the captures with several observations."""
    if len(observations) > grouped.captures:
        names = grouped.rows[grouped.capture_id].take(pa.array(observations))
        capture = grouped.capture[observations]
        yield from several_observations(
            names, capture, lambda one: grouped.place_of(observations[one])
        )


def _texts(rows: pa.Table, columns: Columns) -> pa.Table:
    """The columns used; one that is all null may have no type yet."""
    rows = rows.select(columns.used)
    for place, name in enumerate(rows.column_names):
        if pa.types.is_null(rows[name].type):
            rows = rows.set_column(place, name, rows[name].cast(pa.string()))
    return rows


def _grouped(
    rows: pa.Table, columns: Columns, origin: Origin, shows: NDArray[np.int8] | None
) -> tuple[GroupedRows, tuple[Finding, ...]]:
    """Number the captures of rows, less those that hold nothing."""
    numbers, name = origin.numbers_of(rows), columns.capture_id
    nameless = np.asarray(rows[name].is_null())
    found: tuple[Finding, ...] = ()
    if nameless.any():
        blank = nameless & ~any_known(rows, columns.used)
        _check_ids(numbers[nameless & ~blank], name, origin)
        found = tuple(blank_rows(numbers[blank], origin.place))
        rows, numbers = rows.filter(pa.array(~blank)), numbers[~blank]
        shows = None if shows is None else shows[~blank]
    capture = numbered(rows[name])
    return GroupedRows(rows, name, capture, numbers, origin.place, shows), found


def _check_ids(nameless: Numbers, name: str, origin: Origin) -> None:
    if len(nameless):
        where = f"'{origin.source}': " if origin.source else ""
        raise BadInput(
            f"{where}column '{name}' is empty in {len(nameless)} row{'s' * (len(nameless) > 1)}, "
            f"the first is {origin.place.format(nameless[0])}"
        )


def _table(
    grouped: GroupedRows, columns: Columns, observations: Numbers, pictures: Pictures
) -> pa.Table:
    rows, capture = grouped.rows, grouped.capture[observations]
    metadata = {
        name: at(rows[column], grouped.first_known(column)[capture])
        for name, column in columns.kept.items()
    }
    return pa.table(
        {
            CAPTURE_ID: at(rows[columns.capture_id], observations),
            IMAGES: at(pictures.lists(grouped.captures), capture),
            **{name: at(rows[name], observations) for name in columns.labels},
            **metadata,
        }
    )
