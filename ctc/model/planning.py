"""A training that can be done, decided before any work."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.reading import Reading
from ctc.errors import BadInput
from ctc.labels import Label, check_names, chosen
from ctc.model.backbones import check_network
from ctc.model.objective import Objective, plan_objective, sampled_label, weight_remarks
from ctc.params import TrainParams


@dataclass(frozen=True)
class TrainingPlan:
    """A training that can be done: its pictures, its labels, its network."""

    training: Reading
    validation: Reading
    params: TrainParams
    objective: Objective = field(default_factory=Objective)
    unlearnt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

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
        weights = weight_remarks(self.objective, self.labels)
        return (*(f"left out: {why}" for why in self.left_out), *classes, *weights)


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
    # A batch larger than all there is would be filled up with the same captures again.
    batch = min(params.batch_size, sum(dataset.splits[split] for split in train))
    validation = Reading(dataset, val, labels, image, batch)
    if not any(validation.knows(label) for label in labels):
        raise BadInput(f"no capture of {', '.join(val)} has a class that is learnt to choose by")
    return TrainingPlan(
        training=Reading(
            dataset,
            train,
            labels,
            image,
            batch,
            params.steps_per_epoch,
            sampled_label(dataset, train, labels, params),
        ),
        validation=validation,
        params=params,
        objective=plan_objective(dataset, train, labels, params),
        unlearnt=_unlearnt(dataset, labels),
        left_out=left_out,
    )


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
        raise BadInput("; ".join(left_out) or f"dataset '{dataset.uri}' has no label")
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
