"""Asks the two classifiers of a cascade: the second about captures with an animal alone."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import tee

import numpy as np
from numpy.typing import NDArray

from ctc.labels import Label
from ctc.model.cascade import Cascade
from ctc.model.classifier import Classifier
from ctc.prediction.answers import Answer
from ctc.prediction.meaning.aggregation import combine
from ctc.prediction.photos.captures import PhotoCapture

# The second is asked about what is left of so many captures together: its batches are full but for
# the last of each, and no more than these captures wait for an answer.
CAPTURES_TOGETHER = 512

# Asks one classifier about captures, in order; a batch is closed after those of some numbers.
Ask = Callable[[Classifier, Iterable[PhotoCapture], Container[int]], Iterator[Answer]]


def cascaded(
    cascade: Cascade, captures: Iterable[PhotoCapture], ask: Ask, ends: Container[int] = ()
) -> Iterator[Answer]:
    """Yield what a cascade says of each capture, in order.

    A capture that goes on (see `goes_on`) has the answers of the second classifier as they are. Of
    another one the second is not asked: each picture is answered with the class for nothing, which
    is as probable as the first finds it of the whole capture; the rest is shared alike by the other
    classes, of which nothing is known.

    Args:
        cascade: that is asked.
        captures: read as they are needed.
        ask: asks one of the two.
        ends: numbers of captures, from 0, after which it begins as if with the first.
    """
    given, waiting = tee(captures)
    firsts = zip(waiting, ask(cascade.first, given, ends), strict=False)
    for part in _together(firsts, ends):
        on = [capture for capture, said in part if goes_on(cascade, said)]
        seconds = ask(cascade.second, on, ())
        for capture, said in part:
            second = next(seconds) if goes_on(cascade, said) else None
            yield _joined(cascade, capture, said, second)


def _together(
    firsts: Iterable[tuple[PhotoCapture, Answer]], ends: Container[int]
) -> Iterator[list[tuple[PhotoCapture, Answer]]]:
    """Yield some captures at a time, none of them on the other side of one of the `ends`."""
    part: list[tuple[PhotoCapture, Answer]] = []
    for number, one in enumerate(firsts):
        part.append(one)
        if number in ends or len(part) == CAPTURES_TOGETHER:
            yield part
            part = []
    if part:
        yield part


def goes_on(cascade: Cascade, answer: Answer) -> bool:
    """Return whether the second is asked about a capture of which the first, or both, have spoken.

    It is not where no picture can be read.
    """
    animal = animal_probability(answer, cascade.label, cascade.gate.nothing, cascade.gate.aggregate)
    return animal is not None and animal >= cascade.gate.threshold


def animal_probability(
    answer: Answer, label: Label, nothing: Iterable[str], aggregate: str
) -> float | None:
    """Return how probable it is that a capture shows something; None if no picture could be read.

    Args:
        answer: what was said of its pictures.
        label: that says whether there is anything.
        nothing: its classes that say that there is not.
        aggregate: how pictures are combined.
    """
    pictures = answer.probabilities[label.name]
    if not len(pictures):
        return None
    combined = combine(pictures, aggregate)
    return float(1 - sum(combined[label.classes.index(name)] for name in nothing))


def _joined(
    cascade: Cascade, capture: PhotoCapture, first: Answer, second: Answer | None
) -> Answer:
    whole = replace(first, truth={**first.truth, **capture.meant(cascade.added)})
    if second is None:
        return replace(whole, probabilities={**first.probabilities, **_nothing(cascade, first)})
    # A picture may be gone between the two, or have come.
    kept = [place in second.seen for place in first.seen]
    own = {name: said[kept] for name, said in first.probabilities.items()}
    chosen = [place in first.seen for place in second.seen]
    added = {
        label.name: _with_nothing(second.probabilities[label.name][chosen], label)
        for label in cascade.added
    }
    faults = tuple(a or b for a, b in zip(first.faults, second.faults, strict=True))
    return replace(whole, probabilities={**own, **added}, faults=faults)


def _nothing(cascade: Cascade, first: Answer) -> Mapping[str, NDArray[np.float64]]:
    """Return what the labels of the second say of a capture that it was not asked about."""
    animal = animal_probability(first, cascade.label, cascade.gate.nothing, cascade.gate.aggregate)
    pictures = len(first.probabilities[cascade.gate.label])
    said = {}
    for label in cascade.added:
        row = np.full(len(label.classes), (animal or 0.0) / (len(label.classes) - 1))
        row[label.classes.index(cascade.nothing(label))] = 1 - (animal or 0.0)
        said[label.name] = np.tile(row, (pictures, 1))
    return said


def _with_nothing(said: NDArray[np.float64], label: Label) -> NDArray[np.float64]:
    """Give the class for nothing, if it was added, the probability 0."""
    return np.pad(said, [(0, 0), (0, len(label.classes) - said.shape[1])])


@dataclass(frozen=True)
class Passed:
    """How many captures went on to the second classifier.

    Attributes:
        label: that decides it.
        captures, pictures: those of which a picture could be read.
        asked, asked_pictures: those of them that the second was asked about.
        animals, kept: captures that are known to show an animal, and those of them it was asked
            about.
    """

    label: str
    captures: int = 0
    pictures: int = 0
    asked: int = 0
    asked_pictures: int = 0
    animals: int = 0
    kept: int = 0

    @property
    def figures(self) -> dict[str, float]:
        """Shares by their names; without captures, or animals, there is none of them."""
        shares = {
            "asked_share": (self.asked, self.captures),
            "asked_pictures_share": (self.asked_pictures, self.pictures),
            "animals_kept": (self.kept, self.animals),
        }
        return {name: part / whole for name, (part, whole) in shares.items() if whole}

    def __str__(self) -> str:
        """Say it in a sentence."""
        animals = f"; of {self.animals} with an animal about {self.kept}" if self.animals else ""
        return (
            f"the second network was asked about {self.asked} of {self.captures} captures, and "
            f"{self.asked_pictures} of {self.pictures} pictures{animals}"
        )


def passed(cascade: Cascade, answers: Iterable[Answer]) -> Passed:
    """Count the captures that went on."""
    total = Passed(cascade.gate.label)
    for answer in answers:
        total = counted(total, cascade, answer)
    return total


def counted(before: Passed, cascade: Cascade, answer: Answer) -> Passed:
    """Count one capture more."""
    gate = cascade.gate
    pictures, truth = len(answer.seen), answer.truth.get(gate.label)
    on = goes_on(cascade, answer)
    is_animal = bool(pictures) and truth is not None and truth not in gate.nothing
    return Passed(
        label=before.label,
        captures=before.captures + bool(pictures),
        pictures=before.pictures + pictures,
        asked=before.asked + on,
        asked_pictures=before.asked_pictures + pictures * on,
        animals=before.animals + is_animal,
        kept=before.kept + (is_animal and on),
    )
