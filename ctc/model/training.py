"""Trains a network on a dataset and keeps its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras.optimizers.schedules import LearningRateSchedule

from ctc.dataset.reading import Waiting, training_batches, validation_batches
from ctc.model.augmentation import Augmentation, Strength
from ctc.model.backbones import build_network
from ctc.model.classifier import Classifier, Origin
from ctc.model.fitting import learning_rate, optimizer
from ctc.model.losses import label_losses
from ctc.model.metrics import metrics_of
from ctc.model.planning import TrainingPlan
from ctc.model.reacting import reactions
from ctc.model.watching import Epoch, Watch


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
    rate = learning_rate(plan.params, plan.steps)
    model = _trainable(network, plan, rate)
    waiting = Waiting()
    watch = Watch(plan, network, report, waiting)
    model.fit(
        waiting.over(training_batches(plan.training, plan.params.epochs, plan.params.seed)),
        steps_per_epoch=plan.training.steps,
        epochs=plan.params.epochs,
        validation_data=validation_batches(plan.validation),
        validation_steps=plan.validation.validation_steps,
        shuffle=False,  # `training_batches` did
        callbacks=[watch, *reactions(plan.params, watch, rate)],
        verbose=0,
    )
    network.set_weights(watch.best_weights)
    return Trained(_classifier(network, plan), watch.best, tuple(watch.epochs))


def _trainable(network: keras.Model, plan: TrainingPlan, rate: LearningRateSchedule) -> keras.Model:
    """Put augmentation before the network and say what is minimised and how it is judged."""
    inputs = keras.Input(network.input_shape[1:], dtype="uint8", name="stored")
    augmented = Augmentation(Strength(), plan.params.seed, name="augmentation")(inputs)
    model = keras.Model(inputs, network(augmented))
    model.compile(
        optimizer=optimizer(plan.params, rate),
        loss=label_losses(plan.objective, plan.labels),
        loss_weights=dict(plan.objective.loss_weights) or None,
        weighted_metrics={label.name: [*metrics_of(label).values()] for label in plan.labels},
    )
    return model


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
