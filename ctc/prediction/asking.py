"""How a classifier's answers are to be taken, checked before any picture is read."""

from ctc.model.classifier import Classifier
from ctc.params import PredictParams
from ctc.prediction.allowed import read_allowed
from ctc.prediction.captures import Captures
from ctc.prediction.judged import Asked, check_rollup
from ctc.prediction.predicting import resolved_aggregate
from ctc.prediction.taxonomy import read_taxonomy


def asked_of(
    params: PredictParams, captures: Captures, model: str, classifier: Classifier
) -> Asked:
    """Return what is known of all answers.

    Args:
        params: of the step.
        captures: those that are labelled.
        model: where the classifier was found, with its version.
        classifier: who answers.

    Raises:
        BadInput: for classes that nobody knows, and a taxonomy that cannot change anything.
    """
    labels = classifier.labels
    asked = Asked(
        labels=labels,
        aggregate=resolved_aggregate(classifier, params.aggregate),
        calibration=classifier.calibration,
        model=model,
        root=captures.root,
        metadata=captures.inventory.metadata,
        allowed=read_allowed(params.classes, labels),
        taxonomy=read_taxonomy(params.taxonomy, labels) if params.taxonomy else None,
        rollup_confidence=params.rollup_confidence,
        private=params.private,
        link=params.link,
    )
    check_rollup(asked)
    return asked
