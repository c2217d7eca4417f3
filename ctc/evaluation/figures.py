"""Figures of a label, from weighted sums: one computation for captures, resamples and groups.

scikit-learn computes each of these for one set of captures; a bootstrap asks for thousands, so they
are written here for many sets of weights at once. The tests hold them to scikit-learn's.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ctc.evaluation.known import Floats, Ints, Known

TOP = 3  # of more classes than these it is worth asking whether the truth is among the first
LEAST = float(np.finfo(np.float64).eps)  # the probability that a class has at least, in log_loss
SCORES = (
    "accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "top3_accuracy", "log_loss",
    "accepted_share", "accepted_accuracy",
)  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """What N captures (or groups of them) add to each sum that figures are made of.

    Attributes:
        classes: C, their number.
        true, said: [P], the P pairs of a true and a predicted class that occur.
        pairs: [N, P], how often each occurs.
        sums: [N] each: `captures`, `log_loss`, and where they are known `top3`, `accepted` and
            `accepted_right`.
    """

    classes: int
    true: Ints
    said: Ints
    pairs: csr_array
    sums: dict[str, Floats]

    def grouped(self, groups: Ints, count: int) -> "Tally":
        """Return the sums of groups; `groups` [N] says which of `count` each belongs to."""
        members = csr_array(
            (np.ones(len(groups)), (groups, np.arange(len(groups)))), (count, len(groups))
        )
        sums = {name: np.asarray(members @ values) for name, values in self.sums.items()}
        return replace(self, pairs=csr_array(members @ self.pairs), sums=sums)

    def __len__(self) -> int:
        return int(self.pairs.shape[0])


@dataclass(frozen=True)
class Counts:
    """Weighted sums of a tally, a row a set of weights.

    Attributes:
        hit, support, claimed: [B, C]: captures of a class that were recognised, that there are, and
            that were predicted to be of it.
        sums: [B] each, see `Tally`.
    """

    hit: Floats
    support: Floats
    claimed: Floats
    sums: dict[str, Floats]


def tally(known: Known) -> Tally:
    """Return what each answer adds to the sums."""
    size = len(known.classes)
    codes, place = np.unique(known.truth * size + known.said, return_inverse=True)
    ones, rows = np.ones(len(known)), np.arange(len(known))
    pairs = csr_array((ones, (rows, place)), (len(known), len(codes)))
    return Tally(size, codes // max(size, 1), codes % max(size, 1), pairs, _sums(known))


def _sums(known: Known) -> dict[str, Floats]:
    of_truth = known.probabilities[np.arange(len(known)), known.truth]
    sums = {"captures": np.ones(len(known)), "log_loss": -np.log(np.maximum(of_truth, LEAST))}
    if known.answerable.sum() > TOP:
        sums["top3"] = (_rank(known) < TOP).astype(float)
    if known.accepted is not None:
        sums["accepted"] = known.accepted.astype(float)
        sums["accepted_right"] = (known.accepted & known.right).astype(float)
    return sums


def _rank(known: Known) -> Ints:
    """[N], how many classes come before the true one; of equal ones the first in the table does.

    A class that the classifier does not know comes last.
    """
    shares = np.where(known.answerable, known.probabilities, -1.0)
    of_truth = shares[np.arange(len(known)), known.truth, None]
    before = np.arange(len(known.classes)) < known.truth[:, None]
    return np.asarray(((shares > of_truth) | ((shares == of_truth) & before)).sum(axis=1))


def counted(tally: Tally, weights: Floats | None = None) -> Counts:
    """Sum the tally with weights [B, N]; None: once, each counting 1."""
    if weights is None:
        weights = np.ones((1, len(tally)))
    pairs = np.asarray((tally.pairs.T @ weights.T).T)
    places = np.eye(tally.classes)
    is_hit = (tally.true == tally.said).astype(float)
    return Counts(
        hit=pairs @ (places[tally.true] * is_hit[:, None]),
        support=pairs @ places[tally.true],
        claimed=pairs @ places[tally.said],
        sums={name: weights @ values for name, values in tally.sums.items()},
    )


def scores(counts: Counts) -> dict[str, Floats]:
    """Return the figures named in `SCORES` that are known, [B] each; NaN where nothing is counted.

    Means over classes are over those that occur in the truth.
    """
    per_class = class_scores(counts)
    occurs = counts.support > 0
    total = counts.sums["captures"]
    f1 = per_class["f1"]
    figures = {
        "accuracy": _ratio(counts.hit.sum(axis=1), total),
        "balanced_accuracy": _mean(np.where(occurs, per_class["recall"], 0), occurs),
        "macro_f1": _mean(np.where(occurs, f1, 0), occurs),
        "weighted_f1": _ratio(np.where(occurs, f1 * counts.support, 0).sum(axis=1), total),
        "log_loss": _ratio(counts.sums["log_loss"], total),
    }
    if "top3" in counts.sums:
        figures["top3_accuracy"] = _ratio(counts.sums["top3"], total)
    if "accepted" in counts.sums:
        accepted = counts.sums["accepted"]
        figures["accepted_share"] = _ratio(accepted, total)
        figures["accepted_accuracy"] = _ratio(counts.sums["accepted_right"], accepted)
    return {name: figures[name] for name in SCORES if name in figures}


def class_scores(counts: Counts) -> dict[str, Floats]:
    """Return precision, recall and F1, [B, C] each; NaN where the denominator is 0."""
    return {
        "precision": _ratio(counts.hit, counts.claimed),
        "recall": _ratio(counts.hit, counts.support),
        "f1": _ratio(2 * counts.hit, counts.support + counts.claimed),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def _mean(values: Floats, occurs: NDArray[np.bool_]) -> Floats:
    return _ratio(values.sum(axis=1), occurs.sum(axis=1).astype(float))


def guess(known: Known) -> Known:
    """Return the answers of one who knows how common classes are, and does not look.

    It always predicts the commonest class; its probabilities are the shares of the classes.
    """
    shares = np.bincount(known.truth, minlength=len(known.classes)) / max(len(known), 1)
    return replace(
        known,
        answerable=np.ones(len(known.classes), bool),
        said=np.full(len(known), shares.argmax() if len(known) else 0),
        probabilities=np.tile(shares, (len(known), 1)),
        accepted=None,
    )
