"""Trains a network on a dataset and keeps its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from ctc.dataset.period import united
from ctc.dataset.reading import damage_named, training_batches, validation_batches
from ctc.model.classifier import Classifier, Origin
from ctc.model.fitting.augmentation import Augmentation, strength
from ctc.model.fitting.computing import as_planned, share_statistics
from ctc.model.fitting.looking_back import seen_in
from ctc.model.fitting.losses import label_losses
from ctc.model.fitting.metrics import metrics_of
from ctc.model.fitting.mixing import MixedModel, Mixup
from ctc.model.fitting.optimizers import learning_rate, optimizer
from ctc.model.fitting.reacting import epochs_since_best, reactions
from ctc.model.fitting.watching import Epoch, Watch
from ctc.model.network.backbones import build_network
from ctc.model.network.inheriting import freeze, inherit
from ctc.model.planning.training_plan import TrainingPlan
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.keeping import Keep, Keeping, Place, put_back
from ctc.model.resuming.state import State
from ctc.progress import Progress


@dataclass(frozen=True)
class Trained:
    """The classifier of the best epoch, and every epoch."""

    classifier: Classifier
    best: Epoch
    epochs: tuple[Epoch, ...]


def train(
    plan: TrainingPlan,
    report: Callable[[Epoch], None],
    keep: Keep | None = None,
    state: State | None = None,
    begin: Callable[[keras.Model], None] | None = None,
) -> Trained:
    """Train and call `report` after each epoch. The best epoch has the lowest `val/loss`.

    Args:
        plan: what to do.
        report: is called after each epoch.
        keep: is called with the state, each epoch and every `checkpoint_minutes`, if it is given.
        state: where to go on; None: at the beginning.
        begin: is called with the network before the first step, unless the training goes on.

    Raises:
        BadInput: if weights cannot be downloaded, or the parent's or the state's do not fit.
        CannotGoOn: if the loss is no longer a number, the memory is not enough, a shard is damaged,
            or `keep` says so.
    """
    keras.utils.set_random_seed(plan.params.seed)
    with as_planned(plan), damage_named(plan.training, plan.validation):
        watch = _watched(plan, report, keep, state, begin)
    return Trained(_classifier(plan, watch.best_weights), watch.best, tuple(watch.epochs))


def _watched(
    plan: TrainingPlan,
    report: Callable[[Epoch], None],
    keep: Keep | None,
    state: State | None,
    begin: Callable[[keras.Model], None] | None,
) -> Watch:
    """Go through all phases and return what was seen."""
    network = _first_network(plan)
    if begin is not None and state is None:
        begin(network)
    pictures = plan.training.steps * plan.training.batch_size * plan.params.epochs
    with Progress("train", pictures, "pictures") as progress, Interrupts() as interrupts:
        watch = Watch(plan, network, report, progress)
        if state is not None:
            watch.go_on(state.epochs, state.best, state.best_weights, state.begun)
            progress.keep(min(pictures, round(pictures * state.progress / plan.params.epochs)))
        fit = Fit(network, plan, watch, keep, interrupts)
        for number in range(state.phase if state else 0, len(plan.phases)):
            fit.learn(number, state if state and state.phase == number else None)
    return watch


def _first_network(plan: TrainingPlan) -> keras.Model:
    """Build the network and give it what it has of its parent."""
    params = plan.params
    network = build_network(params.model, plan.labels, plan.training.image, params.weights)
    if plan.parent is not None:
        inherit(network, plan.labels, plan.parent, params.keep_heads)
    if len(plan.computing.devices) > 1:
        share_statistics(network)
    return network


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


def _classifier(plan: TrainingPlan, weights: list[Any]) -> Classifier:
    """Build what is kept anew: how it was trained, frozen, rounded or shared, is none of its
    properties, and it answers the same wherever it is asked.
    """
    network = build_network(plan.params.model, plan.labels, plan.training.image, "none")
    network.set_weights(weights)
    return Classifier(network, plan.labels, plan.training.image, _origin(plan))


def _origin(plan: TrainingPlan) -> Origin:
    reading, parent = plan.training, plan.parent
    locations = reading.mixture.locations(reading.splits)
    period = reading.mixture.period(reading.splits)
    if parent is not None:
        locations |= {*parent.classifier.origin.locations}
        period = united((period, parent.classifier.origin.period))
    return Origin(
        model=plan.params.model,
        datasets=reading.mixture.digests,
        splits=reading.splits,
        locations=tuple(sorted(locations)),
        parent=parent.ancestor if parent else None,
        strategy=plan.params.strategy if parent else None,
        period=period,
        seen=seen_in(reading),
    )
