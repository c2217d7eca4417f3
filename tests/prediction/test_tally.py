"""What a run of predictions logs: counts, sheets, and how far the pictures are from training."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_up_answers import answer
from made_up_dataset import encoded

from ctc.dataset.manifest import Dataset
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.classifier import read_description
from ctc.model.seen import Seen
from ctc.params import PredictParams
from ctc.prediction.answers import Answer, capture_row
from ctc.prediction.looks.drift import Drift, drift_table, drifts, tenth, warnings
from ctc.prediction.looks.sheets import sheets_of
from ctc.prediction.looks.tally import SHOWN, Tally
from ctc.prediction.photos.sources import captures_of

SPECIES = Label("species", ("human", "lion", "zebra"))
EMPTY = Label("empty", ("empty", "species"))
DECILES = tuple(float(10 * n) for n in range(1, 10))
SEEN = Seen({"species": {"human": 10, "lion": 300, "zebra": 90}}, 256, DECILES)
SURE_FROM = Calibration(("d",), ("val",), "mean", 0.98, {}, {"species": 0.7})


def counted(answers: list[Answer], tally: Tally, calibration: Calibration | None = None) -> Tally:
    for one in answers:
        rows = {name: capture_row(one, label, calibration=calibration)
                for name, label in {x.name: x for x in tally.labels}.items()}  # fmt: skip
        tally.add(one, rows)
    return tally


def said(name: object, *shares: float) -> Answer:
    return answer(name, None, [shares], SPECIES)


def test_captures_pictures_and_failures_are_counted() -> None:
    broken = answer("broken", None, [], SPECIES)
    nothing = dataclasses.replace(broken, capture_id="none", images=(), faults=())
    half = dataclasses.replace(
        said("half", 0.1, 0.8, 0.1), images=("1", "2", "3"), faults=("gone", None, "empty file")
    )
    tally = counted([said("a", 0.1, 0.6, 0.3), broken, half, nothing], Tally((SPECIES,)), SURE_FROM)
    assert tally.metrics == {
        "captures": 4, "failed": 2, "pictures": 5, "pictures_failed": 3,
        "species/accepted_share": 0.5,
    }  # fmt: skip
    assert tally.failure_table().to_numpy().tolist() == [
        ["gone", 2], ["empty file", 1], ["no picture", 1],
    ]  # fmt: skip
    assert tally.class_table().to_numpy().tolist() == [["species", "lion", 2, 1]]
    undecided = counted([said("a", 0.1, 0.6, 0.3)], Tally((SPECIES,)))
    assert list(undecided.metrics) == ["captures", "failed", "pictures", "pictures_failed"]
    assert list(undecided.class_table().columns) == ["label", "class", "captures"]


# --- drift ---


def test_the_index_is_that_of_the_formula() -> None:
    one = Drift("species", ("a", "b"), (300, 100), (50, 50))
    was = np.array([300.5, 100.5]) / 401
    now = np.array([0.5, 0.5])
    assert one.index == pytest.approx(((now - was) * np.log(now / was)).sum())
    assert Drift("species", ("a", "b"), (300, 100), (75, 25)).index == pytest.approx(0, abs=1e-3)
    assert Drift("species", ("a", "b"), (0, 0), (75, 25)).index == 0


def test_a_large_drift_is_one_that_chance_does_not_make() -> None:
    names, before = ("a", "b"), (500, 500)
    many = Drift("species", names, before, (900, 100))
    few = Drift("species", names, before, (3, 1))
    assert few.index > 0.1
    assert (many.is_large, few.is_large) == (True, False)
    assert not Drift("species", names, before, (450, 550)).is_large
    (warning,) = warnings([many, few])
    assert warning.startswith("the classes of 'species' come in other shares")
    assert "a 90% (in training 50%)" in warning


def test_classes_and_brightness_are_compared_with_training() -> None:
    bright = [dataclasses.replace(said(n, 0, 0, 1), brightness=(200.0,)) for n in range(40)]
    classes, brightness = counted(bright, Tally((SPECIES,), SEEN)).drifts
    assert (classes.of, classes.now) == ("species", (0, 0, 40))
    assert (brightness.of, brightness.now) == ("brightness", (0,) * 9 + (40,))
    assert [text.split(" (")[0] for text in warnings([brightness])] == [
        "the pictures are brighter than those that were learnt from"
    ]
    dark = dataclasses.replace(brightness, now=(40,) + (0,) * 9)
    both = dataclasses.replace(brightness, now=(20,) + (0,) * 8 + (20,))
    assert "are darker than" in next(warnings([dark]))
    assert "are darker and brighter than" in next(warnings([both]))
    even = dataclasses.replace(brightness, now=(4,) * 10)
    assert list(warnings([even])) == []
    table = drift_table((classes, brightness))
    assert table["share_now"].sum() == pytest.approx(2)
    assert table["share_in_training"].sum() == pytest.approx(2)
    assert [tenth(value, SEEN) for value in (0, 10.5, 255)] == [0, 1, 9]


def test_nothing_is_said_of_a_classifier_that_does_not_know_what_it_has_seen() -> None:
    assert counted([said("a", 0.1, 0.6, 0.3)], Tally((SPECIES,))).drifts == ()
    assert drifts(Seen({}, 0, ()), {"species": {"lion": 1}}, [1], {}) == ()


def test_a_class_that_cannot_be_there_is_no_drift() -> None:
    shares = [(0, 1, 0)] * 77 + [(0, 0, 1)] * 23
    answers = [said(n, *share) for n, share in enumerate(shares)]
    limited = Tally((SPECIES,), SEEN, allowed={"species": ("lion", "zebra")})
    (classes, _) = counted(answers, limited).drifts
    assert (classes.names, classes.before) == (("lion", "zebra"), (300, 90))
    assert classes.index == pytest.approx(0, abs=1e-4)


def test_of_empty_captures_no_species_is_counted() -> None:
    shares = {"species": np.array([[0.1, 0.8, 0.1]]), "empty": np.array([[0.9, 0.1]])}
    one = dataclasses.replace(said("a", 0.1, 0.8, 0.1), probabilities=shares)
    other = dataclasses.replace(one, probabilities={**shares, "empty": np.array([[0.2, 0.8]])})
    tally = counted([one, other, other], Tally((SPECIES, EMPTY), SEEN))
    assert {label: dict(found) for label, found in tally.tops.items()} == {
        "species": {"lion": 2}, "empty": {"empty": 1, "species": 2},
    }  # fmt: skip
    assert [len(tally.surest[label]) for label in ("species", "empty")] == [2, 3]


def test_a_classifier_keeps_what_it_has_seen(
    small_classifier: Path, small_dataset: Dataset
) -> None:
    seen = read_description(small_classifier).origin.seen
    assert seen is not None
    assert seen.classes["species"] == small_dataset.labels["species"]["train"]
    assert seen.pictures == small_dataset.splits["train"]
    assert len(seen.deciles) == 9
    assert sorted(seen.deciles) == list(seen.deciles)


# --- sheets ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(16):
        data = encoded(np.full((12, 16, 3), 10 * number, np.uint8), "JPEG")
        (tmp_path / f"{number:02d}.jpg").write_bytes(data)
    return tmp_path


def of_file(number: int, *shares: float) -> Answer:
    name = f"{number:02d}.jpg"
    return dataclasses.replace(said(name, *shares), images=(name,))


def test_sheets_show_the_surest_and_the_least_sure(folder: Path) -> None:
    answers = [of_file(n, 0, 0.6 + n / 100, 0.4 - n / 100) for n in range(16)]
    tally = counted(answers, Tally((SPECIES,)))
    surest = [one.image for one in sorted(tally.surest["species"], reverse=True)]
    least = [one.image for one in sorted(tally.least_sure["species"], reverse=True)]
    assert surest == [f"{n:02d}.jpg" for n in range(15, 15 - SHOWN, -1)]
    assert least == [f"{n:02d}.jpg" for n in range(SHOWN)]
    (folder / "15.jpg").unlink()
    sheets = sheets_of(tally, captures_of(PredictParams(images=str(folder))))
    assert list(sheets) == ["species/surest", "species/least_sure"]
    assert sheets["species/surest"].size == sheets["species/least_sure"].size


def test_of_a_capture_the_picture_that_says_most_is_shown(folder: Path) -> None:
    one = answer("a", None, [(0.3, 0.3, 0.4), (0.1, 0.1, 0.8), (0.1, 0.2, 0.7)], SPECIES)
    one = dataclasses.replace(one, images=("x", "00.jpg", "01.jpg", "02.jpg"))
    one = dataclasses.replace(one, faults=("gone", None, None, None))
    (shown,) = counted([one], Tally((SPECIES,))).surest["species"]
    assert shown.image == "01.jpg"


def test_private_classes_are_not_shown_nor_what_may_be_one(folder: Path) -> None:
    answers = [of_file(0, 0.9, 0.1, 0), of_file(1, 0.11, 0.8, 0.09), of_file(2, 0.09, 0.8, 0.11)]
    tally = counted(answers, Tally((SPECIES,), private=("human",)))
    assert [one.image for one in tally.surest["species"]] == ["02.jpg"]
    everybody = counted(answers, Tally((SPECIES,)))
    assert len(everybody.surest["species"]) == 3
    none = counted(answers[:2], Tally((SPECIES,), private=("human",)))
    assert sheets_of(none, captures_of(PredictParams(images=str(folder)))) == {}
