"""Goes through the phases of a training, by `Model.fit`."""

from dataclasses import dataclass

import keras
from keras.optimizers.schedules import LearningRateSchedule

from ctc.dataset.reading import training_batches, validation_batches
from ctc.model.fitting.augmentation import Augmentation, strength
from ctc.model.fitting.losses import label_losses
from ctc.model.fitting.metrics import metrics_of
from ctc.model.fitting.mixing import MixedModel, Mixup
from ctc.model.fitting.optimizers import learning_rate, optimizer
from ctc.model.fitting.reacting import epochs_since_best, reactions
from ctc.model.fitting.watching import Watch
from ctc.model.network.inheriting import freeze
from ctc.model.planning.training_plan import TrainingPlan
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.keeping import Keep, Keeping, Place, put_back
from ctc.model.resuming.state import State


@dataclass(frozen=True)
class Fit:
    """What all phases of a training share."""

    network: keras.Model
    plan: TrainingPlan
    watch: Watch
    keep: Keep | None
    interrupts: Interrupts

    def learn(self, number: int, state: State | None) -> None:
        """Go through the epochs of a phase, with an optimiser of its own.

        Args:
            number: of the phase.
            state: where to go on within it; None: at its beginning.
        """
        phase = self.plan.phases[number]
        freeze(self.network, phase.frozen)
        plan = self.plan.during(phase)
        rate = learning_rate(plan.params, plan.steps)
        model = trainable(self.network, plan, rate)
        place = Place(phase.first)
        if state is None:
            self.watch.begin_phase()
        else:
            place = put_back(model, state, plan, phase.first)
        keeping = Keeping(plan, number, self.watch, place, self.keep, self.interrupts)
        callbacks = [self.watch, *reactions(plan.params, self.watch, rate), keeping]
        since = epochs_since_best(self.watch.losses)
        if place.epoch >= phase.end or 0 < plan.params.patience <= since:
            # As Keras does at the end of a fit: averages, if there are any, take their place.
            model.optimizer.finalize_variable_values(model.trainable_variables)
            return
        for first, step, end in _parts(place, phase.end):
            if not model.stop_training:
                self._fit(model, callbacks, first, step, end)

    def _fit(
        self,
        model: keras.Model,
        callbacks: list[keras.callbacks.Callback],
        first: int,
        step: int,
        end: int,
    ) -> None:
        """Fit from a step of epoch `first` up to, and without, epoch `end`."""
        training, validation = self.plan.training, self.plan.validation
        batches = training_batches(training, end, self.plan.params.seed, first, step)
        model.fit(
            self.watch.waiting.over(batches),
            steps_per_epoch=training.steps - step,
            initial_epoch=first,
            epochs=end,
            validation_data=validation_batches(validation),
            validation_steps=validation.validation_steps,
            shuffle=False,  # `training_batches` did
            callbacks=callbacks,
            verbose=0,
        )


def _parts(place: Place, end: int) -> list[tuple[int, int, int]]:
    """First epoch, its first step, and the end of each fit: a begun epoch has fewer steps."""
    begun = [(place.epoch, place.step, place.epoch + 1)] if place.step else []
    first = place.epoch + len(begun)
    return [*begun, (first, 0, end)] if first < end else begun


def go_through(fit: Fit, state: State | None) -> None:
    """Go through all phases, from a state or from the beginning."""
    if state is not None:
        fit.watch.go_on(state.epochs, state.best, state.best_weights, state.begun)
    for number in range(state.phase if state else 0, len(fit.plan.phases)):
        fit.learn(number, state if state and state.phase == number else None)


def pictures(plan: TrainingPlan) -> int:
    """Return how many pictures all epochs of a training show."""
    return plan.training.steps * plan.training.batch_size * plan.params.epochs


def pictures_before(plan: TrainingPlan, state: State | None) -> int:
    """Return how many of them were shown before a state was kept."""
    done = state.progress / plan.params.epochs if state else 0.0
    return min(pictures(plan), round(pictures(plan) * done))


def trainable(
    network: keras.Model, plan: TrainingPlan, rate: LearningRateSchedule, judged: bool = True
) -> keras.Model:
    """Put augmentation before the network and say what is minimised and how it is judged.

    One that is not `judged` has no metrics but the loss.
    """
    metrics = {label.name: [*metrics_of(label).values()] for label in plan.labels}
    inputs = keras.Input(network.input_shape[1:], dtype="uint8", name="stored")
    augmented = augmentation(plan)(inputs)
    if plan.params.mixup:
        mixed = Mixup(plan.params.mixup, plan.params.seed, name="mixup")(augmented)
        model = MixedModel(inputs, network(mixed))
    else:
        model = keras.Model(inputs, network(augmented))
    model.compile(
        optimizer=optimizer(plan.params, rate),
        loss=label_losses(plan.objective, plan.labels),
        loss_weights=dict(plan.objective.loss_weights) or None,
        weighted_metrics=metrics if judged else None,
        jit_compile=plan.computing.jit,
    )
    return model


def augmentation(plan: TrainingPlan) -> Augmentation:
    """Return the layer that changes pictures at random, as it is before the first step."""
    how = strength(plan.params, plan.training.image)
    return Augmentation(how, plan.params.seed, name="augmentation")
