"""Captures with several sets of labels: which of them are observations of the capture.

A dataset leaves out captures with several observations. Taking a frame without the animal, or half
of what another row says, for an observation would leave out bursts that show something and keep
those that show nothing: a bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctc.inventory.merging.grouped_rows import SOMETHING, UNKNOWN, GroupedRows, any_known
from ctc.inventory.repeats import Numbers, first_of_each, rows_coded

SPECIES, EMPTY = "species", "empty"  # labels that may say that nothing is to be seen
# The class of a picture without an animal: the standard name of COCO Camera Traps, and those that
# its description lists as others met (https://lila.science/coco-camera-traps).
EMPTY_CLASSES = ("empty", "blank", "false trigger", "none", "misfire", "nothing")


def _none() -> Numbers:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class Observed:
    """What the rows of captures observe, each as int64 [...] numbers of rows.

    Attributes:
        rows: the first row of each observation, in order.
        outshone: rows that show nothing, of captures of which another row shows something.
        absorbed: rows that say nothing but what another observation of their capture says too.
        within: that other one, of each that is absorbed.
    """

    rows: Numbers
    outshone: Numbers = field(default_factory=_none)
    absorbed: Numbers = field(default_factory=_none)
    within: Numbers = field(default_factory=_none)


def observed(grouped: GroupedRows, labels: Sequence[str]) -> Observed:
    """Return the observations of each capture; only captures with several cost time."""
    rows = grouped.observations(labels)
    if len(rows) == grouped.captures and grouped.shows is None:
        return Observed(rows)
    outshone = _outshone(grouped, labels, rows)
    if len(outshone):
        rows = grouped.observations(labels, outshone)
    some = rows[_with_others(grouped, rows)[grouped.capture[rows]]]
    if not len(some):
        return Observed(rows, outshone)
    codes = np.stack([grouped.codes(name)[some] for name in labels], axis=1)
    within = _within(grouped.capture[some], codes)
    absorbed = within >= 0
    kept = np.setdiff1d(rows, some[absorbed])
    return Observed(kept, outshone, some[absorbed], some[within[absorbed]])


def says_nothing(rows: pa.Table, labels: Sequence[str]) -> NDArray[np.bool_]:
    """Return [rows] whether `species`, or `empty` where that is missing, has an empty class."""
    told = [rows[name] for name in (SPECIES, EMPTY) if name in labels]
    if not told:
        return np.zeros(rows.num_rows, np.bool_)
    classes = pc.coalesce(*told).combine_chunks().dictionary_encode()
    names = classes.dictionary.to_pylist()
    nothing = np.array([*(name.strip().lower() in EMPTY_CLASSES for name in names), False])
    return nothing[np.asarray(pc.fill_null(classes.indices, len(names)), np.int64)]


def _with_others(grouped: GroupedRows, rows: Numbers) -> NDArray[np.bool_]:
    """Return [captures] whether several of some rows are of the capture."""
    return np.bincount(grouped.capture[rows], minlength=grouped.captures) > 1


def _outshone(grouped: GroupedRows, labels: Sequence[str], observations: Numbers) -> Numbers:
    """Return the rows that show nothing, of captures of which another shows something."""
    some = grouped.all
    if grouped.shows is None:
        some = np.flatnonzero(_with_others(grouped, observations)[grouped.capture])
    rows, capture = grouped.rows.take(pa.array(some)), grouped.capture[some]
    nothing = says_nothing(rows, labels)
    something = any_known(rows, labels) & ~nothing
    if grouped.shows is not None:
        told = grouped.shows[some]
        nothing = np.where(told == UNKNOWN, nothing, told != SOMETHING)
        something = np.where(told == UNKNOWN, something, told == SOMETHING)
    shows = np.bincount(capture, weights=something, minlength=grouped.captures) > 0
    return some[nothing & shows[capture]]


def _within(capture: Numbers, codes: Numbers) -> Numbers:
    """Return, of each observation, another one that has all its labels and more; -1 for none.

    Observations are compared as sets, not in pairs: a capture may have very many.

    Args:
        capture: [observations]: the number of each one's capture.
        codes: [observations, labels]: the number of each class, -1 = missing.
    """
    found = np.full(len(capture), -1)
    known = codes >= 0
    kind = rows_coded(*known.T.astype(np.int64))  # which labels are known
    for one in first_of_each(kind):
        these = np.flatnonzero(kind == kind[one])
        more = known[:, known[one]].all(axis=1) & (kind != kind[one])
        others = np.flatnonzero(more)
        others = others[np.isin(capture[others], capture[these])]
        keys = np.column_stack([capture, codes[:, known[one]]])
        found[these] = _first_equal(keys, these, others)
    return found


def _first_equal(keys: Numbers, these: Numbers, others: Numbers) -> Numbers:
    """Return, of some rows, the first of other rows with equal keys, or -1."""
    key = rows_coded(*keys[np.concatenate([these, others])].T)
    first = np.full(key.max(initial=-1) + 1, -1)
    first[key[len(these) :][::-1]] = others[::-1]  # the last assignment stands
    return first[key[: len(these)]]
