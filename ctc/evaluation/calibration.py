"""How sure a classifier is against how often it is right, and the temperature that brings both
together (Guo et al. 2017, arXiv:1706.04599).

The temperature is fitted on captures, not on single pictures: a capture is what is accepted or
looked at, and pictures of one capture are so alike that they would count as evidence many times.
With the mean of log-probabilities it makes no difference to the classifier where it is applied:
the logits of every picture divided by it give the capture divided by it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ctc.evaluation.known import Floats, Known
from ctc.prediction.answers import Answer

BINS = 15  # of equal width, as in Guo et al.
COLDEST, HOTTEST = 0.05, 20.0
TINY = float(np.finfo(np.float64).tiny)


def fit_temperature(known: Known) -> float | None:
    """Return what the logits are to be divided by; None if no truth is a class that was learnt.

    It minimises the mean log loss. As if one more capture had been seen whose truth may be any
    class: without it a split without an error would ask for certainty (the reason for which Platt
    1999 does the same to his targets).
    """
    learnt = known.at(known.answerable[known.truth])
    if not len(learnt):
        return None
    logits = np.log(np.maximum(learnt.probabilities[:, learnt.answerable], TINY))
    truth = (np.cumsum(learnt.answerable) - 1)[learnt.truth]
    found = minimize_scalar(
        _loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), args=(logits, truth), method="bounded"
    )
    return float(np.exp(found.x))


def _loss(log_temperature: float, logits: Floats, truth: Sequence[int]) -> float:
    logs = log_softmax(logits / np.exp(log_temperature), axis=1)
    open_ = 1 / (len(logs) + 1)  # the share of the capture whose truth is open
    return float(-(1 - open_) * logs[np.arange(len(logs)), truth].mean() - open_ * logs.mean())


def at_temperature(answer: Answer, label: str, temperature: float) -> Answer:
    """Return what would be said of the pictures, had their logits been divided by a temperature.

    They have been divided by another one already, if the classifier is calibrated: 1 / that undoes
    it. The answer is to this label alone.
    """
    logits = np.log(np.maximum(answer.probabilities[label], TINY)) / temperature
    return replace(answer, probabilities={label: softmax(logits, axis=1)})


def reliability(known: Known) -> pd.DataFrame:
    """Return a row a bin of confidence that holds captures.

    The columns are `low` and `high` (the bin's ends; a confidence on a border is in the lower bin),
    `captures`, their mean `confidence` and their `accuracy`.
    """
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.searchsorted(edges[1:-1], known.confidence)
    table = pd.DataFrame({"bin": bins, "confidence": known.confidence, "right": known.right})
    groups = table.groupby("bin")
    held = np.unique(bins)
    return pd.DataFrame(
        {
            "low": edges[held],
            "high": edges[held + 1],
            "captures": groups.size().to_numpy(),
            "confidence": groups["confidence"].mean().to_numpy(),
            "accuracy": groups["right"].mean().to_numpy(),
        }
    )


def calibration_error(known: Known) -> float | None:
    """Return the expected calibration error: how far confidence and accuracy are apart.

    That is the mean over the captures of the distance in their bin; None without captures.
    """
    if not len(known):
        return None
    table = reliability(known)
    distance = (table["accuracy"] - table["confidence"]).abs()
    return float((distance * table["captures"]).sum() / len(known))
