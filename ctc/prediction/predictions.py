"""Predictions: a row is one capture and one label."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

# Of a table of predictions; what else is known of a capture follows.
COLUMNS = (
    "capture_id", "label", "prediction", "confidence", "accepted", "probabilities", "images",
    "failure", "truth", "location",
)  # fmt: skip
WHERE_KNOWN = ("accepted", "truth", "location")  # left out of a file where known of no capture


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one capture and one label.

    Attributes:
        capture_id: the capture.
        label: the question.
        prediction: the class with the highest probability, or the group that is sure where no
            class is; None if no picture could be read.
        confidence: its probability, 0..1; of a group, the sum over its classes.
        probabilities: of every class; they add up to 1.
        images: number of pictures that were used; of stacks, where the classifier sees those.
        failure: what could not be read, and why.
        truth: the class, where it is known.
        location: where the camera stood, where that is known.
        metadata: all that is known of the capture, its location among it.
        accepted: whether the answer may stand without a person looking at it; None where the
            classifier has not been calibrated for that.
        rank: what `prediction` is, where groups of classes are known: such as species or family.
        allowed_share: how likely all classes that there can be were together, where some were
            left out: those of `probabilities`, before they were made to add up to 1.
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
    metadata: Mapping[str, str] = field(default_factory=dict)
    accepted: bool | None = None
    rank: str | None = None
    allowed_share: float | None = None

    @property
    def top(self) -> str | None:
        """The class with the highest probability, also where `prediction` is a group."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default=None)


@dataclass(frozen=True)
class Predictions:
    """A table of predictions."""

    rows: tuple[Prediction, ...]

    def table(self) -> pd.DataFrame:
        """Return a table of `COLUMNS` and, after them, a column for each piece of metadata.

        One with the name of another column stands as `metadata.NAME`.
        """
        names = sorted({name for row in self.rows for name in row.metadata} - {"location"})
        columns = {name: f"metadata.{name}" if name in COLUMNS else name for name in names}
        rows = [
            {name: getattr(row, name) for name in COLUMNS}
            | {column: row.metadata.get(name) for name, column in columns.items()}
            for row in self.rows
        ]
        return pd.DataFrame(rows, columns=[*COLUMNS, *columns.values()])

    def flat_table(self) -> pd.DataFrame:
        """Return the table for a file: `probabilities` is a JSON object, 6 digits each.

        What is known of no capture (see `WHERE_KNOWN`) has no column.
        """
        table = self.table()
        table["probabilities"] = [as_json(row.probabilities) for row in self.rows]
        return table.drop(columns=[name for name in WHERE_KNOWN if table[name].isna().all()])

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


def as_json(probabilities: dict[str, float]) -> str:
    """Write probabilities as a JSON object, 6 digits each."""
    rounded = {name: round(value, 6) for name, value in probabilities.items()}
    return json.dumps(rounded, ensure_ascii=False)
