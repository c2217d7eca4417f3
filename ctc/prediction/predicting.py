"""Runs a classifier over captures: the network takes batches of what is read ahead."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ctc.dataset.image_spec import STACK
from ctc.model.classifier import Classifier
from ctc.prediction.aggregation import MEAN
from ctc.prediction.answers import Answer, of_captures
from ctc.prediction.captures import PhotoCapture
from ctc.prediction.predictions import Predictions
from ctc.prediction.reading import Picture, read_ahead
from ctc.progress import Progress

AUTO = "auto"
BATCHES_AHEAD = 2  # decoded pictures that wait for the network: memory stays flat


@dataclass
class _Collected:
    """What has been said of a capture so far."""

    probabilities: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)  # without what they show


def predict(
    classifier: Classifier,
    captures: Iterable[PhotoCapture],
    batch_size: int,
    progress: Progress | None = None,
    aggregate: str = AUTO,
) -> Predictions:
    """Label every capture, with all its pictures; one that cannot be read is a row with failure.

    Args:
        classifier: what to ask.
        captures: read as they come.
        batch_size: pictures a step of the network.
        progress: told of each capture that is done.
        aggregate: how pictures are combined; see `resolved_aggregate`.
    """
    answers = answer(classifier, captures, batch_size, progress)
    resolved = resolved_aggregate(classifier, aggregate)
    return of_captures(answers, classifier.labels, resolved, classifier.calibration)


def resolved_aggregate(classifier: Classifier, aggregate: str) -> str:
    """Return what `auto` comes to: the way that the classifier was calibrated for."""
    if aggregate != AUTO:
        return aggregate
    return classifier.calibration.aggregate if classifier.calibration else MEAN


def answer(
    classifier: Classifier,
    captures: Iterable[PhotoCapture],
    batch_size: int,
    progress: Progress | None = None,
) -> Iterator[Answer]:
    """Yield what the classifier says of every picture of each capture; see `predict`."""
    for capture, collected in _collect(classifier, captures, batch_size):
        yield _answer(classifier, capture, collected)
        if progress:
            progress.advance()


def _answer(classifier: Classifier, capture: PhotoCapture, collected: _Collected) -> Answer:
    said = {
        label.name: np.asarray(collected.probabilities.get(label.name, ()), np.float64).reshape(
            -1, len(label.classes)
        )
        for label in classifier.labels
    }
    meant = {
        label.name: label.meant(capture.truth[label.name])
        for label in classifier.labels
        if label.name in capture.truth
    }
    return Answer(
        capture_id=capture.capture_id,
        probabilities=said,
        images=capture.names,
        faults=tuple(one.failure for one in collected.pictures),
        truth=meant,
        metadata=capture.metadata,
        taken=tuple(one.taken for one in collected.pictures),
        brightness=tuple(one.brightness for one in collected.pictures),
    )


def _collect(
    classifier: Classifier, captures: Iterable[PhotoCapture], batch_size: int
) -> Iterator[tuple[PhotoCapture, _Collected]]:
    collected = _Collected()
    for batch in _batches(
        read_ahead(captures, classifier.image, BATCHES_AHEAD * batch_size), batch_size
    ):
        answers = _ask(classifier, batch, batch_size)
        for picture, said in zip(batch, answers, strict=True):
            for label, probabilities in said.items():
                collected.probabilities.setdefault(label, []).append(probabilities)
            if picture.number:
                collected.pictures.append(replace(picture, pixels=None))
            if picture.ends:
                yield picture.capture, collected
                collected = _Collected()


def _ask(
    classifier: Classifier, batch: list[Picture], batch_size: int
) -> list[dict[str, NDArray[np.float64]]]:
    """Return {label: [classes]} a picture, empty for those that show the network nothing."""
    readable = [picture.pixels for picture in batch if picture.pixels is not None]
    if not readable:
        return [{} for _ in batch]
    said = classifier.probabilities(np.stack(readable), batch_size)
    places = iter(range(len(readable)))
    return [{} if picture.pixels is None else _at(said, next(places)) for picture in batch]


def _at(said: dict[str, NDArray[np.float64]], place: int) -> dict[str, NDArray[np.float64]]:
    return {label: probabilities[place] for label, probabilities in said.items()}


def _batches(pictures: Iterator[Picture], size: int) -> Iterator[list[Picture]]:
    """Yield some pictures at a time; `size` of them, or fewer, have something to ask about."""
    batch: list[Picture] = []
    asked = 0
    for picture in pictures:
        batch.append(picture)
        asked += picture.pixels is not None
        if asked == size or len(batch) == STACK * size:  # where most cannot be read
            yield batch
            batch, asked = [], 0
    if batch:
        yield batch
