"""Two classifiers as one: its labels, its folder, and what cannot be one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_cascade import EMPTY, MADE_OF, SIDE, says_empty, says_side

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.period import Period
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.cascade import Cascade, Gate, cascade_of, gate_label
from ctc.model.classifier import ABOUT, Classifier, read_description
from ctc.model.parents import open_parent
from ctc.model.seen import Seen

SMALL, WIDE = ImageSpec(16, 16, "pad"), ImageSpec(24, 32, "crop")
GATE = Gate("empty", ("empty",), 0.2, 0.95, "mean")
FITTED = Calibration(("d3",), ("val",), "mean", 0.9, {}, {"side": 0.8})


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    whole = cascade_of(says_empty(SMALL), says_side(WIDE), GATE, MADE_OF)
    return replace(whole, calibration=FITTED)


@pytest.fixture
def saved(cascade: Cascade, tmp_path: Path) -> Path:
    cascade.save(tmp_path / "cascade")
    return tmp_path / "cascade"


def test_it_answers_the_labels_of_both_and_the_second_has_a_class_for_nothing(
    cascade: Cascade,
) -> None:
    assert cascade.labels == (EMPTY, Label("side", ("left", "right", "empty")))
    assert cascade.added == cascade.labels[1:]
    assert cascade.label == EMPTY
    assert cascade.nothing(cascade.added[0]) == "empty"


def test_a_class_for_nothing_that_the_second_has_is_kept() -> None:
    own = Label("side", ("left", "Blank"))
    second = replace(says_side(WIDE), labels=(own,))
    whole = cascade_of(says_empty(SMALL), second, GATE, MADE_OF)
    assert whole.added == (own,)
    assert whole.nothing(own) == "Blank"


def test_of_a_label_that_both_answer_the_first_is_asked() -> None:
    second = replace(says_side(WIDE), labels=(EMPTY, SIDE))
    whole = cascade_of(says_empty(SMALL), second, GATE, MADE_OF)
    assert [label.name for label in whole.labels] == ["empty", "side"]
    assert whole.labels[0].classes == ("empty", "species")


def test_it_comes_from_all_that_both_have_learnt_from() -> None:
    first, second = says_empty(SMALL), says_side(WIDE)
    dated = replace(first.origin, period=Period("2019-01-01", "2019-02-01"))
    later = replace(second.origin, period=Period("2020-01-01", "2020-02-01"))
    whole = cascade_of(
        replace(first, origin=dated), replace(second, origin=later), GATE, MADE_OF
    ).origin
    assert whole.model == "cascade of tiny and ResNet18"
    assert whole.datasets == ("d1", "d2")
    assert whole.splits == ("train",)
    assert whole.locations == ("x", "y")
    assert whole.period == Period("2019-01-01", "2020-02-01")


def test_it_has_seen_what_both_have_seen() -> None:
    first, second = says_empty(SMALL), says_side(WIDE)
    seen = Seen({"empty": {"empty": 7, "species": 3}}, 12, (1.0,) * 9)
    other = Seen({"side": {"left": 2, "right": 1}}, 3, (2.0,) * 9)
    assert cascade_of(first, second, GATE, MADE_OF).origin.seen is None
    first = replace(first, origin=replace(first.origin, seen=seen))
    second = replace(second, origin=replace(second.origin, seen=other))
    whole = cascade_of(first, second, GATE, MADE_OF).origin.seen
    assert whole == Seen(
        {"empty": {"empty": 7, "species": 3}, "side": {"left": 2, "right": 1, "empty": 7}},
        12,
        seen.deciles,
    )


def test_it_is_loaded_by_the_door_of_every_classifier(cascade: Cascade, saved: Path) -> None:
    loaded = Classifier.load(saved)
    assert isinstance(loaded, Cascade)
    assert loaded.labels == cascade.labels
    assert (loaded.gate, loaded.made_of) == (GATE, MADE_OF)
    assert (loaded.first.image, loaded.second.image) == (SMALL, WIDE)
    assert loaded.calibration == FITTED
    assert loaded.origin == cascade.origin
    about = read_description(saved)
    assert (about.labels, about.calibration) == (cascade.labels, FITTED)
    cascade.save(saved)  # a former one is replaced
    assert sorted(path.name for path in saved.iterdir()) == [ABOUT, "first", "second"]


@pytest.mark.parametrize("lost", ["first", "second"])
def test_one_that_lacks_a_part_is_refused(saved: Path, lost: str) -> None:
    (saved / lost / ABOUT).unlink()
    with pytest.raises(BadInput, match=f"no classifier at '{saved}/{lost}'"):
        Classifier.load(saved)


def test_a_description_that_is_none_is_refused(saved: Path) -> None:
    about = json.loads((saved / ABOUT).read_text())
    del about["cascade"]["gate"]["threshold"]
    (saved / ABOUT).write_text(json.dumps(about))
    with pytest.raises(BadInput, match=f"'{saved}' does not describe a cascade"):
        Classifier.load(saved)


def test_it_is_no_parent(saved: Path) -> None:
    found = "parent: found a cascade of two models; allowed: one of them, 'models:/empty@champion'"
    with pytest.raises(BadInput, match=found):
        open_parent(saved, MADE_OF[0])


def test_models_that_make_no_cascade_are_refused(cascade: Cascade) -> None:
    first, second = says_empty(SMALL), says_side(WIDE)
    assert gate_label(first, second) == EMPTY
    named = replace(first, labels=(replace(EMPTY, name="species"),))
    assert gate_label(named, second).name == "species"
    stacked = replace(second, image=replace(WIDE, stacked=True))
    for one, other, why in (
        (second, first, "empty: the model answers side, none of which says that there is nothing"),
        (first, first, "species: the model answers empty, and so does that of `empty`"),
        (cascade, second, "empty: found a cascade"),
        (first, cascade, "species: found a cascade"),
        (first, stacked, "species: one of the two models sees stacks"),
    ):
        with pytest.raises(BadInput, match=why):
            gate_label(one, other)
