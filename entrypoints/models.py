"""How `train` and `cascade` log a model: loaded again as others will, and only then registered."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ctc.dataset.mixture import Mixture
    from ctc.model.classifier import Ancestor, Classifier
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
        model_id: its id.
        name: that it was registered under, if it was.
        version: of that name.
    """

    model_id: str
    name: str | None
    version: str | None

    @property
    def uri(self) -> str:
        """What it is found by."""
        return f"models:/{self.name}/{self.version}" if self.version else f"models:/{self.model_id}"

    @property
    def where(self) -> str:
        """What is said of where it was registered; nothing where it was not."""
        return f", registered as {self.name} version {self.version}" if self.version else ""


def ancestor(uri: str, found: "Model") -> "Ancestor":
    """Return what a child keeps of a model that was asked for by `uri`."""
    from ctc.model.classifier import Ancestor

    return Ancestor(uri, found.resolved, found.run_id, found.model_id)


def first_picture(mixture: "Mixture", splits: tuple[str, ...]) -> bytes:
    """Return an encoded picture of some splits."""
    return next(mixture.records(splits)).images[0]


def log_model(classifier: "Classifier", folder: Path, how: Logging) -> Logged:
    """Log a classifier that was saved in `folder`, compare its answers, and register it."""
    from ctc.prediction.served.comparing import check_same_answers
    from ctc.tracking import ask_logged, log_classifier, register

    uri = log_classifier(folder, how.metrics, how.step)
    check_same_answers(classifier, how.picture, ask_logged(uri, how.picture))
    version = register(uri, how.register) if how.register else None
    return Logged(uri.removeprefix("models:/"), how.register, version)
