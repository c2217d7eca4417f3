"""Runs a classifier over captures: the network takes batches of what is read ahead."""

from collections import deque
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from ctc.dataset.image_spec import STACK
from ctc.dataset.mixture import Mixture
from ctc.model.cascade import Cascade
from ctc.model.classifier import Classifier
from ctc.prediction.answers import Answer, of_captures
from ctc.prediction.asking.batches import Asking, Said, Seat
from ctc.prediction.asking.cascading import cascaded
from ctc.prediction.asking.reading import Picture, read_ahead
from ctc.prediction.meaning.aggregation import MEAN
from ctc.prediction.photos.captures import PhotoCapture, captures_of_dataset
from ctc.prediction.predictions import Predictions
from ctc.progress import Progress

AUTO = "auto"
BATCHES_AHEAD = 2  # decoded pictures that wait for the network: memory stays flat
BATCHES_ASKED = 1  # that wait for the network besides those it has, one a device

Row = dict[str, NDArray[np.float64]]  # {label: [classes]}, of one picture


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
    for one in answer_all(Asking(classifier, batch_size), captures):
        yield one
        if progress:
            progress.advance()


def answers_of(
    classifier: Classifier, mixture: Mixture, splits: tuple[str, ...], batch_size: int, name: str
) -> list[Answer]:
    """Return what is said of every capture of some splits; progress is shown by a name."""
    total = sum(mixture.splits[split] for split in splits)
    with Progress(name, total, "captures") as progress:
        captures = captures_of_dataset(mixture, splits)
        return list(answer(classifier, captures, batch_size, progress))


def answer_all(
    asking: Asking, captures: Iterable[PhotoCapture], ends: Container[int] = (), threads: int = 0
) -> Iterator[Answer]:
    """Yield what is said of each capture, in order.

    Threads read and decode, another one asks the network, and this one brings both together.

    Args:
        asking: what is asked, and about how many pictures at once.
        captures: read as they are needed.
        ends: numbers of captures, from 0, after which a batch is closed: those that follow are
            answered as if they were the first.
        threads: that read and decode; 0: one a core.
    """
    whole = isinstance(asking.classifier, Cascade)
    return (_ask_cascade if whole else _ask_network)(asking, captures, ends, threads)


def _ask_cascade(
    asking: Asking, captures: Iterable[PhotoCapture], ends: Container[int], threads: int
) -> Iterator[Answer]:
    cascade = asking.classifier
    assert isinstance(cascade, Cascade)
    first, second = (replace(asking, classifier=one) for one in (cascade.first, cascade.second))

    def ask(
        classifier: Classifier, some: Iterable[PhotoCapture], closed: Container[int]
    ) -> Iterator[Answer]:
        one = first if classifier is cascade.first else second
        return _ask_network(one, some, closed, threads)

    for said in cascaded(cascade, captures, ask, ends):
        asking.batch_size = min(first.batch_size, second.batch_size)
        yield said


def _ask_network(
    asking: Asking, captures: Iterable[PhotoCapture], ends: Container[int], threads: int
) -> Iterator[Answer]:
    classifier, size = asking.classifier, asking.batch_size
    ahead = (BATCHES_AHEAD + len(asking.others)) * size
    pictures = read_ahead(captures, classifier.image, ahead, ends, threads)
    collected = _Collected()
    for batch, answers in _asked(asking, _batches(pictures, size)):
        for picture, said in zip(batch, answers, strict=True):
            for label, probabilities in said.items():
                collected.probabilities.setdefault(label, []).append(probabilities)
            if picture.number:
                collected.pictures.append(picture)
            if picture.ends:
                yield _answer(classifier, picture.capture, collected)
                collected = _Collected()


def _answer(classifier: Classifier, capture: PhotoCapture, collected: _Collected) -> Answer:
    said = {
        label.name: np.asarray(collected.probabilities.get(label.name, ()), np.float64).reshape(
            -1, len(label.classes)
        )
        for label in classifier.labels
    }
    return Answer(
        capture_id=capture.capture_id,
        probabilities=said,
        images=capture.names,
        faults=tuple(one.failure for one in collected.pictures),
        truth=capture.meant(classifier.labels),
        metadata=capture.metadata,
        taken=tuple(one.taken for one in collected.pictures),
        brightness=tuple(one.brightness for one in collected.pictures),
    )


def _asked(
    asking: Asking, batches: Iterator[list[Picture]]
) -> Iterator[tuple[list[Picture], list[Row]]]:
    """Yield each batch, its pictures without their pixels, with what is said of each of them.

    Every device has a batch, and the next one waits, before the answers to the first are looked at.
    """
    running: deque[tuple[list[Picture], Future[list[Row]]]] = deque()
    free: SimpleQueue[Seat] = SimpleQueue()
    for seat in asking.seats:
        free.put(seat)
    most = free.qsize() - 1 + BATCHES_ASKED
    with ThreadPoolExecutor(free.qsize()) as networks:
        for batch in batches:
            bare = [replace(picture, pixels=None) for picture in batch]
            running.append((bare, networks.submit(_ask, asking, free, batch)))
            if len(running) > most:
                pictures, answers = running.popleft()
                yield pictures, answers.result()
        yield from ((pictures, answers.result()) for pictures, answers in running)


def _ask(asking: Asking, free: SimpleQueue[Seat], batch: list[Picture]) -> list[Row]:
    """Return {label: [classes]} a picture, empty for those that show the network nothing."""
    readable = [picture.pixels for picture in batch if picture.pixels is not None]
    if not readable:
        return [{} for _ in batch]
    seat = free.get()  # as many threads as seats come here
    try:
        said = asking.ask(np.stack(readable), seat)
    finally:
        free.put(seat)
    places = iter(range(len(readable)))
    return [{} if picture.pixels is None else _at(said, next(places)) for picture in batch]


def _at(said: Said, place: int) -> Row:
    return {label: probabilities[place] for label, probabilities in said.items()}


def _batches(pictures: Iterator[Picture], size: int) -> Iterator[list[Picture]]:
    """Yield some pictures at a time; `size` of them, or fewer, have something to ask about."""
    batch: list[Picture] = []
    asked = 0
    for picture in pictures:
        batch.append(picture)
        asked += picture.pixels is not None
        # Where most cannot be read, a batch is closed by their number.
        if asked == size or len(batch) == STACK * size or picture.closes:
            yield batch
            batch, asked = [], 0
    if batch:
        yield batch
