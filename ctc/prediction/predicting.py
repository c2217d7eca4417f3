"""Runs a classifier over captures: threads read and decode ahead, the network takes batches."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ctc import storage
from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.reading import fitted_pixels
from ctc.model.classifier import Classifier
from ctc.pictures.decoding import UnreadablePicture
from ctc.prediction.aggregation import MEAN
from ctc.prediction.answers import Answer, of_captures
from ctc.prediction.captures import PhotoCapture
from ctc.prediction.predictions import Predictions
from ctc.progress import Progress
from ctc.tasks import cores

T = TypeVar("T")

AUTO = "auto"
BATCHES_AHEAD = 2  # decoded pictures that wait for the network: memory stays flat


@dataclass(frozen=True)
class Picture:
    """One picture of a capture, decoded, or why it could not be; None ends a capture without."""

    capture: PhotoCapture
    number: int
    pixels: NDArray[np.uint8] | None
    failure: str | None


@dataclass
class _Collected:
    """What has been said of a capture so far."""

    probabilities: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


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
    failures = tuple(dict.fromkeys(collected.failures))
    return Answer(capture.capture_id, said, failures, capture.truth, capture.metadata)


def _collect(
    classifier: Classifier, captures: Iterable[PhotoCapture], batch_size: int
) -> Iterator[tuple[PhotoCapture, _Collected]]:
    collected = _Collected()
    for batch in _batches(_read_ahead(captures, classifier.image, batch_size), batch_size):
        answers = _ask(classifier, batch, batch_size)
        for picture, said in zip(batch, answers, strict=True):
            for label, probabilities in said.items():
                collected.probabilities.setdefault(label, []).append(probabilities)
            if picture.failure:
                collected.failures.append(picture.failure)
            if picture.number >= len(picture.capture.images):
                yield picture.capture, collected
                collected = _Collected()


def _ask(
    classifier: Classifier, batch: list[Picture], batch_size: int
) -> list[dict[str, NDArray[np.float64]]]:
    """Return {label: [classes]} a picture, empty for those that could not be read."""
    readable = [picture.pixels for picture in batch if picture.pixels is not None]
    if not readable:
        return [{} for _ in batch]
    said = classifier.probabilities(np.stack(readable), batch_size)
    places = iter(range(len(readable)))
    return [{} if picture.pixels is None else _at(said, next(places)) for picture in batch]


def _at(said: dict[str, NDArray[np.float64]], place: int) -> dict[str, NDArray[np.float64]]:
    return {label: probabilities[place] for label, probabilities in said.items()}


def _read_ahead(
    captures: Iterable[PhotoCapture], image: ImageSpec, batch_size: int
) -> Iterator[Picture]:
    """Read pictures in threads (the decoders release the interpreter lock), in order."""
    pending: list[Future[Picture]] = []
    jobs = _jobs(captures)
    with ThreadPoolExecutor(cores()) as pool:
        while True:
            wanted = BATCHES_AHEAD * batch_size - len(pending)
            pending += [pool.submit(_read, *job, image) for job in islice(jobs, wanted)]
            if not pending:
                return
            yield pending.pop(0).result()


def _jobs(captures: Iterable[PhotoCapture]) -> Iterator[tuple[PhotoCapture, int]]:
    """Number the pictures of each capture from 1; a capture without any has one numbered 0."""
    for capture in captures:
        for number in range(1, len(capture.images) + 1) or (0,):
            yield capture, number


def _read(capture: PhotoCapture, number: int, image: ImageSpec) -> Picture:
    if number == 0:
        return Picture(capture, number, None, "no picture")
    source = capture.images[number - 1]
    try:
        data = storage.read_bytes(source) if isinstance(source, str) else source
        return Picture(capture, number, fitted_pixels(data, image), None)
    except UnreadablePicture as error:
        return Picture(capture, number, None, str(error))
    except OSError as error:
        return Picture(capture, number, None, storage.why_not_read(error))


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch
