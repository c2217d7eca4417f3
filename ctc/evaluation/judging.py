"""Judges a classifier on splits of a dataset."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.evaluation.evaluation import Evaluation, Setting, evaluate
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.remarks import remarks
from ctc.inventory.table import LOCATION
from ctc.labels import Label
from ctc.model.cascade import Cascade
from ctc.model.classifier import Classifier
from ctc.parameter import Words
from ctc.params import EvaluateParams
from ctc.prediction.answers import of_captures
from ctc.prediction.asking.cascading import passed
from ctc.prediction.asking.predicting import answers_of, resolved_aggregate
from ctc.prediction.predictions import Predictions

WILD = re.compile(r"\[.*?\]|[*?]")  # what stands for other characters in a pattern
ALL = "all"  # the name of the figures where a pattern consists of that alone
AUTO = "auto"
USUAL = (LOCATION, "survey")  # what figures are given by, where it is known


@dataclass(frozen=True)
class Judgement:
    """An evaluation that can be done.

    Attributes:
        classifier: who is judged.
        mixture: whose captures it is judged by.
        splits: of it.
        batch_size: pictures a step of the network.
        setting: by what it is judged.
        private: classes of which no picture is shown.
    """

    classifier: Classifier
    mixture: Mixture
    splits: tuple[str, ...]
    batch_size: int
    setting: Setting
    private: Words

    @property
    def name(self) -> str:
        """What the figures are filed under."""
        return self.setting.split


def plan_judgement(classifier: Classifier, mixture: Mixture, params: EvaluateParams) -> Judgement:
    """Check that there is something to judge by.

    Raises:
        BadInput: for a split that does not exist, if no label has a known answer there, and for a
            column to give figures by that no capture has.
    """
    splits = mixture.matching(params.split)
    check_answers(classifier.labels, mixture, splits)
    setting = Setting(
        split=split_name(params.split, splits),
        aggregate=resolved_aggregate(classifier, params.aggregate),
        by=columns(mixture, splits, params.by),
        learnt_from=frozenset(classifier.origin.locations),
        calibration=classifier.calibration,
        resampling=Resampling(params.bootstrap, params.seed),
    )
    return Judgement(classifier, mixture, splits, params.batch_size, setting, params.private)


def check_answers(labels: Sequence[Label], mixture: Mixture, splits: tuple[str, ...]) -> None:
    """Refuse splits in which no answer could be right.

    Raises:
        BadInput: if no label has a known answer there, or none that is one of its classes.
    """
    asked = [label.name for label in labels]
    known = [name for name, of_split in mixture.labels.items() if {*of_split} & {*splits}]
    if not {*known} & {*asked}:
        raise BadInput(
            f"the classifier answers {', '.join(asked)}; {', '.join(splits)} of "
            f"{mixture.name} knows: {', '.join(known) or 'no label'}"
        )
    _check_classes(labels, mixture, splits)


def _check_classes(labels: Sequence[Label], mixture: Mixture, splits: tuple[str, ...]) -> None:
    known = {
        label.name: {label.meant(name) for name in mixture.counts(label.name, splits)}
        for label in labels
        if label.name in mixture.labels
    }
    if not any({*label.classes} & known.get(label.name, set()) for label in labels):
        label = next(label for label in labels if known.get(label.name))
        raise BadInput(
            f"the classifier knows no class of {', '.join(splits)} of {mixture.name}: "
            f"'{label.name}' is {', '.join(label.classes)} to the one, "
            f"{', '.join(sorted(known[label.name]))} to the other"
        )


def columns(mixture: Mixture, splits: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pieces of metadata to give figures by.

    Raises:
        BadInput: for one that was asked for and that no capture has.
    """
    wanted = USUAL if asked == (AUTO,) else asked
    found = _metadata(mixture, splits, wanted) if wanted else set()
    missing = [name for name in wanted if name not in found]
    if missing and asked != (AUTO,):
        raise BadInput(
            f"by: no capture of {', '.join(splits)} of {mixture.name} has '{missing[0]}'; they "
            f"have: {', '.join(sorted(found)) or 'nothing'}"
        )
    return tuple(name for name in dict.fromkeys(wanted) if name in found)


def _metadata(mixture: Mixture, splits: tuple[str, ...], wanted: Collection[str]) -> set[str]:
    """Return the names of what is known of captures; as soon as all that is wanted is found."""
    found: set[str] = set()
    for record in mixture.records(splits):
        found |= {*record.metadata}
        if found >= {*wanted}:
            break
    return found


def judge(plan: Judgement) -> tuple[Predictions, Evaluation]:
    """Predict every capture of the splits, with all its pictures, and compare with the truth."""
    answers = answers_of(plan.classifier, plan.mixture, plan.splits, plan.batch_size, "evaluate")
    labels, setting = plan.classifier.labels, plan.setting
    predictions = of_captures(answers, labels, setting.aggregate, setting.calibration)
    evaluation = evaluate(answers, labels, setting)
    if isinstance(plan.classifier, Cascade):
        evaluation = replace(evaluation, passed=passed(plan.classifier, answers))
    found = remarks(plan.classifier, plan.mixture, plan.splits, evaluation)
    return predictions, replace(evaluation, remarks=found)


def split_name(pattern: str, splits: tuple[str, ...]) -> str:
    """Return what the figures are filed under: the only split, or the pattern's fixed part."""
    return splits[0] if len(splits) == 1 else WILD.sub("", pattern) or ALL
