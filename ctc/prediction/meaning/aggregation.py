"""How what is said of the pictures of a capture becomes what is said of the capture."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Logs = NDArray[np.float64]  # logarithms of probabilities

MEAN = "mean"


def _log_of_mean(logs: Logs) -> Logs:
    return np.asarray(np.logaddexp.reduce(logs, axis=0) - np.log(len(logs)))


# From [pictures, classes] to [classes], not yet scaled to add up to 1.
AGGREGATES: dict[str, Callable[[Logs], Logs]] = {
    # Treats pictures as independent evidence, and so trusts one that excludes a class.
    MEAN: lambda logs: np.asarray(logs.mean(axis=0)),
    # The plain mean of the probabilities: a picture that excludes a class is outvoted.
    "vote": _log_of_mean,
    # One sure picture is enough: an animal that is seen in one picture of five.
    "max": lambda logs: np.asarray(logs.max(axis=0)),
    # All pictures have to agree.
    "min": lambda logs: np.asarray(logs.min(axis=0)),
}


def combine(pictures: NDArray[np.float64], aggregate: str = MEAN) -> NDArray[np.float64]:
    """Combine the probabilities of a capture's pictures, [pictures, classes], to [classes].

    They add up to 1. With `mean`, the mean of the logarithms, dividing the logits of every picture
    by a temperature is the same as dividing those of the capture by it.
    """
    least = np.finfo(np.float64).tiny  # keeps the logarithm of 0 finite
    combined = AGGREGATES[aggregate](np.log(np.maximum(pictures, least)))
    powers = np.exp(combined - combined.max())
    return np.asarray(powers / powers.sum())
