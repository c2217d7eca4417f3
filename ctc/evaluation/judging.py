"""Judges a classifier on splits of a dataset."""

import re
from dataclasses import dataclass

from ctc.dataset.manifest import Dataset
from ctc.errors import BadInput
from ctc.evaluation.metrics import Evaluation, evaluate
from ctc.model.classifier import Classifier
from ctc.params import EvaluateParams
from ctc.prediction.captures import captures_of_dataset
from ctc.prediction.predicting import predict
from ctc.prediction.predictions import Predictions
from ctc.progress import Progress

WILD = re.compile(r"\[.*?\]|[*?]")  # what stands for other characters in a pattern
ALL = "all"  # the name of the figures where a pattern consists of that alone


@dataclass(frozen=True)
class Judgement:
    """An evaluation that can be done."""

    classifier: Classifier
    dataset: Dataset
    splits: tuple[str, ...]
    batch_size: int
    name: str


def plan_judgement(classifier: Classifier, dataset: Dataset, params: EvaluateParams) -> Judgement:
    """Check that there is something to judge by.

    Raises:
        BadInput: for a split that does not exist, and if no label has a known answer there.
    """
    splits = dataset.matching(params.split)
    known = [name for name, of_split in dataset.labels.items() if {*of_split} & {*splits}]
    asked = [label.name for label in classifier.labels]
    if not {*known} & {*asked}:
        raise BadInput(
            f"the classifier answers {', '.join(asked)}; {', '.join(splits)} of "
            f"'{dataset.uri}' knows: {', '.join(known) or 'no label'}"
        )
    _check_classes(classifier, dataset, splits)
    return Judgement(classifier, dataset, splits, params.batch_size, _name(params.split, splits))


def _check_classes(classifier: Classifier, dataset: Dataset, splits: tuple[str, ...]) -> None:
    """Refuse to judge answers none of which can be right."""
    known = {
        label.name: {name for split in splits for name in dataset.labels[label.name].get(split, {})}
        for label in classifier.labels
        if label.name in dataset.labels
    }
    if not any({*label.classes} & known.get(label.name, set()) for label in classifier.labels):
        label = next(label for label in classifier.labels if known.get(label.name))
        raise BadInput(
            f"the classifier knows no class of {', '.join(splits)} of '{dataset.uri}': "
            f"'{label.name}' is {', '.join(label.classes)} to the one, "
            f"{', '.join(sorted(known[label.name]))} to the other"
        )


def judge(plan: Judgement) -> tuple[Predictions, Evaluation]:
    """Predict every capture of the splits, with all its pictures, and compare with the truth."""
    captures = captures_of_dataset(plan.dataset, plan.splits)
    total = sum(plan.dataset.splits[split] for split in plan.splits)
    with Progress("evaluate", total, "captures") as progress:
        predictions = predict(plan.classifier, captures, plan.batch_size, progress)
    return predictions, evaluate(predictions, plan.name)


def _name(pattern: str, splits: tuple[str, ...]) -> str:
    """Return what the figures are filed under: the only split, or the pattern's fixed part."""
    return splits[0] if len(splits) == 1 else WILD.sub("", pattern) or ALL
