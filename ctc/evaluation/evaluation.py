"""The evaluation: everything there is to say of how good a classifier is on one split."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ctc.evaluation.calibration import at_temperature, calibration_error, reliability
from ctc.evaluation.effort import effort_curve, empty_figures, empty_filter
from ctc.evaluation.estimates import Estimates, class_table, confusion_table, estimates
from ctc.evaluation.groups import DIFFERENCE, by_column, seen_and_unseen
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.known import Known, known_answers
from ctc.evaluation.suspects import suspects
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.prediction.answers import Answer, capture_row, picture_rows
from ctc.prediction.asking.cascading import Passed

OF_PLACES = ("accuracy", "macro_f1")  # figures of places that models are compared by


@dataclass(frozen=True)
class Setting:
    """By what a classifier is judged.

    Attributes:
        split: what the figures are filed under.
        aggregate: how the pictures of a capture are combined.
        by: pieces of metadata by whose values figures are given, such as `location`.
        learnt_from: locations that the classifier, or a parent of it, has learnt from.
        calibration: the classifier's.
        resampling: how intervals are drawn.
    """

    split: str
    aggregate: str = "mean"
    by: tuple[str, ...] = ()
    learnt_from: frozenset[str] = frozenset()
    calibration: Calibration | None = None
    resampling: Resampling = field(default_factory=Resampling)


@dataclass(frozen=True)
class Sureness:
    """How sure the classifier is of its answers to a label, against how often it is right.

    Attributes:
        temperature: that its logits are divided by; 1 if it is not calibrated.
        error: expected calibration error, 0..1.
        error_before: the same as if the temperature were 1.
        reliability: see `ctc.evaluation.calibration.reliability`.
        reliability_before: the same as if the temperature were 1.
        accepted_confidence: the confidence from which answers are accepted; None if none reaches
            the target, and if that has not been looked for.
        target_accuracy: what accepted answers are to reach; None if that has not been looked for.
    """

    temperature: float
    error: float | None
    error_before: float | None
    reliability: pd.DataFrame
    reliability_before: pd.DataFrame
    accepted_confidence: float | None
    target_accuracy: float | None


@dataclass(frozen=True)
class LabelEvaluation:
    """How good a classifier is at one label.

    Attributes:
        label: its name.
        captures: figures of captures, all their pictures combined.
        pictures: the same of single pictures.
        classes: a row a class, see `ctc.evaluation.estimates.class_table`.
        confusion: captures; a row a true class, a column a predicted one.
        sureness: how sure it is.
        effort: see `ctc.evaluation.effort.effort_curve`.
        empties: see `ctc.evaluation.effort.empty_filter`.
        empty_figures: see `ctc.evaluation.effort.empty_figures`.
        groups: of each column asked for a table, see `ctc.evaluation.groups.by_column`.
        seen: see `ctc.evaluation.groups.seen_and_unseen`; empty where no location is known.
        suspects: see `ctc.evaluation.suspects.suspects`.
        failed: captures of which no picture could be read; they are in no figure.
    """

    label: str
    captures: Estimates
    pictures: Estimates
    classes: pd.DataFrame
    confusion: pd.DataFrame
    sureness: Sureness
    effort: pd.DataFrame
    empties: pd.DataFrame | None
    empty_figures: dict[str, float]
    groups: dict[str, pd.DataFrame]
    seen: pd.DataFrame
    suspects: pd.DataFrame
    failed: int

    @property
    def figures(self) -> dict[str, float]:
        """Every figure by its name; those of single pictures begin with `picture_`."""
        if not self.captures.count:
            return {"captures": 0.0}
        sureness = {
            "temperature": self.sureness.temperature,
            "calibration_error": self.sureness.error,
            "calibration_error_before": self.sureness.error_before,
            "accepted_confidence": self.sureness.accepted_confidence,
        }
        return {
            "captures": float(self.captures.count),
            **{name: one.value for name, one in self.captures.of.items()},
            "majority_accuracy": self.captures.of["accuracy"].guessing or 0.0,
            **{name: value for name, value in sureness.items() if value is not None},
            **self.empty_figures,
            **self.place_figures,
            "pictures": float(self.pictures.count),
            **{f"picture_{name}": one.value for name, one in self.pictures.of.items()},
        }

    @property
    def place_figures(self) -> dict[str, float]:
        """Figures of locations that were learnt from, of others, and their difference.

        Nothing where there are not both.
        """
        sides = {row["locations"]: row for row in self.seen.to_dict("records")}
        if DIFFERENCE not in sides:
            return {}
        return {f"{side}_{name}": sides[side][name] for side in sides for name in OF_PLACES}


@dataclass(frozen=True)
class Evaluation:
    """How good a classifier is at every label that had known answers, on one split.

    Attributes:
        setting: by what it was judged.
        labels: of each label what was found.
        remarks: what limits what the figures say, a sentence each.
        passed: of a cascade, how many captures went on to its second classifier.
    """

    setting: Setting
    labels: tuple[LabelEvaluation, ...]
    remarks: tuple[str, ...] = ()
    passed: Passed | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """Figures named `<split>/<label>/<metric>`."""
        figures = {one.label: one.figures for one in self.labels}
        if self.passed:
            label = self.passed.label
            figures[label] = {**figures.get(label, {}), **self.passed.figures}
        return {
            f"{self.setting.split}/{label}/{name}": value
            for label, of_label in figures.items()
            for name, value in of_label.items()
        }

    @property
    def beats_guessing(self) -> bool:
        """Whether any label is answered better than by always guessing its commonest class."""
        figures = [one.figures for one in self.labels if one.captures.count]
        return any(one["accuracy"] > one["majority_accuracy"] for one in figures)


def evaluate(answers: Sequence[Answer], labels: Sequence[Label], setting: Setting) -> Evaluation:
    """Judge what a classifier said of captures; a missing truth counts in no figure.

    Args:
        answers: what was said of the pictures of each capture, with what is true.
        labels: the classifier's.
        setting: by what to judge.
    """
    known = [label for label in labels if any(label.name in one.truth for one in answers)]
    return Evaluation(setting, tuple(_label(answers, label, setting) for label in known))


def _label(answers: Sequence[Answer], label: Label, setting: Setting) -> LabelEvaluation:
    known = _captures(answers, label, setting)
    pictures = known_answers(
        label.name, (row for answer in answers for row in picture_rows(answer, label))
    )
    return LabelEvaluation(
        label=label.name,
        captures=estimates(known, setting.resampling),
        pictures=estimates(pictures, setting.resampling),
        classes=class_table(known, setting.resampling),
        confusion=confusion_table(known),
        sureness=_sureness(known, answers, label, setting),
        effort=effort_curve(known),
        empties=empty_filter(known),
        empty_figures=empty_figures(known),
        groups={column: by_column(known, column, setting.learnt_from) for column in setting.by},
        seen=seen_and_unseen(known, setting.learnt_from, setting.resampling),
        suspects=suspects(known),
        failed=known.failed,
    )


def _captures(answers: Iterable[Answer], label: Label, setting: Setting) -> Known:
    rows = (capture_row(one, label, setting.aggregate, setting.calibration) for one in answers)
    return known_answers(label.name, rows)


def _sureness(known: Known, answers: Iterable[Answer], label: Label, setting: Setting) -> Sureness:
    fitted = setting.calibration
    temperature = fitted.temperatures.get(label.name, 1.0) if fitted else 1.0
    raw = (at_temperature(one, label.name, 1 / temperature) for one in answers)
    before = _captures(raw, label, setting)
    applies = fitted if fitted and fitted.aggregate == setting.aggregate else None
    return Sureness(
        temperature=temperature,
        error=calibration_error(known),
        error_before=calibration_error(before),
        reliability=reliability(known),
        reliability_before=reliability(before),
        accepted_confidence=applies.accepted_confidence.get(label.name) if applies else None,
        target_accuracy=applies.target_accuracy if applies else None,
    )
