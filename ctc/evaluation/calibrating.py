"""Calibrates a classifier on captures it has not learnt from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ctc.dataset.mixture import Mixture
from ctc.evaluation.calibration import at_temperature, fit_temperature
from ctc.evaluation.effort import accepted_confidence
from ctc.evaluation.impartiality import made_by
from ctc.evaluation.known import Known, known_answers
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.classifier import Classifier
from ctc.prediction.answers import Answer, capture_row
from ctc.prediction.asking.predicting import answers_of
from ctc.prediction.meaning.aggregation import MEAN


@dataclass(frozen=True)
class Calibrating:
    """On what to calibrate, and for what.

    Attributes:
        mixture: whose captures are looked at.
        splits: of it; none that the classifier has learnt from, none that it will be judged on.
        batch_size: pictures a step of the network.
        target_accuracy: what accepted captures are to reach.
        aggregate: how the pictures of a capture are combined.
    """

    mixture: Mixture
    splits: tuple[str, ...]
    batch_size: int
    target_accuracy: float
    aggregate: str = MEAN


def calibrate(classifier: Classifier, plan: Calibrating) -> Classifier:
    """Return the classifier with temperatures and accepted confidences fitted on some splits.

    Raises:
        ValueError: if it has learnt from one of them.
    """
    for split in plan.splits:
        if made_by(plan.mixture, split, classifier.origin):
            raise ValueError(f"'{split}' was learnt from: nothing can be calibrated by it")
    raw = replace(classifier, calibration=None)
    answers = answers_of(raw, plan.mixture, plan.splits, plan.batch_size, "calibrate")
    return replace(classifier, calibration=fit_calibration(answers, classifier.labels, plan))


def fit_calibration(
    answers: Sequence[Answer], labels: Sequence[Label], plan: Calibrating
) -> Calibration:
    """Fit temperatures, and then the confidences that reach the target at these temperatures.

    Args:
        answers: what the classifier says of each capture without any calibration.
        labels: the classifier's.
        plan: where the answers are from.
    """
    temperatures: dict[str, float] = {}
    confidences: dict[str, float] = {}
    for label in labels:
        temperature = fit_temperature(_known(answers, label, plan))
        if temperature is None:
            continue
        temperatures[label.name] = temperature
        fitted = [at_temperature(one, label.name, temperature) for one in answers]
        confidences |= accepted_confidences(fitted, (label,), plan)
    return Calibration(
        datasets=plan.mixture.digests,
        splits=plan.splits,
        aggregate=plan.aggregate,
        target_accuracy=plan.target_accuracy,
        temperatures=temperatures,
        accepted_confidence=confidences,
    )


def accepted_confidences(
    answers: Sequence[Answer], labels: Sequence[Label], plan: Calibrating
) -> dict[str, float]:
    """Return of each label the confidence that reaches the target, where one does."""
    found = {
        label.name: accepted_confidence(_known(answers, label, plan), plan.target_accuracy)
        for label in labels
    }
    return {name: confidence for name, confidence in found.items() if confidence is not None}


def _known(answers: Iterable[Answer], label: Label, plan: Calibrating) -> Known:
    return known_answers(label.name, (capture_row(one, label, plan.aggregate) for one in answers))
