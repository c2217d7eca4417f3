"""Trains a network on a dataset and keeps its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras.optimizers.schedules import LearningRateSchedule

from ctc.dataset.reading import training_batches, validation_batches
from ctc.model.classifier import Classifier, Origin
from ctc.model.fitting.augmentation import Augmentation, strength
from ctc.model.fitting.losses import label_losses
from ctc.model.fitting.metrics import metrics_of
from ctc.model.fitting.optimizers import learning_rate, optimizer
from ctc.model.fitting.reacting import reactions
from ctc.model.fitting.watching import Epoch, Watch
from ctc.model.network.backbones import build_network
from ctc.model.network.inheriting import freeze, inherit
from ctc.model.planning.phases import Phase
from ctc.model.planning.training_plan import TrainingPlan
from ctc.progress import Progress


@dataclass(frozen=True)
class Trained:
    """The classifier of the best epoch, and every epoch."""

    classifier: Classifier
    best: Epoch
    epochs: tuple[Epoch, ...]


def train(plan: TrainingPlan, report: Callable[[Epoch], None]) -> Trained:
    """Train and call `report` after each epoch. The best epoch has the lowest `val/loss`.

    Raises:
        BadInput: if weights cannot be downloaded, or the parent's are of another shape.
        FloatingPointError: if the loss is no longer a number.
    """
    keras.utils.set_random_seed(plan.params.seed)
    network = _first_network(plan)
    pictures = plan.training.steps * plan.training.batch_size * plan.params.epochs
    with Progress("train", pictures, "pictures") as progress:
        watch = Watch(plan, network, report, progress)
        for phase in plan.phases:
            _learn(network, plan, phase, watch)
    network.set_weights(watch.best_weights)
    freeze(network, False)  # how it was trained is no property of what is kept
    return Trained(_classifier(network, plan), watch.best, tuple(watch.epochs))


def _first_network(plan: TrainingPlan) -> keras.Model:
    """Build the network and give it what it has of its parent."""
    params = plan.params
    network = build_network(params.model, plan.labels, plan.training.image, params.weights)
    if plan.parent is not None:
        inherit(network, plan.labels, plan.parent, params.keep_heads)
    return network


def _learn(network: keras.Model, plan: TrainingPlan, phase: Phase, watch: Watch) -> None:
    """Go through the epochs of a phase, with an optimiser of its own."""
    freeze(network, phase.frozen)
    plan = plan.during(phase)
    rate = learning_rate(plan.params, plan.steps)
    model = _trainable(network, plan, rate)
    watch.begin_phase()
    batches = training_batches(plan.training, phase.end, plan.params.seed, phase.first)
    model.fit(
        watch.waiting.over(batches),
        steps_per_epoch=plan.training.steps,
        initial_epoch=phase.first,
        epochs=phase.end,
        validation_data=validation_batches(plan.validation),
        validation_steps=plan.validation.validation_steps,
        shuffle=False,  # `training_batches` did
        callbacks=[watch, *reactions(plan.params, watch, rate)],
        verbose=0,
    )


def _trainable(network: keras.Model, plan: TrainingPlan, rate: LearningRateSchedule) -> keras.Model:
    """Put augmentation before the network and say what is minimised and how it is judged."""
    inputs = keras.Input(network.input_shape[1:], dtype="uint8", name="stored")
    augmented = Augmentation(strength(plan.params), plan.params.seed, name="augmentation")(inputs)
    model = keras.Model(inputs, network(augmented))
    model.compile(
        optimizer=optimizer(plan.params, rate),
        loss=label_losses(plan.objective, plan.labels),
        loss_weights=dict(plan.objective.loss_weights) or None,
        weighted_metrics={label.name: [*metrics_of(label).values()] for label in plan.labels},
    )
    return model


def _classifier(network: keras.Model, plan: TrainingPlan) -> Classifier:
    return Classifier(network, plan.labels, plan.training.image, _origin(plan))


def _origin(plan: TrainingPlan) -> Origin:
    reading, parent = plan.training, plan.parent
    locations = {x for split in reading.splits for x in reading.dataset.locations.get(split, ())}
    if parent is not None:
        locations |= {*parent.classifier.origin.locations}
    return Origin(
        model=plan.params.model,
        dataset=reading.dataset.digest,
        splits=reading.splits,
        locations=tuple(sorted(locations)),
        parent=parent.ancestor if parent else None,
        strategy=plan.params.strategy if parent else None,
    )
