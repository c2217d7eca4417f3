"""Trains a network on a dataset and keeps its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from ctc.dataset.reading import training_batches, validation_batches
from ctc.model.augmentation import Augmentation, Strength
from ctc.model.backbones import build_network
from ctc.model.classifier import Classifier, Origin
from ctc.model.inheriting import freeze, inherit
from ctc.model.phases import Phase
from ctc.model.planning import TrainingPlan
from ctc.model.watching import Epoch, Watch
from ctc.progress import Progress

WEIGHT_DECAY = 1e-4
WARM_UP = 0.05  # share of all steps in which the learning rate rises from 0
FINAL = 0.01  # share of the highest learning rate that is left at the end


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
    model = _trainable(network, plan.during(phase))
    model.fit(
        training_batches(plan.training, phase.end, plan.params.seed, phase.first),
        steps_per_epoch=plan.training.steps,
        initial_epoch=phase.first,
        epochs=phase.end,
        validation_data=validation_batches(plan.validation),
        validation_steps=plan.validation.validation_steps,
        shuffle=False,  # `training_batches` did
        callbacks=[watch],
        verbose=0,
    )


def _trainable(network: keras.Model, plan: TrainingPlan) -> keras.Model:
    """Put augmentation before the network and say how it is judged."""
    inputs = keras.Input(network.input_shape[1:], dtype="uint8", name="stored")
    augmented = Augmentation(Strength(), plan.params.seed, name="augmentation")(inputs)
    model = keras.Model(inputs, network(augmented))
    names = [label.name for label in plan.labels]
    model.compile(
        optimizer=keras.optimizers.AdamW(_schedule(plan), weight_decay=WEIGHT_DECAY),
        loss={n: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for n in names},
        weighted_metrics={
            n: [
                keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
                # Keras's own loss of a head counts missing labels in, and a short last batch
                # as much as a full one.
                keras.metrics.SparseCategoricalCrossentropy(name="crossentropy", from_logits=True),
            ]
            for n in names
        },
    )
    return model


def _schedule(plan: TrainingPlan) -> keras.optimizers.schedules.LearningRateSchedule:
    """A linear rise, then half a cosine (Loshchilov & Hutter 2017, arXiv:1608.03983)."""
    steps = plan.training.steps * plan.params.epochs
    warm_up = max(1, round(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=plan.params.learning_rate,
        warmup_steps=warm_up,
        decay_steps=max(1, steps - warm_up),
        alpha=FINAL,
    )


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
