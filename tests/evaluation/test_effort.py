from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_answers import drawn, known, predictions

from ctc.evaluation.effort import (
    MOST_POINTS,
    ROUNDING,
    accepted_confidence,
    effort_curve,
    empty_figures,
    empty_filter,
)  # fmt: skip
from ctc.evaluation.known import Known, known_answers
from ctc.labels import Label
from ctc.prediction.predictions import Prediction, Predictions

EMPTY = Label("empty", ("animal", "Blank"))


def accepted(said: Known, confidence: float) -> np.ndarray:
    return said.right[said.confidence >= confidence]


@given(predictions())
def test_the_curve_says_what_comes_of_each_confidence(rows: list[Prediction]) -> None:
    said = known_answers("species", rows)
    curve = effort_curve(said)
    assert curve["confidence"].tolist() == sorted({*said.confidence.tolist()}, reverse=True)
    for row in curve.to_dict("records"):
        right = accepted(said, row["confidence"])
        assert (row["captures"], row["errors"]) == (len(right), (~right).sum())
        assert row["share"] == pytest.approx(len(right) / len(said))
        assert row["accuracy"] == pytest.approx(right.mean())


def test_a_long_curve_is_thinned_and_ends_with_all() -> None:
    truth, shares = drawn(1000, 0)
    curve = effort_curve(known(truth, shares))
    assert len(curve) == MOST_POINTS
    assert curve["captures"].iloc[[0, -1]].tolist() == [1, 1000]


@given(predictions(), st.sampled_from([0.5, 0.6, 0.75, 0.9]))
def test_the_confidence_is_the_lowest_that_reaches_the_target(
    rows: list[Prediction], target: float
) -> None:
    said = known_answers("species", rows)

    def reaches(confidence: float) -> bool:
        right = accepted(said, confidence)
        return (~right).sum() + 1 <= (1 - target) * (len(right) + 1) + 1e-9

    possible = [one for one in {*said.confidence.tolist()} if reaches(one)]
    found = accepted_confidence(said, target)
    if not possible:
        assert found is None
        return
    assert found is not None
    assert min(possible) - ROUNDING <= found < min(possible)
    assert reaches(found)


@pytest.mark.parametrize(("captures", "found"), [(48, False), (49, True)])
def test_a_few_lucky_captures_make_no_threshold(captures: int, found: bool) -> None:
    shares = np.array([[0.9, 0.1, 0, 0, 0]] * captures)
    assert (accepted_confidence(known(["ant"] * captures, shares), 0.98) is not None) == found


def test_a_target_of_everything_right_is_never_reached() -> None:
    shares = np.array([[0.9, 0.1, 0, 0, 0]] * 500)
    assert accepted_confidence(known(["ant"] * 500, shares), 1.0) is None


# --- empty captures ---


def empties(truth: list[str], empty: list[float], label: Label = EMPTY) -> Known:
    return known(truth, np.array([[1 - one, one] for one in empty]), label)


def test_the_filter_says_what_is_removed_and_lost_from_each_probability_on() -> None:
    truth = ["Blank", "animal", "Blank", "animal", "Blank"]
    table = empty_filter(empties(truth, [0.9, 0.8, 0.7, 0.2, 0.1]))
    assert table is not None
    for row in table.to_dict("records"):
        removed = np.array([0.9, 0.8, 0.7, 0.2, 0.1]) >= row["threshold"] - 1e-12
        is_empty = np.array(truth) == "Blank"
        assert row["removed"] == pytest.approx(removed[is_empty].mean())
        assert row["lost"] == pytest.approx(removed[~is_empty].mean())
    assert table["threshold"].tolist()[0] == pytest.approx(0.9)


def test_what_is_answered_to_be_empty_and_accepted_is_removed() -> None:
    said = empties(["Blank", "Blank", "animal", "animal"], [0.9, 0.6, 0.7, 0.1])
    assert empty_figures(said) == {"empty_removed": 1.0, "animals_lost": 0.5}
    sure = replace(said, accepted=said.confidence > 0.8)
    assert empty_figures(sure) == {"empty_removed": 0.5, "animals_lost": 0.0}


def test_labels_that_do_not_say_whether_a_capture_is_empty_have_no_filter() -> None:
    moving = Label("moving", ("none", "yes"))
    assert empty_filter(empties(["none", "yes"], [0.1, 0.9], moving)) is None
    assert empty_figures(empties(["none", "yes"], [0.1, 0.9], moving)) == {}
    only = empties(["animal", "animal"], [0.1, 0.9])
    assert (empty_filter(only), empty_figures(only)) == (None, {})
    nothing = known_answers("empty", Predictions(()).rows)
    assert (empty_filter(nothing), empty_figures(nothing)) == (None, {})


def test_a_species_that_is_nothing_counts_as_empty() -> None:
    species = Label("species", ("lion", "none"))
    assert empty_figures(empties(["none", "lion"], [0.9, 0.1], species))["empty_removed"] == 1.0
