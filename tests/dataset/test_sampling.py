import dataclasses
import time
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from made_up_dataset import Made, make_dataset

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import Reading, Waiting, training_batches
from ctc.dataset.reading.sampling import drawn, places, records_at
from ctc.dataset.records import decode
from ctc.labels import MISSING, Label

# 60 captures of `often`, 6 of `seldom`, 2 of `once`, 12 without.
KINDS = ("often",) * 60 + ("seldom",) * 6 + ("once",) * 2 + ("",) * 12
KIND = Label("kind", ("often", "once", "seldom"))
NUMBER = Label("number", tuple(f"n{number}" for number in range(80)))
OF_CLASS = np.array([KIND.index(kind or None) for kind in KINDS])
ALIKE = np.ones(len(KINDS))
EPOCH = 80


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The captures of `KINDS`; those seldom seen have two pictures, black and white."""
    black, white = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)
    captures = []
    for number, kind in enumerate(KINDS):
        pictures = (black,) if kind == "often" else (black, white)
        captures.append(Made("train", {"kind": kind, "number": f"n{number}"}, pictures))
    return make_dataset(tmp_path_factory.mktemp("uneven"), captures)


def reading(dataset: Dataset, **changes) -> Reading:
    what = Reading(Mixture.of(dataset), ("train",), (KIND, NUMBER), ImageSpec(16, 16), 8)
    return dataclasses.replace(what, **changes)


# --- what an epoch shows ---


def test_every_class_is_drawn_equally_often_and_captures_without_one_as_by_nature() -> None:
    found = Counter(OF_CLASS[drawn(OF_CLASS, ALIKE, EPOCH, seed=0, epoch=0)].tolist())
    assert found[MISSING] == 12
    assert sorted(found[place] for place in range(3)) == [22, 23, 23]


def test_each_capture_of_a_class_is_drawn_before_any_is_drawn_again() -> None:
    found = Counter(drawn(OF_CLASS, ALIKE, EPOCH, seed=0, epoch=0).tolist())
    for number, name in enumerate(KINDS):
        least = {"often": 0, "seldom": 3, "once": 11, "": 1}[name]
        assert least <= found[number] <= least + 1
    assert max(found) == 79


def test_the_same_seed_and_epoch_draw_the_same_and_others_draw_others() -> None:
    draws = {
        (seed, epoch): tuple(drawn(OF_CLASS, ALIKE, EPOCH, seed, epoch).tolist())
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert drawn(OF_CLASS, ALIKE, EPOCH, 0, 1).tolist() == [*draws[0, 1]]
    assert len({*draws.values()}) == 4


def test_where_all_captures_have_a_class_none_is_drawn_without() -> None:
    known = OF_CLASS[OF_CLASS != MISSING]
    assert Counter(known[drawn(known, np.ones(len(known)), 30, 0, 0)].tolist()) == {
        0: 10,
        1: 10,
        2: 10,
    }


def test_repeats_of_a_rare_capture_are_spread_over_the_epoch() -> None:
    rows = drawn(OF_CLASS, ALIKE, 8000, seed=0, epoch=0)
    for block in rows.reshape(10, 800):
        assert 180 < (OF_CLASS[block] == KIND.index("once")).sum() < 275  # 227 on average


# --- where records stand ---


def test_records_are_read_from_where_they_stand(dataset: Dataset) -> None:
    what = reading(dataset)
    stored = places(what.files, KIND, what.captures)
    expected = [*dataset.records(("train",))]
    rows = [79, 0, 41, 41, 7]
    found = [decode(one) for one in records_at(stored, tf.constant(rows)).as_numpy_iterator()]
    assert found == [expected[row] for row in rows]
    assert stored.of_class.tolist() == [KIND.index(one.labels.get("kind")) for one in expected]


def test_records_of_several_files_are_found(dataset: Dataset) -> None:
    what = reading(dataset)
    stored = places(what.files * 2, KIND, 2 * what.captures)
    expected = [*dataset.records(("train",))] * 2
    rows = np.arange(160)[::-1].copy()
    found = [decode(one) for one in records_at(stored, tf.constant(rows)).as_numpy_iterator()]
    assert found == expected[::-1]


# --- batches ---


def shown(what: Reading, epochs: int, seed: int = 0) -> list[tuple[int, int, bool]]:
    """Class, number and colour of every picture of some epochs."""
    found = []
    for pixels, classes, weights in training_batches(what, epochs, seed).as_numpy_iterator():
        assert len(pixels) == what.batch_size
        kinds = np.where(weights["kind"] > 0, classes["kind"], MISSING)
        bright = pixels.mean(axis=(1, 2, 3)) > 128
        found += zip(kinds.tolist(), classes["number"].tolist(), bright.tolist(), strict=True)
    return found


@pytest.fixture(scope="module")
def balanced(dataset: Dataset) -> list[tuple[int, int, bool]]:
    """What two epochs show."""
    return shown(reading(dataset, sampled=KIND), epochs=2)


def test_batches_show_every_class_of_the_sampled_label_equally_often(balanced) -> None:
    for epoch in (balanced[:EPOCH], balanced[EPOCH:]):
        found = Counter(kind for kind, _, _ in epoch)
        assert found.pop(MISSING) == 12
        assert sorted(found.values()) == [22, 23, 23]


def test_naturally_each_capture_is_shown_once(dataset: Dataset) -> None:
    assert {*Counter(number for _, number, _ in shown(reading(dataset), 1)).values()} == {1}


def test_a_balanced_epoch_follows_from_seed_and_number_alone(dataset: Dataset, balanced) -> None:
    what = reading(dataset, sampled=KIND)
    assert shown(what, epochs=1) == balanced[:EPOCH]
    assert shown(what, epochs=1, seed=1) != balanced[:EPOCH]
    assert balanced[EPOCH:] != balanced[:EPOCH]


def test_a_capture_that_comes_up_again_shows_its_other_pictures_too(balanced) -> None:
    once = [bright for kind, _, bright in balanced[:EPOCH] if kind == KIND.index("once")]
    assert 3 < sum(once) < len(once) - 3


@pytest.mark.parametrize(("asked", "steps"), [(0, 10), (3, 3), (25, 25)])
def test_an_epoch_has_the_steps_asked_for(dataset: Dataset, asked: int, steps: int) -> None:
    what = reading(dataset, steps_per_epoch=asked)
    assert what.steps == steps
    assert len(shown(what, epochs=2)) == 2 * 8 * steps


# --- waiting ---


def slept(seconds: float) -> tf.data.Dataset:
    """Ten batches, each of which takes so long to make."""

    def sleep(number: np.ndarray) -> np.ndarray:
        time.sleep(seconds)
        return number

    made = tf.data.Dataset.range(10).map(lambda n: tf.numpy_function(sleep, [n], tf.int64))
    return made.map(lambda n: (n, {"a": n + 1})).prefetch(2)


def test_the_time_in_which_batches_are_waited_for_is_measured() -> None:
    waiting = Waiting()
    found = [int(n) + int(parts["a"]) for n, parts in waiting.over(slept(0.02))]
    assert found == [2 * number + 1 for number in range(10)]
    assert 0.15 < waiting.taken() < 2.0
    assert waiting.taken() == 0.0


def test_batches_that_are_ready_are_not_waited_for() -> None:
    waiting = Waiting()
    start = time.monotonic()
    for _ in waiting.over(slept(0.0)):
        time.sleep(0.02)
    assert waiting.taken() < 0.5 * (time.monotonic() - start)
