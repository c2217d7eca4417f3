"""Figures of a label with their intervals, and what guessing would score."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ctc.evaluation.figures import class_scores, counted, guess, scores, tally
from ctc.evaluation.intervals import Resampling, clusters, interval
from ctc.evaluation.known import Floats, Known


@dataclass(frozen=True)
class Estimate:
    """A figure.

    Attributes:
        value: what was measured.
        low, high: ends of its 95 % interval; None where none could be drawn.
        guessing: what always guessing the commonest class would score (`log_loss`: answering with
            the shares of the classes); None where that makes no sense.
    """

    value: float
    low: float | None = None
    high: float | None = None
    guessing: float | None = None


@dataclass(frozen=True)
class Estimates:
    """Figures of captures, or of single pictures.

    Attributes:
        count: of captures or pictures.
        resampled: what intervals are drawn over: `locations` or `captures`.
        clusters: number of them.
        of: each figure by its name (`ctc.evaluation.figures.SCORES`, as far as they are known).
    """

    count: int
    resampled: str
    clusters: int
    of: dict[str, Estimate]


def estimates(known: Known, resampling: Resampling) -> Estimates:
    """Return the figures with intervals over locations, where they are known, or captures."""
    sums, groups = tally(known), clusters(known)
    ends = interval(sums, groups, resampling, scores)
    guessing = scores(counted(tally(guess(known))))
    of = {
        name: Estimate(
            value=float(value[0]),
            low=_known(ends[name][0]) if name in ends else None,
            high=_known(ends[name][1]) if name in ends else None,
            guessing=_known(guessing[name][0]) if name in guessing else None,
        )
        for name, value in scores(counted(sums)).items()
        if not np.isnan(value[0])
    }
    return Estimates(len(known), groups.unit, groups.count, of)


def _known(value: np.float64 | Floats) -> float | None:
    return None if np.isnan(value) else float(value)


def class_table(known: Known, resampling: Resampling) -> pd.DataFrame:
    """Return a row a class that is true or predicted of some capture.

    The columns are `class`, `precision`, `recall` and `f1` (0 where the denominator is 0) with
    `_low` and `_high` each, and `support`, the captures that are of it.
    """
    sums = tally(known)
    counts = counted(sums)
    ends = interval(sums, clusters(known), resampling, class_scores)
    occurs = (counts.support[0] + counts.claimed[0]) > 0
    table = {"class": [name for name, here in zip(known.classes, occurs, strict=True) if here]}
    for name, values in class_scores(counts).items():
        undefined = np.full(len(occurs), np.nan)
        low, high = ends.get(name, (undefined, undefined))
        columns = {name: np.nan_to_num(values[0]), f"{name}_low": low, f"{name}_high": high}
        table |= {column: numbers[occurs] for column, numbers in columns.items()}
    return pd.DataFrame(table | {"support": counts.support[0][occurs].astype(int)})


def confusion_table(known: Known) -> pd.DataFrame:
    """Return captures: a row a true class, a column a predicted one, of those that occur."""
    size = len(known.classes)
    counts = np.bincount(known.truth * size + known.said, minlength=size * size)
    square = counts.reshape(size, size)
    occurs = (square.sum(axis=0) + square.sum(axis=1)) > 0
    names = [name for name, here in zip(known.classes, occurs, strict=True) if here]
    return pd.DataFrame(square[occurs][:, occurs], index=names, columns=names)
