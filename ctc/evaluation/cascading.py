"""Makes a cascade: chooses when the second classifier is asked, and what may be accepted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, log

import numpy as np
from scipy.stats import binom

from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.evaluation.calibrating import Calibrating, accepted_confidences
from ctc.evaluation.examination import planned_test
from ctc.evaluation.impartiality import made_by
from ctc.evaluation.intervals import LEVEL
from ctc.evaluation.known import Floats
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.cascade import Cascade, Gate, cascade_of, gate_label, nothing_of
from ctc.model.classifier import Ancestor, Classifier
from ctc.params import CascadeParams, EvaluateParams
from ctc.prediction.answers import Answer
from ctc.prediction.asking.cascading import Passed, animal_probability, passed
from ctc.prediction.asking.predicting import answers_of, resolved_aggregate

ROUNDING = 1e-5  # of a probability: batches of another size add up in another order
# What the first classifier itself takes for an animal goes on, whatever the recall.
HIGHEST = 0.5


@dataclass(frozen=True)
class Model:
    """A classifier, and where it was found."""

    classifier: Classifier
    source: Ancestor


@dataclass(frozen=True)
class Plan:
    """A cascade that can be made.

    Attributes:
        first, second: the two models.
        label: of the first; it says whether there is an animal.
        recall: the share of captures with an animal that are to go on.
        choosing: on what to choose.
        test: what the cascade is judged on; None: it is not.
        remarks: why it is not judged, if nobody asked for that.
    """

    first: Model
    second: Model
    label: Label
    recall: float
    choosing: Calibrating
    test: EvaluateParams | None
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """A cascade.

    Attributes:
        cascade: it.
        passed: what went on of the captures that it was chosen by.
        remarks: what the choice does not promise, a sentence each.
    """

    cascade: Cascade
    passed: Passed
    remarks: tuple[str, ...]


def plan_cascade(first: Model, second: Model, mixture: Mixture, params: CascadeParams) -> Plan:
    """Check that two models make a cascade, and that there is something to choose by.

    Raises:
        BadInput: for models that do not fit each other (see `gate_label`), splits that one of them
            has learnt from or that have no capture with an animal, and a `test_split` that was
            given and cannot be judged on.
    """
    label = gate_label(first.classifier, second.classifier)
    splits = mixture.matching(params.val_split)
    for model in (first, second):
        for split in splits:
            if made_by(mixture, split, model.classifier.origin):
                raise BadInput(f"val_split: '{model.source.uri}' has learnt from '{split}'")
    _check_animals(label, mixture, splits)
    choosing = Calibrating(
        mixture=mixture,
        splits=splits,
        batch_size=params.batch_size,
        target_accuracy=params.target_accuracy,
        aggregate=resolved_aggregate(second.classifier, params.aggregate),
    )
    labels = (*first.classifier.labels, *second.classifier.labels)
    origins = [one.classifier.origin for one in (first, second)]
    learnt = {split for one in origins for split in mixture.splits if made_by(mixture, split, one)}
    test, remarks = planned_test(params, params.dataset, choosing, labels, {*splits, *learnt})
    return Plan(first, second, label, params.recall, choosing, test, remarks)


def _check_animals(label: Label, mixture: Mixture, splits: tuple[str, ...]) -> None:
    known = mixture.counts(label.name, splits) if label.name in mixture.labels else {}
    if not {label.meant(name) for name in known} - {*nothing_of(label)}:
        raise BadInput(
            f"val_split: no capture of {', '.join(splits)} of {mixture.name} is known to show an "
            f"animal: label '{label.name}' is {', '.join(known) or 'not known'} there"
        )


def make_cascade(plan: Plan) -> Made:
    """Choose when the second classifier is asked and what may be accepted of both."""
    aggregate, nothing = plan.choosing.aggregate, nothing_of(plan.label)
    first = _answers(plan.first.classifier, plan.choosing, "first model")
    scores = [
        animal_probability(one, plan.label, nothing, aggregate)
        for one in first
        if one.truth.get(plan.label.name) not in (None, *nothing)
    ]
    chosen = np.array([score for score in scores if score is not None], np.float64)
    if not len(chosen):
        raise BadInput("val_split: no picture of a capture with an animal can be read")
    gate = Gate(plan.label.name, nothing, threshold(chosen, plan.recall), plan.recall, aggregate)
    made_of = (plan.first.source, plan.second.source)
    raw = cascade_of(plan.first.classifier, plan.second.classifier, gate, made_of)
    said = _answers(raw, plan.choosing, "cascade")
    cascade = replace(raw, calibration=_accepted(said, raw, plan.choosing))
    return Made(cascade, passed(cascade, said), tuple(_not_promised(plan, len(chosen))))


def _answers(classifier: Classifier, plan: Calibrating, name: str) -> list[Answer]:
    return answers_of(classifier, plan.mixture, plan.splits, plan.batch_size, name)


def threshold(animals: Floats, recall: float) -> float:
    """Return the probability of an animal from which captures go on.

    It is the highest of which 95 in 100 such choices keep the recall on other captures (a tolerance
    limit, Wilks 1941, doi 10.1214/aoms/1177731788, for captures that are independent); of too few
    captures for that none is lost. It lies a hair below the lowest that goes on.

    Args:
        animals: [N], of captures with an animal how probable the first classifier finds it.
        recall: the share of such captures that are to go on.
    """
    ordered = np.sort(animals)
    lost = max(0, _may_be_lost(len(ordered), recall))
    lowest, below = ordered[lost], ordered[lost - 1] if lost else 0.0
    return float(min(HIGHEST, lowest - min(ROUNDING, (lowest - below) / 2)))


def _may_be_lost(animals: int, recall: float) -> int:
    """Return how many of so many captures may be lost; below 0: they are too few to tell.

    Had the threshold a lower recall, so few losses would be seen in at most 5 of 100 cases.
    """
    chance = 1 - LEVEL
    first = int(binom.ppf(chance, animals, 1 - recall))  # the first that is not rare enough
    return first if binom.cdf(first, animals, 1 - recall) <= chance else first - 1


def _not_promised(plan: Plan, animals: int) -> Sequence[str]:
    if _may_be_lost(animals, plan.recall) >= 0:
        return ()
    least = f"{ceil(log(1 - LEVEL) / log(plan.recall))} are" if plan.recall < 1 else "no number is"
    return (
        f"{', '.join(plan.choosing.splits)} has {animals} captures with an animal, all of which go "
        f"on; to promise {plan.recall:g} of others {least} enough",
    )


def _accepted(answers: Sequence[Answer], cascade: Cascade, plan: Calibrating) -> Calibration:
    return Calibration(
        datasets=plan.mixture.digests,
        splits=plan.splits,
        aggregate=plan.aggregate,
        target_accuracy=plan.target_accuracy,
        temperatures={},  # those of the two are in their answers
        accepted_confidence=accepted_confidences(answers, cascade.labels, plan),
    )
