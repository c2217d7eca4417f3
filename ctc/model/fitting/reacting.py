"""What a training does between epochs: lower the learning rate, end, judge averaged weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from ctc.model.fitting.optimizers import Falling
from ctc.model.fitting.watching import Watch
from ctc.params import Descent

# As the tool of Willi et al. 2019 did: a tenth of the rate, down to a thousandth (0.01 to 1e-5).
FALL, LEAST = 0.1, 1e-3


def epochs_since_best(losses: Sequence[float]) -> int:
    """Return how many epochs came after the first with the lowest loss."""
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def share_left(losses: Sequence[float], patience: int) -> float:
    """Return what is left of the learning rate after epochs with these losses.

    It falls after `patience` epochs without a lower loss than ever before, and again after as many
    more. It follows from the losses alone, so that a run that goes on needs to keep nothing else.
    """
    best, waited, falls = float("inf"), 0, 0
    for loss in losses:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == patience:
            waited, falls = 0, falls + 1
    return max(LEAST, FALL**falls)


def reactions(
    params: Descent, watch: Watch, rate: LearningRateSchedule
) -> list[keras.callbacks.Callback]:
    """Return what has to follow `watch` in the list of callbacks, in this order."""
    found: list[keras.callbacks.Callback] = []
    if isinstance(rate, Falling):
        found.append(Plateau(watch, rate, params.plateau_patience))
    if params.patience:
        found.append(Stopping(watch, params.patience))
    if params.ema:
        found.append(Averaging())
    return found


class Plateau(keras.callbacks.Callback):
    """Lowers the learning rate when val/loss gets no better."""

    def __init__(self, watch: Watch, rate: Falling, patience: int) -> None:
        super().__init__()
        self._watch, self._rate, self._patience = watch, rate, patience

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._rate.share.assign(share_left(self._watch.losses, self._patience))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        losses = self._watch.losses
        left = share_left(losses, self._patience)
        self._rate.share.assign(left)
        if keras.backend.backend() == "jax" and left != share_left(losses[:-1], self._patience):
            # A step that JAX has compiled has taken the rate as it was.
            self.model.make_train_function(force=True)


class Stopping(keras.callbacks.Callback):
    """Ends the training when val/loss gets no better."""

    def __init__(self, watch: Watch, patience: int) -> None:
        super().__init__()
        self._watch, self._patience = watch, patience

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if epochs_since_best(self._watch.losses) >= self._patience:
            self.model.stop_training = True


class Averaging(keras.callbacks.Callback):
    """Puts the averaged weights in place from the validation to the end of the epoch.

    What comes before it in the list of callbacks sees the averages at the end of an epoch, what
    comes after it the weights that training goes on with. Keras's `SwapEMAWeights` swaps by adding
    and subtracting, after which the weights are not quite what they were.
    """

    def __init__(self) -> None:
        super().__init__()
        self._own: list[Any] = []

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        # Keras leaves the averages in place at the end of a fit; this one goes on from there.
        if self._own:
            self.on_epoch_end(0)

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        weights = self.model.trainable_variables
        self._own = [weight.numpy() for weight in weights]
        self.model.optimizer.finalize_variable_values(weights)
        if keras.backend.backend() == "jax":
            # They share the memory of the averages now, which JAX frees when it evaluates.
            for weight in weights:
                weight.assign(weight.numpy())

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        for weight, own in zip(self.model.trainable_variables, self._own, strict=True):
            weight.assign(own)
