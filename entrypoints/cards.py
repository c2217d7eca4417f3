"""How `train` and `evaluate` write the card of a classifier."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctc.evaluation.evaluation import Evaluation
    from ctc.evaluation.judging import Judgement
    from ctc.model.classifier import Classifier
    from ctc.provenance import Training
    from ctc.tracking import Run


def log_card(
    tracked: "Run",
    uri: str,
    classifier: "Classifier",
    trained_by: str | None,
    judged: "tuple[Judgement, Evaluation] | None",
) -> None:
    """Log the card; of a registered version it becomes the description.

    But for one with figures of what it has learnt from or was chosen by, which are too good.

    Args:
        tracked: the run.
        uri: what the classifier is called: of a registered version models:/NAME/VERSION.
        classifier: what the card is about.
        trained_by: id of the run that trained it, if that is known; the key of this run.
        judged: on what it was judged, and what was found, if it was.
    """
    from ctc.evaluation.card import MADE, card, cut
    from ctc.evaluation.impartiality import is_impartial
    from ctc.tracking import LONGEST, is_version

    text = card(uri, classifier, _training(tracked, trained_by), judged)
    tracked.markdown(text, "card")
    impartial = judged is None or is_impartial(judged[0].mixture, judged[0].splits, classifier)
    if impartial and (is_version(uri) or tracked.registers):
        version = uri if is_version(uri) else None
        tracked.describe(version, cut(text, LONGEST, f"card.md of run {tracked.key}"), MADE)


def _training(tracked: "Run", trained_by: str | None) -> "Training | None":
    """Return what is known of a training; of another run's, only where its server answers."""
    from ctc.tracking import training_record

    if trained_by == tracked.key:
        return tracked.record()
    return training_record(trained_by) if tracked.answers else None
