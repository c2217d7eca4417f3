"""The classifier: a network with everything that is needed to use it, in one folder."""

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import ctc
from ctc import storage
from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.period import Period
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.calibration import Calibration, read_calibration
from ctc.model.seen import Seen, read_seen

NETWORK, ABOUT = "model.keras", "classifier.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Ancestor:
    """The model that a classifier started from.

    Attributes:
        uri: what was asked for.
        resolved: what it was at that moment: an alias moves, a version does not.
        run_id: of the run that trained it; None for a folder.
        model_id: of the logged model; None for a folder.
    """

    uri: str
    resolved: str
    run_id: str | None
    model_id: str | None


@dataclass(frozen=True)
class Origin:
    """What a classifier was made from.

    Attributes:
        model: name of the network.
        datasets: digests of the datasets it was trained on.
        splits: their splits that were learnt from.
        locations: where the pictures were taken that it, or a parent, has learnt from.
        parent: the model it started from, if there was one.
        strategy: what it took over from the parent, `transfer` or `finetune`.
        period: when the pictures were taken that it, or a parent, has learnt from, as far as known.
        seen: figures of what was learnt from; None for one that was trained before there were any.
    """

    model: str
    datasets: tuple[str, ...]
    splits: tuple[str, ...]
    locations: tuple[str, ...]
    parent: Ancestor | None = None
    strategy: str | None = None
    period: Period | None = None
    seen: Seen | None = None


@dataclass(frozen=True)
class Description:
    """What a classifier is, all but the network; see `Classifier`.

    `cascade` is what one of two classifiers has besides (see `ctc.model.cascade`), as it stands in
    the file.
    """

    labels: tuple[Label, ...]
    image: ImageSpec
    origin: Origin
    calibration: Calibration | None
    cascade: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Classifier:
    """A network, its labels and what it wants to see.

    Attributes:
        network: from uint8 RGB [B, H, W, 3] to logits {label: float32 [B, classes]}.
        labels: questions and their classes, in the order of the logits.
        image: height, width and fit of a picture.
        origin: what it was made from.
        calibration: how sure it may be; None for one whose validation has not been looked at.
    """

    network: keras.Model
    labels: tuple[Label, ...]
    image: ImageSpec
    origin: Origin
    calibration: Calibration | None = None

    def probabilities(
        self, images: NDArray[np.uint8], batch_size: int
    ) -> dict[str, NDArray[np.float64]]:
        """Return the probability of each class, {label: [N, classes]}, for uint8 [N, H, W, 3].

        They are calibrated, if the classifier is: nothing else asks the network. At most
        `batch_size` pictures; fewer are filled up, for a batch of another size would be compiled
        anew.
        """
        count = len(images)
        padding = [(0, batch_size - count), (0, 0), (0, 0), (0, 0)]
        logits: Mapping[str, NDArray[np.float32]] = self.network.predict_on_batch(
            np.pad(images, padding)
        )
        return {
            name: softmax(logits[name][:count] / self.temperature(name))
            for name in (label.name for label in self.labels)
        }

    def temperature(self, label: str) -> float:
        """Return what the logits of a label are divided by."""
        return self.calibration.temperatures.get(label, 1.0) if self.calibration else 1.0

    def save(self, folder: Path) -> None:
        """Write the folder, whole: it is made beside and put in place when complete.

        Raises:
            BadInput: if something else than a classifier stands there.
        """
        with write_folder(folder, self) as partial:
            self.network.save(partial / NETWORK)

    @classmethod
    def load(cls, folder: Path) -> "Classifier":
        """Read what `save` wrote, be it one network or a cascade of two.

        Raises:
            BadInput: if there is no classifier, a damaged one, or of a version that is not known.
        """
        about = read_description(folder)
        if about.cascade is not None:
            from ctc.model.cascade import load_cascade  # which is made of classifiers

            return load_cascade(folder, about)
        network = _load_network(folder / NETWORK)
        return cls(network, about.labels, about.image, about.origin, about.calibration)


def read_description(folder: Path) -> Description:
    """Read what a classifier is, without its network.

    Raises:
        BadInput: if there is no classifier, a damaged one, or of a version that is not known.
    """
    about = _read_about(folder)
    try:
        labels = tuple(_label(one) for one in about["labels"])
        image, origin = ImageSpec(**about["image"]), _origin(about["origin"])
        fitted = about.get("calibration")  # absent from what was written before there was one
        calibration = read_calibration(fitted) if fitted else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"'{folder / ABOUT}' does not describe a classifier") from error
    return Description(labels, image, origin, calibration, about.get("cascade"))


@contextmanager
def write_folder(
    folder: Path, classifier: Classifier, more: Mapping[str, Any] | None = None
) -> Iterator[Path]:
    """Give a folder to write a classifier's network to; it is put in place with its description.

    Args:
        folder: where it is to be.
        classifier: what it is.
        more: what its description has besides.

    Raises:
        BadInput: if something else than a classifier stands there.
    """
    check_output(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    yield partial
    about = {
        "schema_version": SCHEMA_VERSION,
        "labels": [asdict(label) for label in classifier.labels],
        "image": asdict(classifier.image),
        "origin": asdict(classifier.origin),
        "calibration": asdict(classifier.calibration) if classifier.calibration else None,
        "versions": {"ctc": ctc.__version__, "keras": keras.__version__},
    }
    (partial / ABOUT).write_text(json.dumps({**about, **(more or {})}, indent=1))
    storage.replace_folder(partial, folder)


def check_output(folder: Path) -> None:
    """Refuse to write over something that is not a classifier.

    Raises:
        BadInput: naming the folder.
    """
    if folder.exists() and not (folder / ABOUT).is_file():
        raise BadInput(f"'{folder}' exists and is no classifier; name a new folder")


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Turn logits [..., classes] into probabilities that add up to 1."""
    shifted = np.asarray(logits, np.float64) - logits.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _read_about(folder: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / ABOUT).read_text())
        version = about["schema_version"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"no classifier at '{folder}'; the step `train` writes one") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"'{folder / ABOUT}' does not describe a classifier") from error
    if version != SCHEMA_VERSION:
        raise BadInput(f"classifier '{folder}' has version {version}; allowed: {SCHEMA_VERSION}")
    return about


def _label(about: dict[str, Any]) -> Label:
    # What was written before classes were merged has none that is.
    return Label(about["name"], tuple(about["classes"]), dict(about.get("merged", {})))


def _origin(about: dict[str, Any]) -> Origin:
    # What was written before there were parents, or times, has none; before datasets were mixed,
    # it had one.
    parent, period = about.get("parent"), about.get("period")
    return Origin(
        model=about["model"],
        datasets=tuple(about["datasets"] if "datasets" in about else [about["dataset"]]),
        splits=tuple(about["splits"]),
        locations=tuple(about["locations"]),
        parent=Ancestor(**parent) if parent else None,
        strategy=about.get("strategy"),
        period=Period(**period) if period else None,
        seen=read_seen(about["seen"]) if about.get("seen") else None,
    )


def _load_network(path: Path) -> keras.Model:
    damaged = f"'{path}' is missing or damaged; the step `train` writes it"
    # Keras takes a missing file and one that is no zip for a format it does not know.
    if not zipfile.is_zipfile(path):
        raise BadInput(damaged)
    try:
        return keras.models.load_model(path, compile=False)
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, TypeError, ValueError) as error:
        raise BadInput(damaged) from error
