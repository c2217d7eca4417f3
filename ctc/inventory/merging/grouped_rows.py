"""Rows of a table, told apart by the number of their capture."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctc.inventory.findings import Case
from ctc.inventory.repeats import Numbers, coded, first_of_each

UNKNOWN, NOTHING, SOMETHING = -1, 0, 1  # what a row shows, where the source says so


@dataclass(frozen=True)
class GroupedRows:
    """Rows of captures.

    Attributes:
        rows: columns of text, null = missing.
        capture_id: the column that names the capture.
        capture: int64 [rows]: number of each row's capture, from 0 in order of appearance.
        numbers: int64 [rows]: number of each row in the source.
        place: how such a number is worded.
        shows: int8 [rows]: whether a row shows `SOMETHING`, `NOTHING`, or what its labels say
            (`UNKNOWN`); None: what their labels say.
    """

    rows: pa.Table
    capture_id: str
    capture: Numbers
    numbers: Numbers
    place: str
    shows: NDArray[np.int8] | None = None
    _codes: dict[str, Numbers] = field(default_factory=dict, init=False, repr=False)

    @property
    def all(self) -> Numbers:
        """The place of each row."""
        return np.arange(self.rows.num_rows)

    @cached_property
    def captures(self) -> int:
        """How many captures there are."""
        return int(self.capture.max(initial=-1)) + 1

    @property
    def single(self) -> bool:
        """Whether each row is a capture of its own."""
        return self.captures == len(self.capture)

    def first(self, some: Numbers) -> Numbers:
        """Return [captures] the first of some rows, in their order, or -1 for none."""
        if self.single and len(some) == self.captures:
            return some
        first = np.full(self.captures, -1)
        first[self.capture[some][::-1]] = some[::-1]  # the last assignment stands
        return first

    def first_known(self, name: str) -> Numbers:
        """Return [captures] the first row where a column has a value, or -1."""
        return self.first(np.flatnonzero(self.rows[name].is_valid()))

    def codes(self, name: str) -> Numbers:
        """Return [rows] a number for each value of a column, -1 where it is missing."""
        if name not in self._codes:
            self._codes[name] = coded(self.rows[name])
        return self._codes[name]

    def name_of(self, row: int) -> str:
        """Return the name of a row's capture."""
        return str(self.rows[self.capture_id][row].as_py())

    def place_of(self, row: int) -> str:
        """Say where the source has a row; empty where its number is below 0."""
        return self.place.format(self.numbers[row]) if self.numbers[row] >= 0 else ""

    def case(self, row: int, detail: str = "") -> Case:
        """Return a row's capture as a case of a finding."""
        return Case(self.name_of(row), self.place_of(row), detail)

    def contradicting(self, name: str) -> Numbers:
        """Return, of each capture with several values of a column, the first row with another."""
        if self.single:
            return np.zeros(0, np.int64)
        codes, first = self.codes(name), self.first_known(name)
        other = (codes >= 0) & (codes != codes[first[self.capture]])
        rows = self.first(np.flatnonzero(other))
        return rows[rows >= 0]

    def observations(self, labels: Sequence[str], but: Numbers | None = None) -> Numbers:
        """Return the first row of each different set of labels of each capture, in order.

        Rows without any label count where their capture has no other.

        Args:
            labels: the columns.
            but: rows that do not count; each capture has others.
        """
        if self.single:
            return self.all
        some = self._telling(labels, but)
        first = self.first(some)
        codes = [self.codes(name) for name in labels]
        same_as = first[self.capture[some]]
        differs = np.zeros(len(some), np.bool_)
        for code in codes:
            differs |= code[some] != code[same_as]
        return np.sort(np.concatenate([first, self._different(some[differs], codes)]))

    def _telling(self, labels: Sequence[str], but: Numbers | None) -> Numbers:
        counts = np.ones(self.rows.num_rows, np.bool_)
        if but is not None:
            counts[but] = False
        known = counts & any_known(self.rows, labels)
        has_some = np.bincount(self.capture, weights=known, minlength=self.captures) > 0
        return np.flatnonzero(known | (counts & ~has_some[self.capture]))

    def _different(self, rows: Numbers, codes: Sequence[Numbers]) -> Numbers:
        """Of some rows, the first of each different set of labels of each capture."""
        return rows[first_of_each(self.capture[rows], *(code[rows] for code in codes))]


def any_known(rows: pa.Table, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return [rows] whether any of the columns has a value."""
    known = np.zeros(rows.num_rows, np.bool_)
    for name in names:
        known |= np.asarray(rows[name].is_valid())
    return known


def at(column: pa.ChunkedArray, places: Numbers) -> pa.ChunkedArray:
    """Return the values at some places, null at -1."""
    if len(places) == len(column) and np.array_equal(places, np.arange(len(column))):
        return column
    return column.take(pa.array(places, mask=places < 0))
