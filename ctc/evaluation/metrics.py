"""Figures of a label, on captures, from predictions whose truth is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn import metrics as sk

from ctc.prediction.predictions import Prediction, Predictions


@dataclass(frozen=True)
class LabelEvaluation:
    """How good a classifier is at one label.

    Attributes:
        label: its name.
        figures: `captures`, `accuracy`, `balanced_accuracy` and `macro_f1` (over the classes
            that occur), `log_loss` (natural logarithm), and `majority_accuracy`: what always
            guessing the commonest class would score.
        classes: a row a class with precision, recall, f1 and support.
        confusion: captures; a row a true class, a column a predicted one.
        failed: captures of which no picture could be read; they are in no figure.
    """

    label: str
    figures: dict[str, float]
    classes: pd.DataFrame
    confusion: pd.DataFrame
    failed: int


@dataclass(frozen=True)
class Evaluation:
    """Figures of every label that had known answers, on one split."""

    split: str
    labels: tuple[LabelEvaluation, ...]

    @property
    def metrics(self) -> dict[str, float]:
        """Figures named `<split>/<label>/<metric>`."""
        return {
            f"{self.split}/{one.label}/{name}": value
            for one in self.labels
            for name, value in one.figures.items()
        }

    @property
    def beats_guessing(self) -> bool:
        """Whether any label is answered better than by always guessing its commonest class."""
        figures = [one.figures for one in self.labels if one.figures["captures"]]
        return any(one["accuracy"] > one["majority_accuracy"] for one in figures)

    def as_text(self) -> str:
        """Return the table for a terminal."""
        return self.table().to_string(index=False, float_format="{:.3f}".format)

    def table(self) -> pd.DataFrame:
        """Return a row a label with its figures."""
        rows = [{"label": one.label, **one.figures} for one in self.labels]
        return pd.DataFrame(rows).astype({"captures": int} if rows else {})


def evaluate(predictions: Predictions, split: str) -> Evaluation:
    """Judge the predictions; a missing truth counts in no figure."""
    labels = dict.fromkeys(row.label for row in predictions.rows)
    known = {name: [r for r in predictions.of(name) if r.truth is not None] for name in labels}
    return Evaluation(split, tuple(_label(name, rows) for name, rows in known.items() if rows))


def _label(name: str, known: list[Prediction]) -> LabelEvaluation:
    rows = [row for row in known if row.prediction is not None]
    truth = [str(row.truth) for row in rows]
    predicted = [str(row.prediction) for row in rows]
    return LabelEvaluation(
        label=name,
        figures=_figures(rows, truth, predicted) if rows else {"captures": 0.0},
        classes=_by_class(truth, predicted),
        confusion=_confusion(truth, predicted),
        failed=len(known) - len(rows),
    )


def _figures(rows: list[Prediction], truth: list[str], predicted: list[str]) -> dict[str, float]:
    occurring = sorted({*truth})
    recall = sk.recall_score(truth, predicted, labels=occurring, average="macro", zero_division=0)
    return {
        "captures": float(len(rows)),
        "accuracy": float(sk.accuracy_score(truth, predicted)),
        "balanced_accuracy": float(recall),
        "macro_f1": float(
            sk.f1_score(truth, predicted, labels=occurring, average="macro", zero_division=0)
        ),
        "log_loss": _log_loss(rows),
        "majority_accuracy": max(truth.count(name) for name in occurring) / len(truth),
    }


def _log_loss(rows: list[Prediction]) -> float:
    """Mean of -log p(truth); a class that the classifier does not know has float64's epsilon."""
    least = float(np.finfo(np.float64).eps)
    said = [max(row.probabilities.get(str(row.truth), 0.0), least) for row in rows]
    return max(0.0, float(-np.mean(np.log(said))))  # not -0.0


def _by_class(truth: list[str], predicted: list[str]) -> pd.DataFrame:
    names = sorted({*truth, *predicted})
    if not names:  # scikit-learn takes no empty table
        return pd.DataFrame(columns=["class", "precision", "recall", "f1", "support"])
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        truth, predicted, labels=names, zero_division=0
    )
    columns = {"precision": precision, "recall": recall, "f1": f1, "support": support}
    return pd.DataFrame({"class": names, **columns})


def _confusion(truth: list[str], predicted: list[str]) -> pd.DataFrame:
    names = sorted({*truth, *predicted})
    place = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    for true, said in zip(truth, predicted, strict=True):
        counts[place[true], place[said]] += 1
    return pd.DataFrame(counts, index=names, columns=names)
