"""How `train` and `cascade` log a model: loaded again as others will, and only then registered."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctc.dataset.mixture import Mixture
    from ctc.model.classifier import Classifier


@dataclass(frozen=True)
class Logging:
    """What goes with a model that is logged.

    Attributes:
        metrics: the model's own.
        step: at which they stand.
        picture: an encoded one, by which the model that was logged is compared.
        register: name to register it under; None: it is not.
    """

    metrics: dict[str, float]
    step: int
    picture: bytes
    register: str | None


def first_picture(mixture: "Mixture", splits: tuple[str, ...]) -> bytes:
    """Return an encoded picture of some splits."""
    return next(mixture.records(splits)).images[0]


def log_model(classifier: "Classifier", folder: Path, how: Logging) -> tuple[str, str | None]:
    """Log a classifier that was saved in `folder`, compare its answers, and register it.

    Returns:
        Its id, and its version if it was registered.
    """
    from ctc.prediction.served.comparing import check_same_answers
    from ctc.tracking import ask_logged, log_classifier, register

    uri = log_classifier(folder, how.metrics, how.step)
    check_same_answers(classifier, how.picture, ask_logged(uri, how.picture))
    version = register(uri, how.register) if how.register else None
    return uri.removeprefix("models:/"), version
