"""How much work a classifier saves: what may be accepted unseen, and what that costs."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from ctc.evaluation.known import Known
from ctc.inventory.merging.several import EMPTY, EMPTY_CLASSES, SPECIES

MOST_POINTS = 200  # of a curve; more are not seen
ROUNDING = 1e-5  # of a confidence: batches of another size add up in another order


def effort_curve(known: Known) -> pd.DataFrame:
    """Return what comes of accepting the answers from each confidence on, the surest first.

    The columns are `confidence`, `captures` (accepted), `errors` (among them), `share` of all and
    `accuracy` (of the accepted ones). Captures of equal confidence are accepted together. Of a long
    curve only `MOST_POINTS` rows are given, the last one always.
    """
    curve = _curve(known)
    places = np.linspace(0, len(curve) - 1, min(len(curve), MOST_POINTS)).round().astype(int)
    return curve.iloc[places].reset_index(drop=True)


def _curve(known: Known) -> pd.DataFrame:
    order = np.argsort(-known.confidence, kind="stable")
    confidence = known.confidence[order]
    captures, errors = np.arange(1, len(known) + 1), np.cumsum(~known.right[order])
    table = pd.DataFrame({"confidence": confidence, "captures": captures, "errors": errors})
    table["share"] = captures / max(len(known), 1)
    table["accuracy"] = 1 - errors / captures
    is_last = np.append(confidence[1:] != confidence[:-1], True)[: len(known)]
    return table[is_last]


def accepted_confidence(known: Known, target: float) -> float | None:
    """Return the lowest confidence from which on answers reach the target; None if none does.

    One error more than was seen is counted, so that a few lucky captures make no threshold (as in
    conformal risk control, Angelopoulos et al. 2022, arXiv:2208.02814): without any error, a target
    of 0.98 takes 49 captures. What is returned lies a hair below the last confidence accepted.
    """
    curve = _curve(known)
    allowed = (1 - target) * (curve["captures"] + 1) + 1e-9  # what 0.02 * 50 lacks of 1
    reached = np.flatnonzero(curve["errors"] + 1 <= allowed)
    if not len(reached):
        return None
    lowest, next_ = np.append(curve["confidence"], 0.0)[reached[-1] :][:2]
    return float(lowest - min(ROUNDING, (lowest - next_) / 2))


def empty_filter(known: Known) -> pd.DataFrame | None:
    """Return what comes of removing captures that are probably empty, unseen.

    The columns are `threshold` (captures whose probability of being empty is as high are removed),
    `removed` (share of the empty captures) and `lost` (share of the others). None for a label that
    does not say whether a capture is empty, and where all captures are or none is.
    """
    is_empty = _says_empty(known)
    truth = is_empty[known.truth]
    if truth.all() or not truth.any():
        return None
    score = known.probabilities[:, is_empty].sum(axis=1)
    lost, removed, threshold = roc_curve(truth, score)
    real = np.isfinite(threshold)  # the first removes nothing
    columns = {"threshold": threshold[real], "removed": removed[real], "lost": lost[real]}
    return pd.DataFrame(columns)


def empty_figures(known: Known) -> dict[str, float]:
    """Return the shares of empty captures removed and of animals lost by the classifier's answers.

    Removed is what is answered to be empty and, where that is decided, accepted. See
    `empty_filter` for when there are none.
    """
    is_empty = _says_empty(known)
    truth, removed = is_empty[known.truth], is_empty[known.said]
    if truth.all() or not truth.any():
        return {}
    if known.accepted is not None:
        removed = removed & known.accepted
    return {
        "empty_removed": float(removed[truth].mean()),
        "animals_lost": float(removed[~truth].mean()),
    }


def _says_empty(known: Known) -> NDArray[np.bool_]:
    """Return [C], whether a class says that nothing is to be seen."""
    asks = known.label in (SPECIES, EMPTY)
    return np.array([asks and name.lower() in EMPTY_CLASSES for name in known.classes], bool)
