"""Watches a training: progress, metrics of each epoch, the weights of the best."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ctc.dataset.reading import Waiting
from ctc.errors import CannotGoOn
from ctc.model.fitting.metrics import metrics_of
from ctc.model.planning.training_plan import TrainingPlan
from ctc.progress import Progress


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: its number, from 0, and metrics named `<split>/<label>/<metric>`."""

    number: int
    metrics: dict[str, float]


NONE_YET = Epoch(-1, {"val/loss": float("inf")})


class Watch(keras.callbacks.Callback):
    """Shows progress, reports each epoch and keeps the weights of the best."""

    def __init__(
        self,
        plan: TrainingPlan,
        network: keras.Model,
        report: Callable[[Epoch], None],
        progress: Progress,
    ) -> None:
        super().__init__()
        self._plan, self._network, self._report = plan, network, report
        self._progress = progress
        self.waiting = Waiting()
        self.begun = 0
        self.epochs: list[Epoch] = []
        self.best = NONE_YET
        self.best_weights: list[Any] = []

    def begin_phase(self) -> None:
        """Begin to count anew how long `val/loss` has not got better."""
        self.begun = len(self.epochs)

    def go_on(self, epochs: Sequence[Epoch], best: int, weights: Sequence[Any], begun: int) -> None:
        """Take over what was seen before: the epochs, the best of them, the phase's beginning."""
        self.epochs, self.begun = list(epochs), begun
        self.best = self.epochs[best] if best >= 0 else NONE_YET
        self.best_weights = list(weights)

    @property
    def losses(self) -> list[float]:
        """The val/loss of each epoch of this phase."""
        return [epoch.metrics["val/loss"] for epoch in self.epochs[self.begun :]]

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._start, self._steps = time.monotonic(), 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        loss = (logs or {})["loss"]
        _check_finite(f"epoch {len(self.epochs) + 1}", {"the loss": loss})
        done = f"epoch {len(self.epochs) + 1}, loss {loss:.3f}"
        self._steps += 1
        self._progress.advance(self._plan.training.batch_size, done)

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._trained_for = time.monotonic() - self._start
        self._waited_for = self.waiting.taken()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        metrics = _metrics(logs or {}, self._plan)
        _check_finite(f"epoch {epoch + 1}", metrics)
        # Of the steps that were done here: an epoch that goes on has done others before.
        pictures = self._steps * self._plan.training.batch_size
        metrics["learning_rate"] = float(self.model.optimizer.learning_rate)
        metrics["train/images_per_second"] = pictures / self._trained_for
        metrics["train/waiting_share"] = self._waited_for / self._trained_for
        self.epochs.append(Epoch(epoch, metrics))
        if metrics["val/loss"] < self.best.metrics["val/loss"]:
            self.best, self.best_weights = self.epochs[-1], self._network.get_weights()
        self._progress.say(in_words(self.epochs[-1], self.best, self._plan.params.epochs))
        self._report(self.epochs[-1])


def _metrics(logs: Mapping[str, float], plan: TrainingPlan) -> dict[str, float]:
    """Rename Keras's `val_species_accuracy` to `val/species/accuracy`.

    The loss of a split is the sum of its labels' plain cross-entropies, whatever is minimised:
    weights, smoothing and the like change no figure, so that runs can be compared. Figures of
    training are of its captures as they were shown: augmented, and as often as they were drawn.
    A label that is known of no capture of the split has no metrics there: Keras would call its
    accuracy 0.
    """
    named = {}
    for split, prefix, reading in (("train", "", plan.training), ("val", "val_", plan.validation)):
        known = [label for label in plan.labels if reading.knows(label)]
        for label in known:
            # With a single head Keras leaves its name out.
            head = f"{label.name}_" if len(plan.labels) > 1 else ""
            for metric, of_keras in metrics_of(label).items():
                named[f"{split}/{label.name}/{metric}"] = logs[f"{prefix}{head}{of_keras.name}"]
        named[f"{split}/loss"] = sum(named[f"{split}/{label.name}/loss"] for label in known)
    return named


def in_words(epoch: Epoch, best: Epoch, epochs: int) -> str:
    """Return an epoch in one line: its losses, the accuracies of the validation, its speed."""
    figures = epoch.metrics
    shown = [name for name in figures if name.startswith("val/") and name.endswith("/accuracy")]
    of_best = "the lowest" if epoch is best else f"lowest in epoch {best.number + 1}"
    accuracies = "".join(f", {name} {figures[name]:.3f}" for name in shown)
    return (
        f"epoch {epoch.number + 1}/{epochs}: train/loss {figures['train/loss']:.3f}, "
        f"val/loss {figures['val/loss']:.3f} ({of_best}){accuracies}; "
        f"{figures['train/images_per_second']:.0f} pictures/s, "
        f"{100 * figures['train/waiting_share']:.0f} % waiting"
    )


def _check_finite(when: str, metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise CannotGoOn(f"{name} is {value} in {when}: try a lower learning_rate")
