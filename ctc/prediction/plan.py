"""How a classifier's answers are to be taken, checked before any picture is read."""

from ctc.model.cascade import Cascade
from ctc.model.classifier import Classifier
from ctc.params import PredictParams
from ctc.prediction.asking.predicting import resolved_aggregate
from ctc.prediction.formats.camtrap_dp.description import filled_in
from ctc.prediction.meaning.allowed import Allowed, read_allowed
from ctc.prediction.meaning.judged import Asked, check_rollup
from ctc.prediction.meaning.taxonomy import read_taxonomy
from ctc.prediction.photos.captures import Captures
from ctc.prediction.photos.survey import CAMTRAP_DP, read_survey


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
    wants_survey = CAMTRAP_DP in params.format
    asked = Asked(
        labels=labels,
        aggregate=resolved_aggregate(classifier, params.aggregate),
        calibration=classifier.calibration,
        model=model,
        root=captures.root,
        metadata=captures.inventory.metadata,
        allowed=_with_nothing(read_allowed(params.classes, labels), classifier),
        taxonomy=read_taxonomy(params.taxonomy, labels) if params.taxonomy else None,
        rollup_confidence=params.rollup_confidence,
        private=params.private,
        link=params.link,
        survey=read_survey(params.package, params.images, captures) if wants_survey else None,
    )
    check_rollup(asked)
    return asked


def remarks_of(asked: Asked) -> tuple[str, ...]:
    """Return what is filled in where nobody has said what a format requires."""
    if asked.survey is None:
        return ()
    found = []
    if missing := filled_in(asked.survey):
        found.append(
            f"camtrap_dp: filled in, for the package does not say it: {', '.join(missing)}"
        )
    if not (asked.taxonomy and asked.taxonomy.scientific_names):
        found.append(
            "camtrap_dp: scientificName holds the names of classes; a taxonomy with a column "
            "scientificName gives others"
        )
    return tuple(found)


def _with_nothing(allowed: Allowed, classifier: Classifier) -> Allowed:
    """Let there be nothing, whatever lives there: where a cascade says so, it has no other answer.

    Of such a capture the second classifier was not asked which of the classes it is.
    """
    if not isinstance(classifier, Cascade):
        return allowed
    nothing = {label.name: classifier.nothing(label) for label in classifier.added}
    return {
        name: classes if nothing.get(name, classes[0]) in classes else (*classes, nothing[name])
        for name, classes in allowed.items()
    }
