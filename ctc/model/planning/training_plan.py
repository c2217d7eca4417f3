"""A training that can be done, decided before any work."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import ALL, Reading, Share
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.devices import gpus
from ctc.model.network.backbones import check_network
from ctc.model.parents import Parent
from ctc.model.planning.computing import Computing, plan_computing, shared_batch
from ctc.model.planning.datasets import check_shown, dataset_remarks
from ctc.model.planning.descent import STACKS, decided, decided_heads, decided_image
from ctc.model.planning.heads import Heads
from ctc.model.planning.objective import Objective, plan_objective, sampled_label, weight_remarks
from ctc.model.planning.phases import Phase, phases
from ctc.params import TrainParams
from ctc.tasks import check_hosts

if TYPE_CHECKING:  # its import takes longer than all else here
    import pandas as pd


@dataclass(frozen=True)
class TrainingPlan:
    """A training that can be done: its pictures, its labels, its network.

    Attributes:
        training, validation: what is read.
        params: what was asked for, with what `auto` comes to.
        heads: the labels, and what to know of them.
        datasets: what to know of several datasets that are mixed, a sentence each.
        unlearnt: classes of each label that occur elsewhere in the datasets alone.
        parent: the model to start from, if there is one.
        computing: with what.
    """

    training: Reading
    validation: Reading
    params: TrainParams
    heads: Heads
    datasets: tuple[str, ...] = ()
    objective: Objective = field(default_factory=Objective)
    unlearnt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parent: Parent | None = None
    computing: Computing = field(default_factory=Computing)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels to learn."""
        return self.training.labels

    @property
    def steps(self) -> int:
        """Steps of all epochs together."""
        return self.training.steps * self.params.epochs

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know before the training, a sentence each."""
        classes = tuple(
            f"label '{label}': {', '.join(names)} cannot be learnt, for no capture of "
            f"{', '.join(self.training.splits)} shows it; as a true class it will count as an error"
            for label, names in self.unlearnt.items()
        )
        left_out = (f"left out: {why}" for why in self.heads.left_out)
        weights = weight_remarks(self.objective, self.labels)
        heads = (*left_out, *self.heads.remarks, *classes)
        return (*self._start, *self._bursts, *self.datasets, *heads, *weights)

    @property
    def _start(self) -> tuple[str, ...]:
        if self.parent is None:
            return ()
        return (f"starts from '{self.parent.name}', strategy={self.params.strategy}",)

    @property
    def capture_images(self) -> str:
        """What an epoch shows of a capture, as the parameter says it."""
        return STACKS if self.training.image.stacked else self.training.take

    @property
    def _bursts(self) -> tuple[str, ...]:
        reading = self.training
        if not reading.image.stacked or reading.images > reading.captures:
            return ()
        return ("every capture has one picture: a stack shows it three times",)

    def class_table(self) -> "pd.DataFrame":
        """Return a row a label and class: its captures to learn from, an epoch, to choose by."""
        import pandas as pd

        train, val = self.training, self.validation
        rows = []
        for label in self.labels:
            counts = train.mixture.counts(label.name, train.splits)
            shown = train.mixture.shown(label.name, train.splits)
            judged = val.mixture.counts(label.name, val.splits)
            rows += [
                (label.name, name, counts.get(name, 0), shown.get(name, 0.0), judged.get(name, 0))
                for name in label.classes
            ]
        columns = ["label", "class", "training", "shown_an_epoch", "validation"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The parts of the training, one after the other."""
        return phases(self.params)

    def reading(self, mixture: Mixture, share: Share = ALL) -> "TrainingPlan":
        """Return the plan with its datasets as a mixture has them, or a host's share of them."""
        training, validation = (
            replace(one, mixture=mixture, share=share) for one in (self.training, self.validation)
        )
        return replace(self, training=training, validation=validation)

    def during(self, phase: Phase) -> "TrainingPlan":
        """Return the plan as if one of its phases were the whole training."""
        epochs = phase.end - phase.first
        params = replace(self.params, epochs=epochs, learning_rate=phase.learning_rate)
        return replace(self, params=params)


def plan_training(
    mixture: Mixture, params: TrainParams, parent: Parent | None = None
) -> TrainingPlan:
    """Check that what is asked for can be done.

    Raises:
        BadInput: for labels, splits or pictures that cannot be used, before any work.
    """
    check_hosts(params.hosts)
    train = mixture.matching_in_each(params.train_split)
    val = mixture.matching(params.val_split)
    both = sorted({*train} & {*val})
    if both:
        raise BadInput(f"split '{both[0]}' is asked for both to learn from and to choose by")
    check_shown(mixture, train)
    params = decided(mixture, params, train, parent)
    if parent is not None and params.strategy == "finetune":
        mixture = mixture.continuing(parent.classifier.labels)
    heads, image = decided_heads(mixture, params, train, parent), decided_image(params, parent)
    labels = heads.labels
    check_network(params.model, params.weights, image)
    computing = plan_computing(params, gpus())
    captures = sum(part.shown(train) for part in mixture.parts)
    batch = shared_batch(params.batch_size, captures, computing)
    validation = Reading(mixture, val, labels, image, batch, workers=params.workers)
    if not any(validation.knows(label) for label in labels):
        raise BadInput(f"no capture of {', '.join(val)} has a class that is learnt to choose by")
    return TrainingPlan(
        training=Reading(
            mixture,
            train,
            labels,
            image,
            batch,
            params.steps_per_epoch,
            sampled_label(mixture, train, labels, params),
            "first" if params.capture_images == "first" else "random",
            params.shuffle_buffer,
            params.workers,
        ),
        validation=validation,
        params=params,
        objective=plan_objective(mixture, train, labels, params),
        heads=heads,
        datasets=dataset_remarks(mixture, train, val),
        unlearnt=_unlearnt(mixture, labels, train),
        parent=parent,
        computing=computing,
    )


def _unlearnt(
    mixture: Mixture, labels: tuple[Label, ...], train: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Classes that no head has and that occur in the datasets, but not in what is learnt from."""
    unlearnt = {}
    for label in labels:
        found = {name for classes in mixture.labels[label.name].values() for name in classes}
        missing = found - {*label.classes} - {*mixture.counts(label.name, train)}
        if missing:
            unlearnt[label.name] = tuple(sorted(missing))
    return unlearnt
