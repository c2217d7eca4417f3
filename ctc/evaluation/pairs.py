"""Answers capture by capture, from the tables that evaluations keep: of one, and of two at once."""

from collections.abc import Mapping

import pandas as pd

BOTH, FIRST, OTHER, NEITHER = "both right", "only the first", "only the other", "neither"


def judged_answers(predictions: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return the rows of a label whose truth is known, by `capture_id`, with whether it is `right`.

    Captures of which no picture could be read are left out, as they are of all figures.

    Args:
        predictions: `predictions.csv` of an evaluation, with "" for a text that is missing.
        label: its name.
    """
    chosen = predictions[predictions["label"] == label].set_index("capture_id")
    judged = chosen[(chosen["truth"] != "") & (chosen["prediction"] != "")]
    return judged.assign(right=judged["truth"] == judged["prediction"])


def pair_table(first: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how many captures are answered rightly by both, by only one, or by neither.

    Args:
        first: what `judged_answers` returned for a classifier.
        others: the same for others, by their names. Captures that both have answered are counted.

    Returns:
        A row for each of the others, with the columns `BOTH`, `FIRST`, `OTHER` and `NEITHER`.
    """
    rows = {name: _counts(first["right"], other["right"]) for name, other in others.items()}
    return pd.DataFrame.from_dict(rows, "index", columns=[BOTH, FIRST, OTHER, NEITHER])


def _counts(first: "pd.Series[bool]", other: "pd.Series[bool]") -> list[int]:
    mine, theirs = first.align(other, "inner")
    sides = (mine & theirs, mine & ~theirs, ~mine & theirs, ~mine & ~theirs)
    return [int(side.sum()) for side in sides]
