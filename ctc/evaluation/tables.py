"""An evaluation as tables: what a run keeps, and what a terminal shows."""

from collections.abc import Iterator

import pandas as pd

from ctc.evaluation.estimates import Estimates
from ctc.evaluation.evaluation import Evaluation, LabelEvaluation
from ctc.evaluation.suspects import COLUMNS

SHOWN = (
    "captures", "accuracy", "95 % interval", "majority_accuracy", "macro_f1", "accepted_share",
    "accepted_accuracy",
)  # fmt: skip


def label_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return a row a label with its figures (`LabelEvaluation.figures`)."""
    rows = [{"label": one.label, **one.figures} for one in evaluation.labels]
    return pd.DataFrame(rows).astype({"captures": int} if rows else {})


def figure_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return a row a label, level and figure.

    The columns are `label`, `level` (`captures` or `pictures`), `metric`, `value`, `low` and `high`
    (ends of its 95 % interval), `guessing` (see `Estimate`), `count` (of captures or pictures) and
    `resampled` (what the interval was drawn over).
    """
    rows = [
        row
        for one in evaluation.labels
        for level, of in (("captures", one.captures), ("pictures", one.pictures))
        for row in _figures(one.label, level, of)
    ]
    columns = [
        "label", "level", "metric", "value", "low", "high", "guessing", "count", "resampled",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _figures(label: str, level: str, of: Estimates) -> Iterator[dict[str, object]]:
    for name, one in of.of.items():
        yield {
            "label": label,
            "level": level,
            "metric": name,
            **vars(one),
            "count": of.count,
            "resampled": of.resampled,
        }


def class_tables(evaluation: Evaluation) -> pd.DataFrame:
    """Return a row a label and class: precision, recall, F1 with intervals, and support."""
    return _joined({one.label: one.classes for one in evaluation.labels})


def group_table(evaluation: Evaluation, column: str) -> pd.DataFrame:
    """Return a row a label and value of a piece of metadata, see `groups.by_column`."""
    return _joined({one.label: one.groups[column] for one in evaluation.labels})


def seen_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return a row a label and side, see `groups.seen_and_unseen`."""
    return _joined({one.label: one.seen for one in evaluation.labels})


def suspect_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return the suspects of all labels, the most suspicious first."""
    tables = [one.suspects for one in evaluation.labels if len(one.suspects)]
    whole = pd.concat(tables) if tables else pd.DataFrame(columns=list(COLUMNS))
    ranked = ["suspicion", "confidence"]
    return whole.sort_values(ranked, ascending=False, kind="stable", ignore_index=True)


def confusions(one: LabelEvaluation) -> pd.DataFrame:
    """Return captures: a row a true class, named in the first column, a column a predicted one."""
    table = one.confusion.reset_index(drop=True)
    # A class may have the name of that column.
    table.insert(0, "true", one.confusion.index, allow_duplicates=True)
    return table


def _joined(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    some = {label: table for label, table in tables.items() if len(table)}
    if not some:
        return pd.DataFrame(columns=["label"])
    return pd.concat(some, names=["label"]).reset_index(level=0).reset_index(drop=True)


def as_text(evaluation: Evaluation) -> str:
    """Return a table for a terminal, and what a reader has to know below it."""
    rows = [
        {"label": one.label, **one.figures, "95 % interval": _interval(one.captures)}
        for one in evaluation.labels
    ]
    columns = ["label", *(name for name in SHOWN if any(name in row for row in rows))]
    table = pd.DataFrame(rows, columns=columns).astype({"captures": int} if rows else {})
    text = table.to_string(index=False, float_format="{:.3f}".format, na_rep="-")
    return "\n".join([text, *(f"Mind: {remark}." for remark in evaluation.remarks)])


def _interval(of: Estimates) -> str:
    accuracy = of.of.get("accuracy")
    if accuracy is None or accuracy.low is None:
        return "-"
    return f"{accuracy.low:.3f}-{accuracy.high:.3f}"
