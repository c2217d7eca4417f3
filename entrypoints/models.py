"""How `train` and `cascade` log a model: loaded again as others will, and only then registered."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctc.dataset.mixture import Mixture
    from ctc.model.classifier import Ancestor, Classifier
    from ctc.tracking import Run
    from ctc.tracking.models import Model


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


@dataclass(frozen=True)
class Logged:
    """A model that was logged.

    Attributes:
        uri: what it is found by.
        name: that it is registered under, if it is.
        version: of that name; None also where the server has not got the model yet.
    """

    uri: str
    name: str | None
    version: str | None

    @property
    def where(self) -> str:
        """What is said of where it is registered; nothing where it is not."""
        if self.name is None:
            return ""
        if self.version is None:
            return f", registered as {self.name} when it has been sent"
        return f", registered as {self.name} version {self.version}"


def ancestor(uri: str, found: "Model") -> "Ancestor":
    """Return what a child keeps of a model that was asked for by `uri`."""
    from ctc.model.classifier import Ancestor

    return Ancestor(uri, found.resolved, found.run_id, found.model_id)


def first_picture(mixture: "Mixture", splits: tuple[str, ...]) -> bytes:
    """Return an encoded picture of some splits."""
    return next(mixture.records(splits)).images[0]


def log_model(tracked: "Run", classifier: "Classifier", folder: Path, how: Logging) -> Logged:
    """Log a classifier that was saved in `folder`, compare its answers, and register it."""
    from ctc.prediction.served.comparing import check_same_answers
    from ctc.tracking import ask_logged, pack_classifier

    with tracked.packing() as packed:
        pack_classifier(folder, packed)
        check_same_answers(classifier, how.picture, ask_logged(str(packed), how.picture))
        sent = tracked.model(packed, how.metrics, how.step, how.register)
    if sent is None:  # a server that knows the run will know its model by it
        later = f"runs:/{tracked.run_id}/best_model" if tracked.run_id else str(folder)
        return Logged(later, how.register, None)
    named = f"{how.register}/{sent.version}" if sent.version else sent.model_id
    return Logged(f"models:/{named}", how.register, sent.version)
