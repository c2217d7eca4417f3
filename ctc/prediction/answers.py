"""What a classifier said of every picture of a capture, and the predictions that come of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.prediction.meaning.aggregation import MEAN, combine
from ctc.prediction.predictions import Prediction, Predictions

NO_PICTURE = "no picture"  # what fails in a capture that has none


@dataclass(frozen=True)
class Answer:
    """What was said of the pictures of a capture; the pictures themselves are not kept.

    Attributes:
        capture_id: the capture.
        probabilities: [pictures that could be read, classes] of each label; for a classifier that
            sees stacks, [stacks, classes]. Which rows are of which pictures: see `seen`.
        images: its pictures as the source names them, in the order taken: relative to its root
            where they lie below it, with forward slashes; those that have no name by their number
            in the capture, from 1.
        faults: why each of them could not be read; None for one that was.
        truth: what is known of the labels that were asked, as the classifier merges classes; a
            missing one is not in it.
        metadata: what else is known, such as its location and its timestamp.
        taken: when each picture was taken, as it says itself, such as 2024-05-03T07:15:00.25; None
            where it does not. Empty where nobody has looked.
        brightness: of each picture the mean of what the network saw, 0..255; None for one that
            could not be read. Empty where nobody has looked.
    """

    capture_id: str
    probabilities: Mapping[str, NDArray[np.float64]]
    images: tuple[str, ...]
    faults: tuple[str | None, ...]
    truth: Mapping[str, str]
    metadata: Mapping[str, str]
    taken: tuple[str | None, ...] = ()
    brightness: tuple[float | None, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """What could not be read, and why, once each."""
        if not self.images:
            return (NO_PICTURE,)
        return tuple(dict.fromkeys(fault for fault in self.faults if fault is not None))

    @property
    def failed(self) -> int:
        """How many of its pictures could not be read."""
        return sum(fault is not None for fault in self.faults)

    @property
    def failure(self) -> str | None:
        """The same in one text; None where nothing has failed."""
        return "; ".join(self.failures) or None

    @property
    def seen(self) -> tuple[int, ...]:
        """The place in `images` of the picture that each row of `probabilities` is of.

        Of a stack, it is the last picture: the first two of a burst have no row of their own.
        """
        read = [place for place, fault in enumerate(self.faults) if fault is None]
        rows = max((len(said) for said in self.probabilities.values()), default=0)
        return tuple(read[len(read) - rows :])


def of_captures(
    answers: Iterable[Answer],
    labels: Sequence[Label],
    aggregate: str = MEAN,
    calibration: Calibration | None = None,
) -> Predictions:
    """Return a row a capture and label: all its pictures combined; see `capture_row`."""
    return Predictions(
        tuple(
            capture_row(answer, label, aggregate, calibration)
            for answer in answers
            for label in labels
        )
    )


def capture_row(
    answer: Answer,
    label: Label,
    aggregate: str = MEAN,
    calibration: Calibration | None = None,
) -> Prediction:
    """Combine what was said of the pictures of a capture.

    Whether it is accepted is known where the calibration is of captures combined that way.
    """
    applies = calibration is not None and calibration.aggregate == aggregate
    pictures = answer.probabilities[label.name]
    return _row(answer, label, pictures, aggregate, calibration if applies else None)


def picture_rows(answer: Answer, label: Label) -> Iterator[Prediction]:
    """Yield a row a picture that could be read, as if each were a capture."""
    for picture in answer.probabilities[label.name]:
        yield _row(answer, label, picture[None])


def _row(
    answer: Answer,
    label: Label,
    pictures: NDArray[np.float64],
    aggregate: str = MEAN,
    calibration: Calibration | None = None,
) -> Prediction:
    combined = combine(pictures, aggregate).tolist() if len(pictures) else []
    probabilities = dict(zip(label.classes, combined, strict=bool(combined)))
    best = max(probabilities, key=probabilities.__getitem__, default=None)
    confidence = probabilities[best] if best is not None else None
    return Prediction(
        capture_id=answer.capture_id,
        label=label.name,
        prediction=best,
        confidence=confidence,
        probabilities=probabilities,
        images=len(pictures),
        failure=answer.failure,
        truth=answer.truth.get(label.name),
        location=answer.metadata.get("location"),
        metadata=dict(answer.metadata),
        accepted=calibration.accepts(label.name, confidence or 0.0) if calibration else None,
    )
