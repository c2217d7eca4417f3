"""The report: an evaluation to be read from top to bottom."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from ctc.evaluation.evaluation import Evaluation, LabelEvaluation
from ctc.evaluation.judging import Judgement
from ctc.evaluation.pages.page import data_uri, render
from ctc.evaluation.plots.every import (
    CONFUSION,
    EFFORT,
    EMPTY_FILTER,
    RELIABILITY,
    group_name,
)

MEANINGS = {
    "accuracy": "share of right answers",
    "balanced_accuracy": "mean recall of the classes",
    "macro_f1": "mean F1 of the classes",
    "weighted_f1": "mean F1, each class as often as it occurs",
    "top3_accuracy": "truth among the three most probable classes",
    "log_loss": "log loss (lower is better)",
    "accepted_share": "share accepted without a look",
    "accepted_accuracy": "share of right answers among the accepted",
}

Row = Mapping[Hashable, Any]


@dataclass(frozen=True)
class FigureRow:
    """A figure of a label in words: of captures, with its interval and guessing, and of pictures.

    What is not known is None.
    """

    words: str
    value: float
    low: float | None
    high: float | None
    guessing: float | None
    pictures: float | None


@dataclass(frozen=True)
class Section:
    """What the report says of a label.

    Attributes:
        of: what was found.
        figures: see `FigureRow`.
        classes: rows of `ctc.evaluation.estimates.class_table` with `taken_for`, the weakest first.
        seen: rows of `ctc.evaluation.groups.seen_and_unseen`.
        plots: addresses that hold them, by their names.
        group_plots: the same, by the column whose values they show.
    """

    of: LabelEvaluation
    figures: tuple[FigureRow, ...]
    classes: list[dict[Hashable, Any]]
    seen: list[dict[Hashable, Any]]
    plots: Mapping[str, str]
    group_plots: Mapping[str, str]


def report(
    plan: Judgement,
    evaluation: Evaluation,
    name: str,
    plots: Mapping[str, Mapping[str, bytes]],
) -> str:
    """Return the report as one HTML file.

    Args:
        plan: what was judged on what.
        evaluation: what was found.
        name: what the classifier is called: a URI.
        plots: of each label, see `ctc.evaluation.plots.every.plots_of`.
    """
    return render(
        "report.html.jinja",
        name=name,
        plan=plan,
        evaluation=evaluation,
        fitted=plan.classifier.calibration,
        locations=len(plan.mixture.locations(plan.splits)),
        period=plan.mixture.period(plan.splits),
        captures=sum(plan.mixture.splits[split] for split in plan.splits),
        sections=[_section(one, plots.get(one.label, {})) for one in evaluation.labels],
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        names={
            "confusion": CONFUSION,
            "reliability": RELIABILITY,
            "effort": EFFORT,
            "empty": EMPTY_FILTER,
        },
    )


def _section(one: LabelEvaluation, plots: Mapping[str, bytes]) -> Section:
    held = {name: data_uri(data, "image/png") for name, data in plots.items()}
    by = {column: held[group_name(column)] for column in one.groups if group_name(column) in held}
    return Section(
        of=one,
        figures=figure_rows(one),
        classes=class_rows(one),
        seen=one.seen.to_dict("records"),
        plots=held,
        group_plots=by,
    )


def figure_rows(one: LabelEvaluation) -> tuple[FigureRow, ...]:
    """Return the figures of a label in words, in the order of `MEANINGS`."""
    of, pictures = one.captures.of, one.pictures.of
    return tuple(
        FigureRow(
            words=words,
            value=of[name].value,
            low=of[name].low,
            high=of[name].high,
            guessing=of[name].guessing,
            pictures=pictures[name].value if name in pictures else None,
        )
        for name, words in MEANINGS.items()
        if name in of
    )


def class_rows(one: LabelEvaluation) -> list[dict[Hashable, Any]]:
    """Return a row a class, the one with the lowest F1 first, with what it is `taken_for`.

    That is the commonest wrong answer to its captures and their number; None if there is none.
    """
    weakest = one.classes.sort_values(["f1", "class"])
    rows: list[dict[Hashable, Any]] = weakest.to_dict("records")
    return [{**row, "taken_for": _taken_for(one.confusion, row["class"])} for row in rows]


def _taken_for(confusion: pd.DataFrame, name: str) -> tuple[str, int] | None:
    answers: Row = confusion.loc[name].to_dict()
    wrong = {str(other): int(n) for other, n in answers.items() if n and other != name}
    if not wrong:
        return None
    most = max(wrong, key=wrong.__getitem__)
    return most, wrong[most]
