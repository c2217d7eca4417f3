"""Figures by location, survey or whatever else is known of a capture."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from ctc.evaluation.figures import counted, guess, scores, tally
from ctc.evaluation.intervals import LEVEL, Resampling, clusters, interval
from ctc.evaluation.known import Known
from ctc.inventory.table import LOCATION

SEEN, UNSEEN = "seen", "unseen"
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
    ends = [
        _wilson(int(hits), int(n)) for hits, n in zip(counts.hit.sum(axis=1), captures, strict=True)
    ]
    table = pd.DataFrame(
        {
            "value": names,
            "captures": captures.astype(int),
            "accuracy": figures["accuracy"],
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
            "majority_accuracy": counts.support.max(axis=1, initial=0) / captures,
            **{name: figures[name] for name in OF_A_GROUP if name in figures},
        }
    )
    if column == LOCATION:
        table["learnt_from"] = table["value"].isin({*learnt_from})
    return table.sort_values(["accuracy", "value"], ignore_index=True)


def _wilson(hits: int, captures: int) -> tuple[float, float]:
    ends = binomtest(hits, captures).proportion_ci(LEVEL, method="wilson")
    return float(ends.low), float(ends.high)


def seen_and_unseen(
    known: Known, learnt_from: Collection[str], resampling: Resampling
) -> pd.DataFrame:
    """Return a row for the captures of locations that were learnt from, and one for the others.

    The columns are `locations` (`seen` or `unseen`), `number` (of them), `captures`, and of each
    figure its value, `_low` and `_high` (bootstrap over what stands in `resampled`), and
    `majority_accuracy`. A side without captures has no row, and captures whose location is not
    known are in none.
    """
    seen = np.array([place in learnt_from for place in known.locations], bool)
    located = np.array([place is not None for place in known.locations], bool)
    sides = ((SEEN, located & seen), (UNSEEN, located & ~seen))
    rows = [_side(name, known.at(chosen), resampling) for name, chosen in sides if chosen.any()]
    return pd.DataFrame(rows)


def _side(name: str, known: Known, resampling: Resampling) -> dict[str, object]:
    sums, groups = tally(known), clusters(known)
    ends = interval(sums, groups, resampling, scores)
    row: dict[str, object] = {
        "locations": name,
        "number": len({*known.locations}),
        "captures": len(known),
        "resampled": groups.unit,
        "majority_accuracy": float(scores(counted(tally(guess(known))))["accuracy"][0]),
    }
    for figure, value in scores(counted(sums)).items():
        low, high = ends.get(figure, (np.nan, np.nan))
        row |= {figure: float(value[0]), f"{figure}_low": float(low), f"{figure}_high": float(high)}
    return row
