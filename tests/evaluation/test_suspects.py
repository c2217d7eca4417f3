import numpy as np
import pytest
from hypothesis import given
from made_up_answers import CLASSES, drawn, known, predictions

from ctc.evaluation.known import known_answers
from ctc.evaluation.suspects import COLUMNS, suspects, usual_confidence
from ctc.prediction.predictions import Prediction


@pytest.mark.parametrize("seed", range(5))
def test_labels_that_were_planted_wrong_are_among_the_first_suspects(seed: int) -> None:
    truth, shares = drawn(400, seed, signal=5)
    generator = np.random.default_rng(seed)
    planted = generator.choice(400, 20, replace=False)
    labels = list(truth)
    for number in planted:
        labels[number] = generator.choice([name for name in CLASSES if name != truth[number]])
    found = suspects(known(labels, shares))
    first = {*found["capture_id"].head(40)}
    assert len(first & {str(number) for number in planted}) >= 16
    likely = {*found[found["likely_label_error"]]["capture_id"]}
    assert len(likely & {str(number) for number in planted}) >= 10
    assert len(likely) <= 40


@given(predictions())
def test_every_wrong_answer_is_a_suspect_and_its_suspicion_what_it_says(
    rows: list[Prediction],
) -> None:
    known_rows = {r.capture_id: r for r in rows if r.truth is not None and r.prediction is not None}
    found = suspects(known_answers("species", rows))
    assert list(found.columns) == list(COLUMNS)
    wrong = {name for name, row in known_rows.items() if row.truth != row.prediction}
    assert {*found["capture_id"]} == wrong
    assert found["suspicion"].is_monotonic_decreasing

    def usual(name: str) -> float:
        of = [row.probabilities.get(name, 0.0) for row in known_rows.values() if row.truth == name]
        return sum(of) / len(of) if of else 0.0

    for suspect in found.to_dict("records"):
        row = known_rows[suspect["capture_id"]]
        truth, said = str(row.truth), str(row.prediction)
        expected = (row.probabilities[said] - usual(said)) - (
            row.probabilities.get(truth, 0.0) - usual(truth)
        )
        assert suspect["suspicion"] == pytest.approx(expected)
        assert (suspect["truth"], suspect["prediction"]) == (truth, said)
        assert suspect["confidence"] == row.confidence
        likely = (row.confidence or 0) >= usual(said) > 0 and truth in row.probabilities
        assert suspect["likely_label_error"] == likely


def test_a_class_that_is_always_answered_with_doubt_is_not_under_suspicion_for_that() -> None:
    sure, doubt = [0.9, 0.025, 0.025, 0.025, 0.025], [0.05, 0.45, 0.4, 0.05, 0.05]
    truth = ["ant"] * 10 + ["bee"] * 10 + ["cat"] + ["bee"]
    shares = np.array([sure] * 10 + [doubt] * 10 + [doubt] + [sure])
    found = suspects(known(truth, shares))
    assert found["truth"].tolist() == ["bee", "cat"]  # a sure answer before a doubtful one


def test_usual_is_the_mean_probability_of_a_class_of_its_captures() -> None:
    shares = np.array([[0.6, 0.4, 0, 0, 0], [0.2, 0.8, 0, 0, 0], [0.1, 0.9, 0, 0, 0]])
    usual = usual_confidence(known(["ant", "ant", "bee"], shares))
    assert usual.tolist() == pytest.approx([0.4, 0.9, 0, 0, 0])


def test_without_wrong_answers_there_is_no_suspect() -> None:
    found = suspects(known(["ant"], np.eye(5)[:1]))
    assert found.empty
    assert list(found.columns) == list(COLUMNS)
