"""What a reader of figures has to know, in words."""

from collections.abc import Hashable, Iterator, Mapping
from math import isnan
from typing import Any

from ctc.dataset.mixture import Mixture
from ctc.evaluation.evaluation import Evaluation
from ctc.evaluation.groups import DIFFERENCE, SEEN, UNSEEN
from ctc.evaluation.impartiality import made_by
from ctc.evaluation.intervals import FEWEST_LOCATIONS
from ctc.model.calibration import Calibration
from ctc.model.classifier import Classifier

LEARNT = "was learnt from: these figures say nothing of new pictures"
CHOSEN = (
    "chose the epoch, the temperatures and the accepted confidences: these figures are better than "
    "those of new pictures will be"
)


def remarks(
    classifier: Classifier, mixture: Mixture, splits: tuple[str, ...], evaluation: Evaluation
) -> tuple[str, ...]:
    """Return a sentence for each thing that limits what the figures say."""
    fitted = classifier.calibration
    return (
        *_used(classifier, mixture, splits),
        *_calibrated(fitted, evaluation),
        *_resampled(evaluation),
        *_unseen(evaluation),
        *([str(evaluation.passed)] if evaluation.passed else []),
    )


def _used(classifier: Classifier, mixture: Mixture, splits: tuple[str, ...]) -> Iterator[str]:
    """Say which splits are no impartial judges."""
    fitted = classifier.calibration
    for split in splits:
        if made_by(mixture, split, classifier.origin):
            yield f"'{split}' {LEARNT}"
        if fitted and made_by(mixture, split, fitted):
            yield f"'{split}' {CHOSEN}"


def _calibrated(fitted: Calibration | None, evaluation: Evaluation) -> Iterator[str]:
    if fitted is None:
        yield "the classifier is not calibrated, and it is not known what may be accepted unseen"
        return
    if fitted.aggregate != evaluation.setting.aggregate:
        yield (
            f"the classifier was calibrated for captures combined by {fitted.aggregate}, not by "
            f"{evaluation.setting.aggregate}: what may be accepted unseen is not known"
        )
        return
    judged = [one.label for one in evaluation.labels]
    without = [name for name in judged if name not in fitted.accepted_confidence]
    if without:
        yield (
            f"no confidence reached {fitted.target_accuracy:g} on {', '.join(fitted.splits)} for "
            f"{', '.join(without)}: there nothing is accepted unseen"
        )


def _resampled(evaluation: Evaluation) -> Iterator[str]:
    if not evaluation.setting.resampling.draws:
        return
    few = [one for one in evaluation.labels if one.captures.resampled == "captures"]
    if few:
        yield (
            f"intervals are over captures, for there are fewer than {FEWEST_LOCATIONS} locations: "
            "for other locations they are too narrow"
        )


def _unseen(evaluation: Evaluation) -> Iterator[str]:
    """Set locations that were learnt from against others."""
    for one in evaluation.labels:
        sides = {row["locations"]: row for row in one.seen.to_dict("records")}
        if DIFFERENCE in sides:
            seen, unseen = sides[SEEN], sides[UNSEEN]
            yield (
                f"{one.label}: accuracy {seen['accuracy']:.3f} at {seen['number']} locations that "
                f"were learnt from, {unseen['accuracy']:.3f} at {unseen['number']} that were not: "
                f"{_difference(sides[DIFFERENCE])}"
            )


def _difference(row: Mapping[Hashable, Any]) -> str:
    """Say by how much the figures differ, and what is to be thought of the interval."""
    said = f"a difference of {row['accuracy']:.3f}"
    if isnan(row["accuracy_low"]):
        return said
    few = "" if row["resampled"] == "locations" else ", too narrow for other locations"
    return f"{said} ({row['accuracy_low']:.3f} to {row['accuracy_high']:.3f}{few})"
