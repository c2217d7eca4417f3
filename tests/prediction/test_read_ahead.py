"""Pictures read ahead as the network sees them: one by one, or in stacks of three of a burst."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_up_dataset import encoded

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import Reading, validation_batches
from ctc.model.classifier import Classifier
from ctc.prediction.asking.predicting import answer, predict
from ctc.prediction.asking.reading import read_ahead
from ctc.prediction.photos.captures import PhotoCapture, captures_of_dataset

STACKED = ImageSpec(32, 32, stacked=True)


@pytest.fixture(scope="module")
def classifier(small_classifier: Path) -> Classifier:
    """Trained on colours; what it says of a stack is some answer, which is enough here."""
    return dataclasses.replace(Classifier.load(small_classifier), image=STACKED)


def noise(number: int) -> np.ndarray:
    """A grey picture of the network's size, of which each number has its own."""
    one = np.random.default_rng(number).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    return one.repeat(3, axis=-1)


def capture(name: str, *numbers: int | None) -> PhotoCapture:
    """A burst; None is a picture that cannot be read."""
    images = tuple(b"" if n is None else encoded(noise(n)) for n in numbers)
    return PhotoCapture(name, images)


def stack(*numbers: int) -> np.ndarray:
    return np.stack([noise(number)[:, :, 0] for number in numbers], axis=-1)


BURSTS = [
    (capture("none"), []),
    (capture("one", 1), [stack(1, 1, 1)]),
    (capture("two", 1, 2), [stack(1, 2, 2)]),
    (capture("three", 1, 2, 3), [stack(1, 2, 3)]),
    (capture("five", 1, 2, 3, 4, 5), [stack(1, 2, 3), stack(2, 3, 4), stack(3, 4, 5)]),
    (capture("bad", None), []),
    (capture("bad in the middle", 6, None, 7, 8), [stack(6, 7, 8)]),
    (capture("bad at the end", 6, 7, None), [stack(6, 7, 7)]),
    (capture("bad behind a stack", 6, 7, 8, None), [stack(6, 7, 8)]),
]


@pytest.mark.parametrize(("burst", "stacks"), BURSTS, ids=lambda x: getattr(x, "capture_id", ""))
def test_a_burst_is_seen_in_stacks_of_three(burst: PhotoCapture, stacks: list[np.ndarray]) -> None:
    pictures = list(read_ahead([burst, capture("next", 9)], STACKED, 4))
    assert [one.capture.capture_id for one in pictures[-1:]] == ["next"]
    seen = [one.pixels for one in pictures[:-1] if one.pixels is not None]
    assert len(seen) == len(stacks)
    for found, wanted in zip(seen, stacks, strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(pictures[-1].pixels, stack(9, 9, 9))


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_all_stacks_of_a_capture_are_combined_and_none_is_lost(classifier, batch_size) -> None:
    bursts = [burst for burst, _ in BURSTS]
    answers = list(answer(classifier, bursts, batch_size))
    assert [one.capture_id for one in answers] == [burst.capture_id for burst in bursts]
    for one, (_, stacks) in zip(answers, BURSTS, strict=True):
        found = one.probabilities["species"]
        assert len(found) == len(stacks)
        for said, seen in zip(found, stacks, strict=True):
            expected = classifier.probabilities(seen[None], 1)["species"][0]
            np.testing.assert_allclose(said, expected, atol=1e-5)
    rows = {row.capture_id: row for row in predict(classifier, bursts, batch_size).of("species")}
    assert [name for name, row in rows.items() if row.failure] == [
        name for name in rows if name.startswith(("bad", "none"))
    ]


def test_prediction_sees_the_stacks_that_validation_sees(small_dataset: Dataset) -> None:
    what = Reading(Mixture.of(small_dataset), ("val",), (), STACKED, 8)
    shown = [batch[0] for batch in validation_batches(what).take(what.validation_steps)]
    # The last batch is filled up with black pictures.
    validated = np.concatenate(shown)[: what.views].astype(float)
    captures = captures_of_dataset(small_dataset, ("val",))
    read = [one.pixels for one in read_ahead(captures, STACKED, 8) if one.pixels is not None]
    assert len(read) == len(validated) == what.views
    for one, other in zip(read, validated, strict=True):
        assert np.abs(one - other).mean() < 3


def test_a_row_of_an_answer_is_of_a_picture(classifier) -> None:
    names = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    burst = dataclasses.replace(capture("bad", 6, None, 7, 8), given_names=names)
    single = dataclasses.replace(classifier, image=dataclasses.replace(STACKED, stacked=False))
    (one,) = answer(single, [burst], 2)
    assert (one.images, one.seen) == (names, (0, 2, 3))
    assert one.faults == (None, "empty file", None, None)
    assert one.failures == ("empty file",)
    for place, number in enumerate((6, 7, 8)):
        expected = single.probabilities(noise(number)[None], 1)["species"][0]
        np.testing.assert_allclose(one.probabilities["species"][place], expected, atol=1e-5)
        shown = one.brightness[one.seen[place]]
        assert shown == pytest.approx(noise(number).mean(), abs=1e-3)
    assert one.brightness[1] is None
    (stacked,) = answer(classifier, [burst], 2)
    assert stacked.seen == (3,)


def test_pictures_without_a_name_have_their_number(classifier) -> None:
    none, two = answer(classifier, [capture("none"), capture("two", 1, None)], 4)
    assert (none.images, none.faults, none.failures) == ((), (), ("no picture",))
    assert (two.images, two.seen, two.failures) == (("1", "2"), (0,), ("empty file",))
