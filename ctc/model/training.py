"""Trains a network on a dataset and keeps its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from ctc.dataset.reading import training_batches, validation_batches
from ctc.model.augmentation import Augmentation, Strength
from ctc.model.backbones import build_network
from ctc.model.classifier import Classifier, Origin
from ctc.model.planning import TrainingPlan
from ctc.model.watching import Epoch, Watch

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
        BadInput: if weights cannot be downloaded.
        FloatingPointError: if the loss is no longer a number.
    """
    keras.utils.set_random_seed(plan.params.seed)
    image = plan.training.image
    network = build_network(plan.params.model, plan.labels, image, plan.params.weights)
    model = _trainable(network, plan)
    watch = Watch(plan, network, report)
    model.fit(
        training_batches(plan.training, plan.params.epochs, plan.params.seed),
        steps_per_epoch=plan.training.steps,
        epochs=plan.params.epochs,
        validation_data=validation_batches(plan.validation),
        validation_steps=plan.validation.validation_steps,
        shuffle=False,  # `training_batches` did
        callbacks=[watch],
        verbose=0,
    )
    network.set_weights(watch.best_weights)
    return Trained(_classifier(network, plan), watch.best, tuple(watch.epochs))


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
    reading = plan.training
    locations = {x for split in reading.splits for x in reading.dataset.locations.get(split, ())}
    origin = Origin(
        model=plan.params.model,
        dataset=reading.dataset.digest,
        splits=reading.splits,
        locations=tuple(sorted(locations)),
    )
    return Classifier(network, plan.labels, reading.image, origin)
