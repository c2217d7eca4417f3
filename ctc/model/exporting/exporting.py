"""Exports a classifier: the file, and a JSON beside it that says what its answers mean."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

import ctc
from ctc import storage
from ctc.errors import BadInput, CannotGoOn
from ctc.model.classifier import Ancestor, Classifier
from ctc.model.exporting.formats import Answers, Format
from ctc.model.exporting.network import (
    INPUT,
    mixes_precisions,
    pictures_to_compare,
    probability_network,
)

ABOUT = ".json"  # what the name of the JSON has behind that of the file
TOLERANCE = 1e-3  # of a probability


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the file.
        about: the JSON beside it.
        difference: the largest by which a probability differs from the classifier's own.
    """

    path: Path
    about: Path
    difference: float

    def put(self, uri: str) -> None:
        """Bring both files to where they go; each appears whole."""
        storage.put_file(self.path, uri)
        storage.put_file(self.about, f"{uri}{ABOUT}")


def check_output(uri: str, kind: Format) -> None:
    """Refuse what cannot be written, before any work.

    Raises:
        BadInput: for a name with another ending, and for files that no export has written.
    """
    storage.check_output(uri)
    if not storage.name(uri).endswith(kind.ending) or storage.is_folder(uri):
        raise BadInput(f"output: found '{uri}'; allowed: a file that ends in {kind.ending}")
    there = [one for one in (uri, f"{uri}{ABOUT}") if storage.exists(one)]
    if there and not _is_ours(f"{uri}{ABOUT}"):
        raise BadInput(f"output: '{there[0]}' exists and is no export; name a new file")


def export(classifier: Classifier, kind: Format, path: Path, source: Ancestor) -> Exported:
    """Write a classifier to `path` and ask the file what the classifier is asked.

    Args:
        classifier: what to export.
        kind: the format.
        path: a file; it has the ending of the format.
        source: where the classifier comes from.

    Raises:
        CannotGoOn: if the answers are not the same.
    """
    network = probability_network(classifier)
    pictures = pictures_to_compare(classifier.image)
    own = network.predict_on_batch(pictures)  # first: Keras exports what has been called
    if not mixes_precisions(classifier.network):  # else it differs by the rounding of 16 bits
        own = classifier.probabilities(pictures, len(pictures))
    kind.write(network, path)
    difference = _difference(kind.ask(path, pictures), own)
    if not difference <= TOLERANCE:  # NaN is no answer
        raise CannotGoOn(
            f"export: the {kind.name} file answers differently from the classifier, by "
            f"{difference:.2g} of a probability; it is not kept"
        )
    about = path.with_name(f"{path.name}{ABOUT}")
    text = json.dumps(_described(classifier, kind, path, source, difference), indent=1)
    about.write_text(f"{text}\n")
    return Exported(path, about, difference)


def _difference(said: Answers, own: Answers) -> float:
    if {name: said[name].shape for name in said} != {name: own[name].shape for name in own}:
        return float("inf")
    return max(float(np.abs(said[name] - own[name]).max()) for name in own)


def _described(
    classifier: Classifier, kind: Format, path: Path, source: Ancestor, difference: float
) -> dict[str, Any]:
    image = classifier.image
    return {
        "format": kind.name,
        "file": path.name,
        "sha256": storage.sha256(path),
        "input": {
            "name": INPUT,
            "shape": [None, image.height, image.width, 3],
            "dtype": "uint8",
            "channels": "luminance of three pictures in a row" if image.stacked else "RGB",
            "fit": image.fit,
        },
        "labels": [
            {
                "output": label.name,
                "classes": label.classes,
                "temperature": classifier.temperature(label.name),
            }
            for label in classifier.labels
        ],
        "calibration": asdict(classifier.calibration) if classifier.calibration else None,
        "classifier": asdict(source),
        "origin": asdict(classifier.origin),
        "largest_difference": difference,
        "versions": {"ctc": ctc.__version__, "keras": keras.__version__},
    }


def _is_ours(uri: str) -> bool:
    try:
        about = json.loads(storage.read_bytes(uri))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and "largest_difference" in about
