"""The record of a version: what an evaluation found of it, as far as a promotion asks."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ctc.labels import Label


@dataclass(frozen=True)
class Record:
    """What an evaluation found of a version.

    Attributes:
        version: its number.
        labels: what it answers, with all classes that it knows.
        figures: of each label that it was judged on, by their names (`LabelEvaluation.figures`).
        classes: a row a label and class, see `ctc.evaluation.tables.class_tables`.
    """

    version: str
    labels: tuple[Label, ...]
    figures: Mapping[str, Mapping[str, float]]
    classes: pd.DataFrame

    def knows(self, label: str, name: str) -> bool:
        """Return whether a class is among its answers to a label."""
        return any(one.name == label and name in one.classes for one in self.labels)


def figure_table(candidate: Record | None, champion: Record | None) -> pd.DataFrame:
    """Return a row a label and metric, with the figure of `candidate` and of `champion`."""
    keys = ["label", "metric"]
    sides = [
        pd.DataFrame(
            [
                (label, metric, value)
                for label, figures in (one.figures if one else {}).items()
                for metric, value in figures.items()
            ],
            columns=[*keys, side],
        ).astype({"label": object, "metric": object, side: float})
        for side, one in (("candidate", candidate), ("champion", champion))
    ]
    return sides[0].merge(sides[1], on=keys, how="outer")


def recall_table(candidate: Record, champion: Record) -> pd.DataFrame:
    """Return a row a label and class of which there are captures.

    The columns are `label`, `class`, `captures`, the recall of `candidate` and of `champion` (0 for
    one that does not know the class), `drop`, and `lost`: how many captures fewer are recognised.
    """
    keys = ["label", "class"]
    candidates, champions = (
        one.classes.set_index(keys)[["recall", "support"]].astype(float)
        for one in (candidate, champion)
    )
    every = candidates.index.union(champions.index)
    ours, theirs = (table.reindex(every, fill_value=0.0) for table in (candidates, champions))
    captures = ours["support"].where(ours["support"] > 0, theirs["support"])
    whole = pd.DataFrame(
        {
            "captures": captures.astype(int),
            "candidate": ours["recall"],
            "champion": theirs["recall"],
        }
    )
    whole["drop"] = whole["champion"] - whole["candidate"]
    whole["lost"] = (whole["drop"] * whole["captures"]).round().astype(int)
    return whole[whole["captures"] > 0].reset_index()
