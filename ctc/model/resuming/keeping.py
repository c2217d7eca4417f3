"""When the state of a training is kept, how it is taken, and how it is put back."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from ctc.errors import BadInput, CannotGoOn
from ctc.model.fitting.watching import Watch
from ctc.model.planning.training_plan import TrainingPlan
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.state import Arrays, State

Keep = Callable[[State], None]  # puts a state where it outlives this process


@dataclass(frozen=True)
class Place:
    """Where fitting begins: epoch and step, from 0, and what the metrics have counted by then."""

    epoch: int
    step: int = 0
    metrics: Arrays = ()


class Keeping(keras.callbacks.Callback):
    """Takes the state at the end of each epoch, every `checkpoint_minutes`, and before it ends.

    It has to be the last of the callbacks: what the others do at the end of an epoch is in it.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        phase: int,
        watch: Watch,
        place: Place,
        keep: Keep | None,
        interrupts: Interrupts,
    ) -> None:
        super().__init__()
        self._plan, self._phase, self._watch = plan, phase, watch
        self._place, self._keep, self._interrupts = place, keep, interrupts
        self._kept_at = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._epoch = epoch
        self._done = self._place.step if epoch == self._place.epoch else 0
        if self._done:
            # Keras has just set them to zero, those that there are before the first step: on JAX
            # all of them.
            if keras.backend.backend() != "jax":
                _build_metrics(self.model)
            assign(self.model.metrics_variables, self._place.metrics)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        step = self._done + batch + 1
        if step < self._plan.training.steps and (self._interrupts.asked or self._is_due()):
            self._take(self._epoch, step)
        self._interrupts.let_through()

    def on_test_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self._interrupts.let_through()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._take(epoch + 1, 0)
        self._interrupts.let_through()

    def _is_due(self) -> bool:
        minutes = self._plan.params.checkpoint_minutes
        return minutes > 0 and time.monotonic() - self._kept_at >= 60 * minutes

    def _take(self, epoch: int, step: int) -> None:
        if self._keep is not None:
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()  # within an epoch the variables are elsewhere
            self._keep(self._state(epoch, step))
        self._kept_at = time.monotonic()

    def _state(self, epoch: int, step: int) -> State:
        reading, watch = self._plan.training, self._watch
        state = State(
            dataset=reading.mixture.digest,
            phase=self._phase,
            epoch=epoch,
            step=step,
            steps=reading.steps,
            batch_size=reading.batch_size,
            begun=watch.begun,
            epochs=tuple(watch.epochs),
            best=watch.best.number,
            best_weights=tuple(watch.best_weights),
            model=_values(self.model.variables),
            optimizer=_values(self.model.optimizer.variables),
            metrics=_values(self.model.metrics_variables) if step else (),
        )
        _check_finite(state)
        return state


def put_back(model: keras.Model, state: State, plan: TrainingPlan, first: int) -> Place:
    """Give a model and its optimiser what they had, and return where to go on.

    With another batch size an epoch has other steps: it goes on with the batch that holds the next
    capture, so that fewer captures than a batch are shown again, and the schedule goes on at the
    same share of the phase.

    Args:
        model: as it was built and compiled for the phase.
        state: what was kept.
        plan: of the phase.
        first: the first epoch of the phase.

    Raises:
        BadInput: if the state is not one of this training.
    """
    model.optimizer.build(model.trainable_variables)
    try:
        assign(model.variables, state.model)
        assign(model.optimizer.variables, state.optimizer)
    except ValueError as error:
        raise BadInput("the state that was kept is of another network or optimiser") from error
    reading = plan.training
    if (reading.steps, reading.batch_size) == (state.steps, state.batch_size):
        return Place(state.epoch, state.step, state.metrics)
    step = min(state.step * state.batch_size // reading.batch_size, reading.steps - 1)
    model.optimizer.iterations.assign((state.epoch - first) * reading.steps + step)
    return Place(state.epoch, step, state.metrics if step else ())


def assign(variables: Sequence[keras.Variable], values: Arrays) -> None:
    """Give each variable its value.

    Raises:
        ValueError: if their numbers or shapes are not the same.
    """
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _build_metrics(model: keras.Model) -> None:
    """Make the variables of the metrics, which Keras makes within the first step, from a batch."""
    said = {
        name: ops.zeros((1, *head.shape[1:]), head.dtype) for name, head in model.output.items()
    }
    truth = {name: ops.zeros(1, "int32") for name in said}
    weight = {name: ops.ones(1, "float32") for name in said}
    model.compute_loss(y=truth, y_pred=said, sample_weight=weight)
    model.compute_metrics(None, truth, said, weight)
    model.reset_metrics()


def _values(variables: Sequence[keras.Variable]) -> Arrays:
    return tuple(np.array(variable.numpy()) for variable in variables)


def _check_finite(state: State) -> None:
    """Refuse to replace the last good state by one that no training can go on from."""
    if not all(np.isfinite(values).all() for values in state.model):
        epoch = state.epoch + bool(state.step)
        raise CannotGoOn(f"weights are no numbers in epoch {epoch}: try a lower learning_rate")
