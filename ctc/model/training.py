"""Trains a network on a dataset and keeps its best epoch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.reading import Reading, training_batches, validation_batches
from ctc.errors import BadInput
from ctc.labels import Label, check_names, chosen
from ctc.model.augmentation import Augmentation, Strength
from ctc.model.backbones import build_network, check_network
from ctc.model.classifier import Classifier, Origin
from ctc.params import TrainParams
from ctc.progress import Progress

WEIGHT_DECAY = 1e-4
WARM_UP = 0.05  # share of all steps in which the learning rate rises from 0
FINAL = 0.01  # share of the highest learning rate that is left at the end


@dataclass(frozen=True)
class TrainingPlan:
    """A training that can be done: its pictures, its labels, its network."""

    training: Reading
    validation: Reading
    params: TrainParams
    unlearnt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels to learn."""
        return self.training.labels

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know before the training, a sentence each."""
        classes = tuple(
            f"label '{label}': {', '.join(names)} cannot be learnt, for no capture of "
            f"{', '.join(self.training.splits)} shows it; as a true class it will count as an error"
            for label, names in self.unlearnt.items()
        )
        return (*(f"left out: {why}" for why in self.left_out), *classes)


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to: its number, from 0, and metrics named `<split>/<label>/<metric>`."""

    number: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """The classifier of the best epoch, and every epoch."""

    classifier: Classifier
    best: Epoch
    epochs: tuple[Epoch, ...]


def plan_training(dataset: Dataset, params: TrainParams) -> TrainingPlan:
    """Check that what is asked for can be done.

    Raises:
        BadInput: for labels, splits or pictures that cannot be used, before any work.
    """
    train, val = dataset.matching(params.train_split), dataset.matching(params.val_split)
    both = sorted({*train} & {*val})
    if both:
        raise BadInput(f"split '{both[0]}' is asked for both to learn from and to choose by")
    labels, left_out = _labels(dataset, params, train)
    image = ImageSpec(params.image_size, params.image_size)
    check_network(params.model, params.weights, image)
    return TrainingPlan(
        training=Reading(dataset, train, labels, image, params.batch_size),
        validation=Reading(dataset, val, labels, image, params.batch_size),
        params=params,
        unlearnt=_unlearnt(dataset, labels),
        left_out=left_out,
    )


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
    watch = _Watch(plan, network, report)
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


def _labels(
    dataset: Dataset, params: TrainParams, train: tuple[str, ...]
) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """Return the labels to learn and, of `all`, why some cannot be; one asked for must be."""
    names = chosen(params.labels, tuple(dataset.labels))
    check_names(names)
    labels: list[Label] = []
    left_out: list[str] = []
    for name in names:
        try:
            labels.append(dataset.classes(name, train))
        except BadInput as error:
            if params.labels != ("all",):
                raise
            left_out.append(str(error))
    if not labels:
        raise BadInput("; ".join(left_out))
    return tuple(labels), tuple(left_out)


def _unlearnt(dataset: Dataset, labels: tuple[Label, ...]) -> dict[str, tuple[str, ...]]:
    """Classes that occur in the dataset but not in what is learnt from."""
    unlearnt = {}
    for label in labels:
        found = {name for classes in dataset.labels[label.name].values() for name in classes}
        missing = found - {*label.classes}
        if missing:
            unlearnt[label.name] = tuple(sorted(missing))
    return unlearnt


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


class _Watch(keras.callbacks.Callback):
    """Shows progress, reports each epoch and keeps the weights of the best."""

    def __init__(
        self, plan: TrainingPlan, network: keras.Model, report: Callable[[Epoch], None]
    ) -> None:
        super().__init__()
        self._plan, self._network, self._report = plan, network, report
        self.epochs: list[Epoch] = []
        self.best = Epoch(-1, {"val/loss": float("inf")})
        self.best_weights: list[Any] = []

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        reading = self._plan.training
        total = reading.steps * reading.batch_size * self._plan.params.epochs
        self._progress = Progress("train", total, "pictures").__enter__()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        self._progress.__exit__(None, None, None)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._start = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        done = f"epoch {len(self.epochs) + 1}, loss {(logs or {})['loss']:.3f}"
        self._progress.advance(self._plan.training.batch_size, done)

    def on_test_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._trained_for = time.monotonic() - self._start

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        metrics = _metrics(logs or {}, self._plan.labels)
        _check_finite(epoch, metrics)
        pictures = self._plan.training.steps * self._plan.training.batch_size
        metrics["learning_rate"] = float(self.model.optimizer.learning_rate)
        metrics["train/images_per_second"] = pictures / self._trained_for
        self.epochs.append(Epoch(epoch, metrics))
        if metrics["val/loss"] < self.best.metrics["val/loss"]:
            self.best, self.best_weights = self.epochs[-1], self._network.get_weights()
        self._report(self.epochs[-1])


def _metrics(logs: Mapping[str, float], labels: tuple[Label, ...]) -> dict[str, float]:
    """Rename Keras's `val_species_accuracy` to `val/species/accuracy`."""
    named = {}
    for split, prefix in (("train", ""), ("val", "val_")):
        named[f"{split}/loss"] = logs[f"{prefix}loss"]
        for label in labels:
            # With a single head Keras leaves its name out.
            head = f"{label.name}_" if len(labels) > 1 else ""
            for metric, of_keras in (("loss", "crossentropy"), ("accuracy", "accuracy")):
                named[f"{split}/{label.name}/{metric}"] = logs[f"{prefix}{head}{of_keras}"]
    return named


def _check_finite(epoch: int, metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        if value != value or abs(value) == float("inf"):
            raise FloatingPointError(
                f"{name} is {value} after epoch {epoch + 1}: try a lower learning_rate"
            )
