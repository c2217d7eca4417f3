"""What a training makes smaller, decided before any work."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.parameter import above_zero
from ctc.params import Aims

# Cui et al. 2019, arXiv:1901.05555: what they take for iNaturalist and ImageNet.
BETA = 0.999
NATURAL, BALANCED = "natural", "balanced:"


@dataclass(frozen=True)
class Objective:
    """What is minimised: the sum of the labels' losses.

    Attributes:
        loss_weights: how much the loss of each label counts; empty if all count the same.
        class_weights: of each label the weight of each class, in the order of the classes; none
            for labels whose classes all count the same.
        label_smoothing: share of the truth that is spread over all classes.
        focal: gamma of the focal loss; 0 is cross-entropy.
    """

    loss_weights: Mapping[str, float] = field(default_factory=dict)
    class_weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    label_smoothing: float = 0.0
    focal: float = 0.0


def plan_objective(
    mixture: Mixture, splits: tuple[str, ...], labels: Sequence[Label], aims: Aims
) -> Objective:
    """Work out the weights of labels and classes.

    Raises:
        BadInput: for weights of labels that are not learnt, or that are no numbers above 0.
    """
    weights = {
        label.name: class_weights(aims.class_weights, _shown(mixture, splits, label))
        for label in labels
        if aims.class_weights != "none"
    }
    return Objective(
        loss_weights=_loss_weights(aims.loss_weights, labels),
        class_weights=weights,
        label_smoothing=aims.label_smoothing,
        focal=aims.focal,
    )


def class_weights(kind: str, counts: Sequence[float]) -> tuple[float, ...]:
    """Return a weight a class, larger for rare ones; their mean over the captures is 1.

    So the size of the loss, and with it the learning rate and `loss_weights`, keep their meaning.
    `balanced` is n / (classes * n_c), as in scikit-learn (King & Zeng 2001, doi
    10.1093/oxfordjournals.pan.a004868). `effective` is proportional to (1 - beta) / (1 - beta^n_c)
    (Cui et al. 2019, arXiv:1901.05555), whose mean over the classes is 1 in the paper.

    Args:
        kind: `balanced` or `effective`.
        counts: captures of each class that an epoch shows; a class without any has weight 0.
    """
    present = [count or math.inf for count in counts]
    if kind == "balanced":
        raw = [1 / count for count in present]
    else:
        raw = [(1 - BETA) / (1 - BETA**count) if count < math.inf else 0.0 for count in present]
    mean = sum(w * count for w, count in zip(raw, counts, strict=True)) / sum(counts)
    return tuple(weight / mean for weight in raw)


def sampled_label(
    mixture: Mixture, splits: tuple[str, ...], labels: Sequence[Label], aims: Aims
) -> Label | None:
    """Return the label whose classes are to be shown equally often; None for `natural`.

    Raises:
        BadInput: for another word, an unknown label, and when classes are weighted too.
    """
    if aims.sampling == NATURAL:
        return None
    name = aims.sampling.removeprefix(BALANCED)
    if name == aims.sampling or name not in mixture.labels:
        raise BadInput(
            f"sampling: found '{aims.sampling}'; allowed: {NATURAL}, or {BALANCED}LABEL with one "
            f"of {', '.join(mixture.labels)}"
        )
    if aims.class_weights != "none":
        raise BadInput(
            f"sampling={aims.sampling} and class_weights={aims.class_weights} both make up for "
            "rare classes; allowed: one of them"
        )
    learnt = [label for label in labels if label.name == name]
    return learnt[0] if learnt else mixture.classes(name, splits)


def weight_remarks(objective: Objective, labels: Sequence[Label]) -> tuple[str, ...]:
    """Say of each label how far the weights of its classes are apart."""
    remarks = []
    for label in labels:
        of_class = objective.class_weights.get(label.name, ())
        ranked = sorted(pair for pair in zip(of_class, label.classes, strict=False) if pair[0])
        if ranked:
            (low, common), (high, rare) = ranked[0], ranked[-1]
            remarks.append(
                f"label '{label.name}': a capture of {common} counts {low:.3g}, one of {rare} "
                f"{high:.3g}"
            )
    return tuple(remarks)


def _shown(mixture: Mixture, splits: tuple[str, ...], label: Label) -> list[float]:
    shown = mixture.shown(label.name, splits)
    return [shown.get(name, 0.0) for name in label.classes]


def _loss_weights(words: Sequence[str], labels: Sequence[Label]) -> dict[str, float]:
    """Read LABEL=NUMBER; a label that is not named counts 1, for Keras wants all or none."""
    names = [label.name for label in labels]
    weights: dict[str, float] = {}
    for word in words:
        name, _, number = word.rpartition("=")
        weight = above_zero(number)
        if name not in names or name in weights or weight is None:
            raise BadInput(
                f"loss_weights: found '{word}'; allowed: LABEL=NUMBER with a number above 0, once "
                f"for each of {', '.join(names)}"
            )
        weights[name] = weight
    return {name: weights.get(name, 1.0) for name in names} if words else {}
