"""Answers to a whole source, written as they come, so that a run that was stopped goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from ctc.inventory.table import IMAGES
from ctc.labels import Label
from ctc.model.classifier import Classifier
from ctc.model.devices import gpus
from ctc.prediction.answers import Answer
from ctc.prediction.asking.batch_sizes import AUTO, batch_size_of
from ctc.prediction.asking.batches import Asking
from ctc.prediction.asking.predicting import answer_all
from ctc.prediction.photos.captures import Captures, PhotoCapture
from ctc.prediction.stored.elsewhere import Answering, answer_elsewhere
from ctc.prediction.stored.parts import holds, read_part, write_part
from ctc.prediction.stored.resuming import Question, Work, begin, finish, give_up, remarks
from ctc.progress import Progress
from ctc.storage.unfinished import alone, place_of
from ctc.tasks import readers

# A part ends with a batch that may not be full: one of these is half lost on average.
BATCHES_A_PART = 32

Range = tuple[int, int]  # captures, from the first up to, and without, the second


@dataclass(frozen=True)
class Answered:
    """The answers to all captures, in order, as often as they are wanted.

    Attributes:
        labels: of the classifier.
        parts: the files they are in.
        kept: pictures whose answers an earlier run had left.
        speed: how many pictures were read now, and how many of them a second.
        batch_size: pictures that the network was asked about at once, in the end.
        remarks: what a person should know, a sentence each.
    """

    labels: tuple[Label, ...]
    parts: tuple[Path, ...]
    kept: int
    speed: dict[str, float]
    batch_size: int
    remarks: tuple[str, ...]

    def __iter__(self) -> Iterator[Answer]:
        for path in self.parts:
            yield from read_part(path, self.labels)


@contextmanager
def answered(
    classifier: Classifier,
    question: Question,
    captures: Captures,
    output: str,
    resume: bool,
    elsewhere: Path | None = None,
) -> Iterator[Answered]:
    """Answer all captures; in the block an output is made of the answers, which are removed then.

    Where the process is killed, or the block raises, the finished parts are left to the next run
    that puts the same question for the same output.

    Args:
        classifier: that the question is put to.
        question: what decides the answers.
        captures: that are asked about.
        output: what the block writes; the answers lie beside it.
        resume: whether parts that an earlier run has left are kept.
        elsewhere: the classifier's folder, where a cluster is to answer (see
            `ctc.prediction.stored.elsewhere`); None: this process does.

    Raises:
        BadInput: if another run answers for this output, or there is no cluster.
        CannotGoOn: if the memory is not enough for the batch size that was asked for, or a cluster
            is lost.
    """
    place = place_of(output)
    with alone(place):
        notes = tuple(remarks(place, question))
        size = batch_size_of(question.batch_size, classifier.image)
        proposed = Work(place.work(question.key), size, BATCHES_A_PART * size)
        work = begin(place, question, proposed, resume)
        try:
            others = tuple(gpu.name for gpu in gpus()[1:])
            asking = Asking(classifier, work.batch_size, question.batch_size == AUTO, others)
            began = time.monotonic()
            away = Answering.of(elsewhere, question.classifier, asking) if elsewhere else None
            parts, kept = _answer_parts(asking, captures, work, away)
            speed = _speed(captures.pictures - kept, time.monotonic() - began)
            said = (*notes, *_smaller(work, asking))
            yield Answered(classifier.labels, parts, kept, speed, asking.batch_size, said)
        except BaseException:
            give_up(work)
            raise
        finish(place)


def _answer_parts(
    asking: Asking, captures: Captures, work: Work, away: Answering | None
) -> tuple[tuple[Path, ...], int]:
    """Write the parts that are not there; return all, and the pictures of those that were."""
    counts = _pictures(captures)
    ranges = {work.path(n): one for n, one in enumerate(part_ranges(counts, work.part))}
    lacking = {path: one for path, one in ranges.items() if not holds(path, one[1] - one[0])}
    before = [counts[slice(*one)].sum() for path, one in ranges.items() if path not in lacking]
    stopped = "give the same command again to go on"
    with Progress("predict", captures.pictures, "pictures", if_stopped=stopped) as progress:
        progress.keep(int(sum(before)))
        if away:
            _answer_elsewhere(away, asking, captures, lacking, progress)
        else:
            _answer_here(asking, captures, lacking, progress)
    return tuple(ranges), int(sum(before))


def _answer_here(
    asking: Asking, captures: Captures, lacking: dict[Path, Range], progress: Progress
) -> None:
    ends = [end - 1 for end in accumulate(end - start for start, end in lacking.values())]
    wanted = _of_ranges(captures, list(lacking.values()))
    answers = answer_all(asking, wanted, frozenset(ends), readers(captures.root))
    counted = _counted(answers, progress)
    for path, (start, end) in lacking.items():
        write_part(path, islice(counted, end - start), asking.classifier.labels)


def _answer_elsewhere(
    away: Answering,
    asking: Asking,
    captures: Captures,
    lacking: dict[Path, Range],
    progress: Progress,
) -> None:
    failed = 0
    for part in answer_elsewhere(away, captures, lacking):
        failed += part.failed
        progress.advance(part.pictures, _cannot_be_read(failed))
        asking.batch_size = min(asking.batch_size, part.batch_size)


def part_ranges(counts: "np.ndarray[tuple[int], np.dtype[np.int64]]", size: int) -> list[Range]:
    """Divide captures, by the number of pictures of each, into parts of some `size` pictures."""
    before = np.cumsum(counts) - counts
    begins = np.flatnonzero(np.diff(before // size, prepend=-1))
    return list(zip(begins.tolist(), [*begins[1:].tolist(), len(counts)], strict=True))


def _pictures(captures: Captures) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    lengths = pc.list_value_length(captures.inventory.table[IMAGES])
    return np.asarray(lengths.to_numpy(), np.int64)


def _of_ranges(captures: Captures, ranges: list[Range]) -> Iterator[PhotoCapture]:
    for start, end in ranges:
        yield from captures.between(start, end)


def _counted(answers: Iterator[Answer], progress: Progress) -> Iterator[Answer]:
    """Pass answers on, and say how far the work is, and how many pictures could not be read."""
    failed = 0
    for one in answers:
        failed += one.failed
        progress.advance(len(one.images), _cannot_be_read(failed))
        yield one


def _cannot_be_read(failed: int) -> str:
    return f"{failed} cannot be read" if failed else ""


def _speed(pictures: int, seconds: float) -> dict[str, float]:
    return {"pictures_read": pictures, "pictures_per_second": pictures / max(seconds, 1e-9)}


def _smaller(work: Work, asking: Asking) -> Iterator[str]:
    if asking.batch_size < work.batch_size:
        yield (
            f"the memory was not enough for {work.batch_size} pictures at once, so the network "
            f"was asked about {asking.batch_size}: batch_size={asking.batch_size} does so at once"
        )
