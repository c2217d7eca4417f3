"""Several datasets with the face of one, and the weights of each."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_dataset import Made, make_dataset

from ctc.dataset.class_map import GivenClasses
from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture, Part, open_mixture
from ctc.dataset.period import Period
from ctc.dataset.reading import Reading, training_batches, validation_batches
from ctc.dataset.reading.mixing import Stored, evenly
from ctc.dataset.reading.sampling import drawn
from ctc.errors import BadInput
from ctc.labels import MISSING, Label

OWN, OTHER = 12, 40  # captures to learn from
WHO = Label("who", tuple(f"own{n}" for n in range(OWN)) + tuple(f"other{n}" for n in range(OTHER)))


def bare(uri: str, labels: dict, locations: dict | None = None) -> Dataset:
    """A dataset of which the manifest alone is there."""
    return Dataset(Path(uri), uri, {}, labels, locations or {}, (), {}, uri, "")


# --- one face ---


LION = {"species": {"train": {"lion": 4, "zebra": 1}, "val": {"lion": 1}}}
ANT = {"species": {"train": {"ant": 2, "lion": 6}}, "count": {"train": {"1": 3, "2": 3}}}
BOTH = Mixture((Part(bare("a", LION), 1.0), Part(bare("b", ANT), 0.5)))


def test_labels_and_classes_of_the_same_name_are_one() -> None:
    assert BOTH.labels == {
        "species": {"train": {"lion": 10, "zebra": 1, "ant": 2}, "val": {"lion": 1}},
        "count": {"train": {"1": 3, "2": 3}},
    }
    assert BOTH.counts("species", ("train", "val")) == {"ant": 2, "lion": 11, "zebra": 1}


def test_an_epoch_shows_captures_as_often_as_their_dataset_weighs() -> None:
    assert BOTH.shown("species", ("train",)) == {"ant": 1.0, "lion": 7.0, "zebra": 1.0}
    assert BOTH.shown("count", ("train",)) == {"1": 1.5, "2": 1.5}


def test_locations_are_those_of_the_splits_of_all() -> None:
    a = bare("a", {}, {"train": ["x", "y"], "val": ["v"]})
    b = bare("b", {}, {"train": ["y", "z"]})
    assert Mixture.of(a, b).locations(("train",)) == {"x", "y", "z"}


def test_the_period_is_that_of_the_splits_of_all_where_it_is_known() -> None:
    old, late = Period("2019-03-01T00:00:00", "2019-05-01T00:00:00"), Period("2020-01", "2020-02")
    a = replace(bare("a", {}), periods={"train": old, "val": late})
    b = replace(bare("b", {}), periods={"train": Period("2018-01-01", "2019-04-01")})
    both = Mixture.of(a, b, bare("c", {}))
    assert both.period(("train",)) == Period("2018-01-01", old.last)
    assert both.period(("val", "test")) == late
    assert both.period(("test",)) is None


def test_the_classes_of_a_label_are_sorted_and_of_the_splits_asked_for() -> None:
    counts = {"species": {"train": {"zebra": 1, "lion": 4}, "test": {"ant": 1, "lion": 2}}}
    mixture = Mixture.of(bare("a", counts))
    assert mixture.classes("species", ("train",)) == Label("species", ("lion", "zebra"))
    both = mixture.classes("species", ("test", "train", "val"))
    assert both == Label("species", ("ant", "lion", "zebra"))


@pytest.mark.parametrize(
    ("counts", "has"), [({}, "no class"), ({"train": {"lion": 9}, "val": {"ant": 1}}, "lion")]
)
def test_a_label_of_fewer_than_two_classes_is_refused(counts: dict, has: str) -> None:
    with pytest.raises(BadInput) as refused:
        Mixture.of(bare("a", {"species": counts})).classes("species", ("train", "test"))
    assert str(refused.value) == f"label 'species' has {has} in train, test; it needs two"


# --- given classes ---

LIONS = {
    "species": {
        "train": {"lionMale": 3, "lionFemale": 2, "zebra": 4, "ant": 1},
        "val": {"lion": 1},
    }
}
MERGED = {"lionMale": "lion", "lionFemale": "lion"}


def test_merged_classes_count_as_one_in_every_dataset() -> None:
    parts = (Part(bare("a", LION)), Part(bare("b", LIONS), 2.0))
    mixture = Mixture(parts, {"species": GivenClasses((), MERGED)})
    assert mixture.counts("species", ("train",)) == {"ant": 1, "lion": 9, "zebra": 5}
    assert mixture.shown("species", ("train",)) == {"ant": 2.0, "lion": 14.0, "zebra": 9.0}
    assert mixture.values["species"]["train"] == {
        "lion": 4,
        "zebra": 5,
        "lionMale": 3,
        "lionFemale": 2,
        "ant": 1,
    }
    assert mixture.classes("species", ("train",)) == Label(
        "species", ("ant", "lion", "zebra"), MERGED
    )


def test_given_classes_have_the_order_given() -> None:
    order = ("zebra", "lion", "gnu")
    mixture = Mixture((Part(bare("b", LIONS)),), {"species": GivenClasses(order, MERGED)})
    assert mixture.classes("species", ("train",)) == Label("species", order, MERGED)
    alone = Mixture((Part(bare("b", LIONS)),), {"species": GivenClasses(("lion", "gnu"))})
    with pytest.raises(BadInput, match="label 'species' has lion in val; it needs two"):
        alone.classes("species", ("val",))


def test_what_a_model_merges_is_merged_where_it_continues() -> None:
    mixture = Mixture((Part(bare("b", LIONS)),), {"species": GivenClasses((), {"ant": "bug"})})
    known = Label("species", ("cat", "zebra"), {"bug": "zebra", **MERGED})
    assert mixture.continuing((known,)).counts("species", ("train",)) == {"lion": 5, "zebra": 5}


def test_a_label_that_no_dataset_has_is_refused(folders, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"whom": {"own1": 0}}')
    with pytest.raises(BadInput, match=r"no label 'whom' in '.*', '.*'; there is: who, kind"):
        open_mixture(folders, str(tmp_path / "c.json"))


def test_batches_have_the_class_that_a_value_counts_as(folders, tmp_path: Path) -> None:
    merged = {f"other{n}": "other" for n in range(OTHER)}
    (tmp_path / "c.json").write_text(json.dumps({"who": {"other": 0, "own3": 1} | merged}))
    mixture = open_mixture(folders, str(tmp_path / "c.json"))
    label = mixture.classes("who", ("train_1",))
    what = Reading(mixture, ("train_1",), (label,), ImageSpec(16, 16), 4)
    assert what.knows(Label("who", ("other", "none")))
    found: Counter[tuple[int, int]] = Counter()
    for _, classes, known in training_batches(what, 1, 0).as_numpy_iterator():
        found.update(zip(classes["who"].tolist(), known["who"].tolist(), strict=True))
    assert found == {(0, 1.0): OTHER, (1, 1.0): 1, (0, 0.0): OWN - 1}
    balanced = Reading(mixture, ("train_1",), (label,), ImageSpec(16, 16), 4, sampled=label)
    assert Counter(balanced.places.of_class.tolist()) == {0: OTHER, 1: 1, MISSING: OWN - 1}


def test_what_is_read_has_a_digest_of_datasets_and_weights() -> None:
    digests = {Mixture.of(bare("a", {})).digest, Mixture.of(bare("b", {})).digest, BOTH.digest}
    heavier = Mixture((BOTH.parts[0], Part(bare("b", ANT), 0.6)))
    named = Mixture(BOTH.parts, {"species": GivenClasses(("lion", "zebra"))})
    other = Mixture(BOTH.parts, {"species": GivenClasses(("zebra", "lion"))})
    assert len({*digests, heavier.digest, named.digest, other.digest}) == 6
    assert Mixture((BOTH.parts[0], Part(bare("b", ANT), 0.5))).digest == BOTH.digest


# --- real shards ---


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two datasets whose captures are named by `who`; every fifth of the other has a `kind`.

    Each capture has two pictures, black and white.
    """
    black, white = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)
    found = []
    for whose, count, val in (("own", OWN, 2), ("other", OTHER, 3)):
        captures = [
            Made(
                "train_1" if number < count else "val",
                {"who": f"{whose}{number}", "kind": ("a", "b")[number % 2]},
                (black, white),
            )
            for number in range(count + val)
        ]
        folder = tmp_path_factory.mktemp(whose)
        make_dataset(folder, captures)
        found.append(str(folder / "dataset"))
    return found[0], found[1]


def reading(folders: tuple[str, str], weight: str, **changes) -> Reading:
    mixture = open_mixture((folders[0], folders[1] + weight))
    splits = mixture.matching_in_each("train*")
    return Reading(mixture, splits, (WHO,), ImageSpec(16, 16), 4, **changes)


def shown(what: Reading, epochs: int, first: int = 0, seed: int = 0) -> list[list[str]]:
    """The captures and colours of each epoch."""
    pictures = []
    for pixels, classes, _ in training_batches(what, epochs, seed, first).as_numpy_iterator():
        names = [WHO.classes[place] for place in classes["who"]]
        bright = pixels.mean(axis=(1, 2, 3)) > 128
        pictures += [
            f"{name} {'white' if b else 'black'}" for name, b in zip(names, bright, strict=True)
        ]
    size = what.steps * what.batch_size
    return [pictures[start : start + size] for start in range(0, len(pictures), size)]


def times(epoch: list[str]) -> Counter[str]:
    return Counter(one.split()[0] for one in epoch)


def test_unweighted_every_capture_of_each_is_shown_once(folders) -> None:
    what = reading(folders, "")
    assert (what.captures, what.shown, what.steps) == (52, 52, 13)
    (epoch,) = shown(what, 1)
    assert times(epoch) == dict.fromkeys(WHO.classes, 1)


@pytest.mark.parametrize(
    ("weight", "count"), [("=0.3", 12), ("=0.5", 20), ("=2", 80), ("=1.4", 56)]
)
def test_an_epoch_shows_a_weighted_dataset_so_many_times(folders, weight: str, count: int) -> None:
    what = reading(folders, weight)
    assert (what.captures, what.shown, what.steps) == (52, OWN + count, (OWN + count) // 4)
    for epoch in shown(what, 2):
        found = times(epoch)
        assert sum(n for name, n in found.items() if name.startswith("other")) == count
        assert {found[f"own{n}"] for n in range(OWN)} == {1}
        assert {found[f"other{n}"] for n in range(OTHER)} <= {count // OTHER, -(-count // OTHER)}


def test_no_capture_is_shut_out_and_none_comes_again_before_all_have_been_shown(folders) -> None:
    epochs = [times(epoch) for epoch in shown(reading(folders, "=0.3"), 10)]
    total = sum(epochs, Counter())
    assert {total[f"other{n}"] for n in range(OTHER)} == {3}  # 10 epochs of 12 are 3 of each 40
    assert not {*epochs[0]} & {*epochs[1]} & {f"other{n}" for n in range(OTHER)}


def test_a_mixed_epoch_follows_from_seed_and_number_alone(folders) -> None:
    what = reading(folders, "=1.5")
    epochs = shown(what, 3)
    assert shown(what, 3, first=2) == epochs[2:]
    assert shown(what, 1, seed=1)[0] != epochs[0]
    assert epochs[0] != epochs[1]


def test_captures_that_are_shown_again_show_their_other_pictures_too(folders) -> None:
    found = times([*{*shown(reading(folders, "=2"), 1)[0]}])
    both = sum(found[f"other{n}"] == 2 for n in range(OTHER))
    assert 8 < both < 32  # 20 on average


def test_datasets_are_mixed_evenly_over_an_epoch() -> None:
    assert evenly([2, 4]).tolist() == [1, 0, 1, 1, 0, 1]
    order = evenly([30, 3000])
    assert np.bincount(order).tolist() == [30, 3000]
    assert {(order[start : start + 101] == 0).sum() for start in range(0, 3030, 101)} == {1}


def test_the_validation_has_every_picture_of_each_whatever_it_weighs(folders) -> None:
    mixture = open_mixture((folders[0], f"{folders[1]}=0.3"))
    names = Label("who", ("own12", "own13", "other40", "other41", "other42"))
    what = Reading(mixture, mixture.matching("val*"), (names,), ImageSpec(16, 16), 4)
    assert (what.images, what.validation_steps) == (10, 3)
    batches = validation_batches(what).take(3).as_numpy_iterator()
    # What fills the last batch up counts for nothing.
    found: Counter[int] = Counter()
    for _, classes, weights in batches:
        found.update(int(one) for one in classes["who"][weights["who"] > 0])
    assert found == dict.fromkeys(range(5), 2)


# --- and balanced ---


def test_within_a_class_captures_come_as_often_as_their_dataset_weighs() -> None:
    of_class = np.array([0] * 20 + [1] * 10 + [0] * 20 + [MISSING] * 10)
    weight = np.array([1.0] * 30 + [0.25] * 30)
    found = Counter(drawn(of_class, weight, 400, seed=0, epoch=0).tolist())
    per_class = {
        name: sum(found[row] for row in rows)
        for name, rows in {"own": range(20), "b": range(20, 30), "other": range(30, 50)}.items()
    }
    assert sum(found[row] for row in range(50, 60)) == round(400 * 2.5 / 37.5)
    assert per_class["b"] in (186, 187)
    assert per_class["other"] / per_class["own"] == pytest.approx(0.25, abs=0.03)


def test_a_class_of_light_captures_alone_is_shown_as_often_as_any_other() -> None:
    of_class, weight = np.array([0] * 9 + [1]), np.array([1.0] * 9 + [0.01])
    found = Counter(drawn(of_class, weight, 20, seed=0, epoch=0).tolist())
    assert found[9] == 10


def test_balanced_batches_of_a_mixture_show_both(folders) -> None:
    what = reading(folders, "=0.5", sampled=Label("kind", ("a", "b")))
    (epoch,) = shown(what, 1)
    found = times(epoch)
    others = sum(n for name, n in found.items() if name.startswith("other"))
    assert len(epoch) == 32
    assert 18 <= others <= 22  # 20 of 32 by weight


# --- which, and how they are named ---


def test_a_thinned_dataset_keeps_its_turn_by_the_number_of_the_epoch() -> None:
    stored = Stored((), (), captures=10, shown=13)
    assert stored.whole == 1
    kept = [stored.kept(0, epoch) for epoch in range(10)]
    assert [one.sum() for one in kept] == [3] * 10
    assert np.sum(kept, axis=0).tolist() == [3] * 10


def test_weights_are_read_behind_the_last_equals_sign(folders, tmp_path: Path) -> None:
    odd = tmp_path / "place=north"
    odd.symlink_to(folders[0])
    mixture = open_mixture((str(odd), f"{folders[1]}=0.25"))
    assert [part.weight for part in mixture.parts] == [1.0, 0.25]
    assert mixture.parts[0].dataset.uri == str(odd)
    year = tmp_path / "year=2020"
    year.symlink_to(folders[0])
    (part,) = open_mixture((f"{year}=3",)).parts
    assert (part.dataset.uri, part.weight) == (str(year), 3.0)


@pytest.mark.parametrize("word", ["x=0", "x=-1", "x=nan", "x=inf", "x=2020", "=0.5"])
def test_a_weight_that_cannot_be_is_refused(word: str) -> None:
    with pytest.raises(BadInput) as refused:
        open_mixture((word,))
    assert str(refused.value) == (
        f"dataset: found '{word}'; allowed: PATH=NUMBER with a number above 0 and at most 100; "
        f"behind a path that ends so stands its weight: '{word}=1'"
    )


def test_the_same_dataset_twice_is_refused(folders) -> None:
    with pytest.raises(BadInput, match=r"are the same; .*=2 shows each of its captures twice"):
        open_mixture((folders[0], folders[1], f"{folders[0]}=0.5"))


def test_no_dataset_is_refused() -> None:
    with pytest.raises(BadInput, match="dataset: none is named"):
        open_mixture(())


def test_each_dataset_must_have_what_is_learnt_from(folders) -> None:
    mixture = open_mixture(folders)
    assert mixture.matching_in_each("train*") == ("train_1",)
    assert mixture.splits == {"train_1": 52, "val": 5}
    with pytest.raises(BadInput, match=r"no split of .*own\S* matches 'summer'; it has: train_1"):
        mixture.matching_in_each("summer")
    with pytest.raises(BadInput, match="matches 'summer'; they have: train_1, val"):
        mixture.matching("summer")
