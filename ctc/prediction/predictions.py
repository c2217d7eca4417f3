"""Predictions: a row is one capture and one label."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctc.labels import Label


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one capture and one label.

    Attributes:
        capture_id: the capture.
        label: the question.
        prediction: the class with the highest probability; None if no picture could be read.
        confidence: its probability, 0..1.
        probabilities: of every class; they add up to 1.
        images: number of pictures that were used.
        failure: what could not be read, and why.
        truth: the class, where it is known.
        location: where the camera stood, where that is known.
    """

    capture_id: str
    label: str
    prediction: str | None
    confidence: float | None
    probabilities: dict[str, float]
    images: int
    failure: str | None
    truth: str | None = None
    location: str | None = None


@dataclass(frozen=True)
class Predictions:
    """A table of predictions."""

    rows: tuple[Prediction, ...]

    def table(self) -> pd.DataFrame:
        """Return a table with the columns of `Prediction`."""
        columns = list(Prediction.__dataclass_fields__)
        return pd.DataFrame([vars(row) for row in self.rows], columns=columns)

    def flat_table(self) -> pd.DataFrame:
        """Return the table for a file: `probabilities` is a JSON object, 6 digits each.

        `truth` and `location` are left out where they are not known of any capture.
        """
        table = self.table()
        table["probabilities"] = [_as_json(row.probabilities) for row in self.rows]
        return table.drop(columns=[n for n in ("truth", "location") if table[n].isna().all()])

    def class_counts(self) -> pd.DataFrame:
        """Return a row a label and class: how many captures were predicted to be it."""
        known = [row for row in self.rows if row.prediction is not None]
        counts = Counter((row.label, str(row.prediction)) for row in known)
        rows = [(label, name, count) for (label, name), count in sorted(counts.items())]
        return pd.DataFrame(rows, columns=["label", "class", "captures"])

    def of(self, label: str) -> tuple[Prediction, ...]:
        """Return the rows of one label."""
        return tuple(row for row in self.rows if row.label == label)

    @property
    def captures(self) -> int:
        """Number of captures."""
        return len({row.capture_id for row in self.rows})

    @property
    def failed(self) -> int:
        """Number of captures none of whose pictures could be read."""
        return len({row.capture_id for row in self.rows if row.prediction is None})


def combine(label: Label, pictures: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    """Combine the probabilities of a capture's pictures: the mean of their logarithms.

    That is the geometric mean, scaled to add up to 1: it treats the pictures as independent
    evidence and so trusts a picture that excludes a class.
    """
    least = np.finfo(np.float64).tiny  # keeps the logarithm of 0 finite
    mean = np.mean([np.log(np.maximum(one, least)) for one in pictures], axis=0)
    powers = np.exp(mean - mean.max())
    shares = powers / powers.sum()
    return {name: float(share) for name, share in zip(label.classes, shares, strict=True)}


def _as_json(probabilities: dict[str, float]) -> str:
    rounded = {name: round(value, 6) for name, value in probabilities.items()}
    return json.dumps(rounded, ensure_ascii=False)
