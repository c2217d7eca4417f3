"""The complete state of a training, in one file that appears whole."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import ctc
from ctc import storage
from ctc.errors import BadInput, CannotGoOn
from ctc.model.fitting.watching import Epoch

FILE = "state.npz"
ABOUT = "about"  # the array that holds the rest, as JSON
SCHEMA_VERSION = 1

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class State:
    """Where a training stands, and everything that it needs to go on from there.

    What follows from the losses so far (what is left of the learning rate, how long no epoch was
    better) is worked out again and not kept.

    Attributes:
        dataset: digest of what is learnt from.
        phase: number of the phase, from 0.
        epoch: the epoch to go on with, from 0.
        step: steps of that epoch that are done.
        steps: how many it has.
        batch_size: pictures a step.
        begun: epochs that were done when the phase began.
        epochs: what each epoch came to.
        best: number of the best epoch; -1: there is none yet.
        best_weights: of the network, after the best epoch.
        model: variables of the model that is trained: weights, and states of what draws at random.
        optimizer: variables of the optimiser: steps done, moments, averages.
        metrics: what the metrics of the epoch have counted so far; none between epochs.
    """

    dataset: str
    phase: int
    epoch: int
    step: int
    steps: int
    batch_size: int
    begun: int
    epochs: tuple[Epoch, ...]
    best: int
    best_weights: Arrays
    model: Arrays
    optimizer: Arrays
    metrics: Arrays = ()

    @property
    def progress(self) -> float:
        """Epochs that are done, with the share of the one that is not."""
        return self.epoch + self.step / self.steps

    def write(self, folder: Path, training: str) -> Path:
        """Write the file of a training, named by an id, in the place of the former one.

        Raises:
            CannotGoOn: if it cannot be written; the former one is kept.
        """
        arrays: dict[str, Any] = {
            f"{group}-{place:05d}": array
            for group in ARRAYS
            for place, array in enumerate(getattr(self, group))
        }
        arrays[ABOUT] = np.frombuffer(json.dumps(self._about(training)).encode(), np.uint8)
        path = folder / FILE
        try:
            with storage.atomic_file(path) as partial:
                np.savez(partial, allow_pickle=False, **arrays)
        except OSError as error:
            raise CannotGoOn(
                f"the state of the training cannot be written to '{folder}': "
                f"{storage.why_not_read(error)}; the one before is kept"
            ) from error
        return path

    @classmethod
    def read(cls, path: Path, training: str) -> "State | None":
        """Read what `write` wrote; None if there is none of this training that is whole.

        Raises:
            BadInput: if another version of ctc wrote it, which this one cannot read.
        """
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                about = json.loads(file[ABOUT].tobytes())
                if about.pop("training") != training:
                    return None
                _check_version(path, about)
                return cls(**_fields(about, file))
        except BadInput:
            raise
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def _about(self, training: str) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "versions": {"ctc": ctc.__version__, "keras": keras.__version__},
            "training": training,
            **{name: getattr(self, name) for name in NUMBERS},
            "epochs": [[epoch.number, epoch.metrics] for epoch in self.epochs],
        }


NUMBERS = ("dataset", "phase", "epoch", "step", "steps", "batch_size", "begun", "best")
ARRAYS = ("best_weights", "model", "optimizer", "metrics")


def _check_version(path: Path, about: Mapping[str, Any]) -> None:
    if about["schema_version"] != SCHEMA_VERSION:
        raise BadInput(
            f"'{path}' has schema version {about['schema_version']}; allowed: {SCHEMA_VERSION}: go "
            f"on with ctc {about['versions']['ctc']}, which wrote it"
        )


def _fields(about: Mapping[str, Any], file: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    fields = {name: about[name] for name in NUMBERS}
    fields["epochs"] = tuple(Epoch(number, metrics) for number, metrics in about["epochs"])
    for group in ARRAYS:
        names = sorted(name for name in file if name.startswith(f"{group}-"))
        fields[group] = tuple(file[name] for name in names)
    return fields
