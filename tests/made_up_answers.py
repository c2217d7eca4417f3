"""What a classifier might have said of captures, as a test decides."""

from collections.abc import Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ctc.evaluation.known import Known, known_answers
from ctc.labels import Label
from ctc.prediction.answers import Answer, of_captures
from ctc.prediction.predictions import Prediction

# The same examples each time: what fails in CI fails at home.
settings.register_profile("house", derandomize=True, database=None, deadline=None, max_examples=25)
settings.load_profile("house")

CLASSES = ("ant", "bee", "cat", "dog", "eel")
SPECIES = Label("species", CLASSES)


def answer(
    name: object,
    truth: str | None,
    pictures: Sequence[Sequence[float]],
    label: Label = SPECIES,
    **metadata: str,
) -> Answer:
    """What was said of the pictures of one capture, [pictures, classes]."""
    said = np.array(pictures, np.float64).reshape(-1, len(label.classes))
    known = {} if truth is None else {label.name: truth}
    images = tuple(f"{name}/{number}.jpg" for number in range(max(1, len(said))))
    faults = (None,) * len(said) or ("gone",)
    return Answer(str(name), {label.name: said}, images, faults, known, metadata)


def answers(
    truth: Sequence[str | None],
    probabilities: NDArray[np.float64],
    label: Label = SPECIES,
    locations: Sequence[str] | None = None,
) -> list[Answer]:
    """Captures of one picture each."""
    places = [{"location": place} for place in locations] if locations else [{}] * len(truth)
    return [
        answer(number, one, [shares], label, **place)
        for number, (one, shares, place) in enumerate(
            zip(truth, probabilities, places, strict=True)
        )
    ]


def known(
    truth: Sequence[str | None],
    probabilities: NDArray[np.float64],
    label: Label = SPECIES,
    locations: Sequence[str] | None = None,
) -> Known:
    """The same as arrays."""
    rows = of_captures(answers(truth, probabilities, label, locations), (label,)).rows
    return known_answers(label.name, rows)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def drawn(
    captures: int, seed: int, sharpness: float = 1.0, signal: float = 2.5
) -> tuple[list[str], NDArray[np.float64]]:
    """Truths drawn from calibrated probabilities, and these made `sharpness` times as sure."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, signal, (captures, len(CLASSES)))
    shares = softmax(logits)
    truth = [CLASSES[generator.choice(len(CLASSES), p=row)] for row in shares]
    return truth, softmax(logits * sharpness)


@st.composite
def predictions(draw: st.DrawFn) -> list[Prediction]:
    """Tables with missing truths and failures, true classes that were not learnt, classes that
    never occur, accepted and other rows, locations and none."""
    learnt = CLASSES[: draw(st.integers(2, 5))]
    truths = st.sampled_from([None, *draw(st.sets(st.sampled_from([*CLASSES, "yak"]), min_size=1))])
    places = st.sampled_from(draw(st.sampled_from([["A"], ["A", "B", None], list("ABCDEFGHIJKL")])))
    return [
        _row(draw, number, learnt, draw(truths), draw(places))
        for number in range(draw(st.integers(1, 30)))
    ]


def _row(
    draw: st.DrawFn, number: int, learnt: tuple[str, ...], truth: str | None, place: str | None
) -> Prediction:
    if draw(st.integers(0, 9)) == 0:
        return Prediction(str(number), "species", None, None, {}, 0, "gone", truth, accepted=False)
    order = draw(st.permutations(range(1, len(learnt) + 1)))  # no two classes are equally likely
    power = draw(st.sampled_from([1.0, 3.0, 20.0]))
    powers = [rank**power for rank in order]
    shares = {name: one / sum(powers) for name, one in zip(learnt, powers, strict=True)}
    best = max(shares, key=shares.__getitem__)
    return Prediction(
        str(number), "species", best, shares[best], shares, 1, None, truth, place,
        accepted=shares[best] > 0.6,
    )  # fmt: skip
