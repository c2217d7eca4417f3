import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from made_up_answers import CLASSES, SPECIES, answer, answers, drawn, known, predictions
from sklearn.calibration import calibration_curve

from ctc.evaluation.calibration import (
    BINS,
    COLDEST,
    at_temperature,
    calibration_error,
    fit_temperature,
    reliability,
)  # fmt: skip
from ctc.evaluation.known import known_answers
from ctc.prediction.answers import capture_row
from ctc.prediction.predictions import Prediction


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_made_the_classifier_too_sure(sharpness: float) -> None:
    truth, shares = drawn(3000, 0, sharpness)
    assert fit_temperature(known(truth, shares)) == pytest.approx(sharpness, rel=0.08)


def test_the_temperature_is_that_of_a_search_through_all() -> None:
    truth, shares = drawn(60, 3, sharpness=2.0)
    grid = np.exp(np.linspace(math.log(0.05), math.log(20), 4001))
    of_truth = np.array([CLASSES.index(name) for name in truth])
    losses = []
    for temperature in grid:
        powers = shares ** (1 / temperature)
        logs = np.log(powers / powers.sum(axis=1, keepdims=True))
        target = np.full(shares.shape, 1 / 61 / 5)  # one capture more, whose truth is open
        target[np.arange(60), of_truth] += 60 / 61
        losses.append(-(target * logs).sum(axis=1).mean())
    best = grid[int(np.argmin(losses))]
    assert fit_temperature(known(truth, shares)) == pytest.approx(best, rel=0.003)


@pytest.mark.parametrize("captures", [1, 10, 200])
def test_a_split_without_an_error_does_not_ask_for_certainty(captures: int) -> None:
    shares = np.array([[0.8, 0.05, 0.05, 0.05, 0.05]] * captures)
    temperature = fit_temperature(known(["ant"] * captures, shares))
    assert temperature is not None
    assert temperature > COLDEST * 1.5
    sure = known_answers("species", _rows(["ant"] * captures, shares, temperature)).confidence[0]
    # One capture more whose truth is open: a fifth of it is right.
    assert sure == pytest.approx((captures + 0.2) / (captures + 1), abs=0.002)


def _rows(truth: list[str], shares: np.ndarray, temperature: float) -> list[Prediction]:
    said = answers(truth, shares)
    return [capture_row(at_temperature(one, "species", temperature), SPECIES) for one in said]


def test_the_order_of_classes_and_answers_stay_what_they_are() -> None:
    truth, shares = drawn(50, 4)
    before, after = known(truth, shares), known_answers("species", _rows(truth, shares, 3.0))
    np.testing.assert_array_equal(before.said, after.said)
    assert (after.confidence < before.confidence).all()


def test_a_temperature_fitted_on_one_part_lowers_the_error_on_another() -> None:
    truth, shares = drawn(1500, 5, sharpness=2.5)
    validation = known(truth[:500], shares[:500])
    temperature = fit_temperature(validation)
    assert temperature is not None
    before = calibration_error(known(truth[500:], shares[500:]))
    rows = _rows(truth[500:], shares[500:], temperature)
    after = calibration_error(known_answers("species", rows))
    assert before is not None
    assert after is not None
    assert before > 0.08
    assert after < before / 2


def test_captures_of_classes_that_were_not_learnt_do_not_count() -> None:
    truth, shares = drawn(100, 6)
    alone = fit_temperature(known(truth, shares))
    with_yaks = known([*truth, "yak", "yak"], np.vstack([shares, shares[:2]]))
    assert fit_temperature(with_yaks) == pytest.approx(alone)
    assert fit_temperature(known(["yak"], shares[:1])) is None
    assert fit_temperature(known([None], shares[:1])) is None


def test_a_temperature_can_be_undone_and_acts_on_every_picture() -> None:
    _, shares = drawn(3, 7)
    said = answer("a", "ant", shares.tolist())
    warm = at_temperature(said, "species", 2.0)
    np.testing.assert_allclose(
        warm.probabilities["species"],
        (shares**0.5) / (shares**0.5).sum(axis=1, keepdims=True),
    )
    back = at_temperature(warm, "species", 0.5)
    np.testing.assert_allclose(back.probabilities["species"], shares)
    assert replace(warm, probabilities={}) == replace(said, probabilities={})


@given(predictions())
def test_the_calibration_error_is_what_its_definition_says(rows: list[Prediction]) -> None:
    said = known_answers("species", rows)
    if not len(said):
        assert calibration_error(said) is None
        return
    bins: dict[int, list[tuple[float, bool]]] = {}
    borders = [*np.linspace(0, 1, BINS + 1)[1:-1], 2.0]
    for confidence, right in zip(said.confidence, said.right, strict=True):
        place = next(n for n, high in enumerate(borders) if confidence <= high)
        bins.setdefault(place, []).append((float(confidence), bool(right)))
    total = 0.0
    for held in bins.values():
        sure = sum(confidence for confidence, _ in held) / len(held)
        total += len(held) * abs(sure - sum(right for _, right in held) / len(held))
    assert calibration_error(said) == pytest.approx(total / len(said))
    table = reliability(said)
    assert table["captures"].sum() == len(said)
    assert ((table["low"] <= table["confidence"]) & (table["confidence"] <= table["high"])).all()


def test_the_table_of_bins_is_that_of_scikit_learn() -> None:
    truth, shares = drawn(400, 8)
    said = known(truth, shares)
    right, sure = calibration_curve(said.right, said.confidence, n_bins=BINS)
    table = reliability(said)
    assert table["accuracy"].tolist() == pytest.approx(right.tolist())
    assert table["confidence"].tolist() == pytest.approx(sure.tolist())
