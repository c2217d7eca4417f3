"""Figures by location, survey or whatever else is known of a capture."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ctc.evaluation.figures import SCORES, counted, guess, scores, tally
from ctc.evaluation.intervals import LEVEL, Resampling, clusters, ends, resampled
from ctc.evaluation.known import Floats, Known
from ctc.inventory.table import LOCATION

SEEN, UNSEEN, DIFFERENCE = "seen", "unseen", "seen_minus_unseen"
OF_A_GROUP = ("balanced_accuracy", "macro_f1", "log_loss", "accepted_share", "accepted_accuracy")


def by_column(known: Known, column: str, learnt_from: Collection[str]) -> pd.DataFrame:
    """Return a row a value of a piece of metadata, those with the lowest accuracy first.

    The columns are `value`, `captures`, `accuracy` with `low` and `high` (Wilson's interval, which
    takes the captures of a group as independent), `majority_accuracy` (of always guessing the
    group's own commonest class) and those of `OF_A_GROUP` that are known; of `location`, whether it
    was `learnt_from`. Captures of which the value is not known are in no row.
    """
    values = [about.get(column) for about in known.metadata]
    names = sorted({value for value in values if value is not None})
    place = {name: number for number, name in enumerate(names)}
    groups = np.array([place.get(value, -1) if value else -1 for value in values], np.int64)
    has_value = groups >= 0
    counts = counted(
        tally(known.at(has_value)).grouped(groups[has_value], len(names)), np.eye(len(names))
    )
    figures, captures = scores(counts), counts.sums["captures"]
    wilson = [
        _wilson(int(hits), int(n)) for hits, n in zip(counts.hit.sum(axis=1), captures, strict=True)
    ]
    table = pd.DataFrame(
        {
            "value": names,
            "captures": captures.astype(int),
            "accuracy": figures["accuracy"],
            "low": [low for low, _ in wilson],
            "high": [high for _, high in wilson],
            "majority_accuracy": counts.support.max(axis=1, initial=0) / captures,
            **{name: figures[name] for name in OF_A_GROUP if name in figures},
        }
    )
    if column == LOCATION:
        table["learnt_from"] = table["value"].isin({*learnt_from})
    return table.sort_values(["accuracy", "value"], ignore_index=True)


def _wilson(hits: int, captures: int) -> tuple[float, float]:
    found = binomtest(hits, captures).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


@dataclass(frozen=True)
class _Side:
    """Captures of locations that were learnt from, or of others.

    Attributes:
        known: what was said of them.
        unit: what is drawn as a whole.
        figures: each by its name.
        resamples: each in every resample, [draws]; none where none were drawn.
    """

    known: Known
    unit: str
    figures: Mapping[str, float]
    resamples: Mapping[str, Floats]


def seen_and_unseen(
    known: Known, learnt_from: Collection[str], resampling: Resampling
) -> pd.DataFrame:
    """Return a row for the captures of locations that were learnt from, and one for the others.

    A third is their difference, `seen_minus_unseen`. The columns are `locations` (which of the
    three), `number` (of them), `captures`, and of each figure its value, `_low` and `_high`
    (bootstrap over what stands in `resampled`), and `majority_accuracy`. For the difference each
    side is drawn on its own (Davison & Hinkley 1997, section 3.2). A side without captures has no
    row, and captures whose location is not known are in none.
    """
    seen = np.array([place in learnt_from for place in known.locations], bool)
    located = np.array([place is not None for place in known.locations], bool)
    other = replace(resampling, seed=resampling.seed + 1)  # the same draws would not be independent
    asked = ((SEEN, located & seen, resampling), (UNSEEN, located & ~seen, other))
    sides = {name: _side(known.at(chosen), how) for name, chosen, how in asked if chosen.any()}
    rows = [_row(name, side) for name, side in sides.items()]
    if len(sides) == len(asked):
        rows.append(_difference(rows, sides[SEEN], sides[UNSEEN]))
    return pd.DataFrame(rows)


def _side(known: Known, resampling: Resampling) -> _Side:
    sums, groups = tally(known), clusters(known)
    figures = {name: float(value[0]) for name, value in scores(counted(sums)).items()}
    guessing = float(scores(counted(tally(guess(known))))["accuracy"][0])
    return _Side(
        known=known,
        unit=groups.unit,
        figures={"majority_accuracy": guessing, **figures},
        resamples=resampled(sums, groups, resampling, scores),
    )


def _row(name: str, side: _Side) -> dict[str, Any]:
    return {
        "locations": name,
        "number": len({*side.known.locations}),
        "captures": len(side.known),
        "resampled": side.unit,
        **_with_ends(side.figures, side.resamples),
    }


def _difference(rows: Sequence[Mapping[str, Any]], seen: _Side, unseen: _Side) -> dict[str, Any]:
    both = seen.resamples.keys() & unseen.resamples.keys()
    figures = {name: value - unseen.figures[name] for name, value in seen.figures.items()}
    return {
        "locations": DIFFERENCE,
        "number": sum(row["number"] for row in rows),
        "captures": sum(row["captures"] for row in rows),
        "resampled": " and ".join(dict.fromkeys((seen.unit, unseen.unit))),
        **_with_ends(figures, {n: seen.resamples[n] - unseen.resamples[n] for n in both}),
    }


def _with_ends(figures: Mapping[str, float], resamples: Mapping[str, Floats]) -> dict[str, Any]:
    """Return each figure, and but for guessing the ends of its interval; NaN for none."""
    row: dict[str, Any] = {}
    for name, value in figures.items():
        row[name] = value
        if name in SCORES:
            low, high = ends(resamples[name]) if name in resamples else (np.nan, np.nan)
            row |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    return row
