"""Every figure against scikit-learn's, on random tables."""

import math

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from made_up_answers import known, predictions
from sklearn import metrics as sk

from ctc.evaluation.figures import class_scores, counted, guess, scores, tally
from ctc.evaluation.known import Known, known_answers
from ctc.labels import Label
from ctc.prediction.predictions import Prediction

Rows = list[Prediction]


def usable(rows: Rows) -> Rows:
    return [row for row in rows if row.truth is not None and row.prediction is not None]


def repeated(rows: Rows, times: list[int]) -> Rows:
    return [row for row, count in zip(usable(rows), times, strict=True) for _ in range(count)]


def of_sklearn(rows: Rows) -> dict[str, float]:
    """The figures of rows that all have a truth and a prediction."""
    truth, said = [str(row.truth) for row in rows], [str(row.prediction) for row in rows]
    occurring = sorted({*truth})
    learnt = list(rows[0].probabilities)
    classes = sorted({*learnt, *truth})
    shares = np.array([[row.probabilities.get(name, 0.0) for name in classes] for row in rows])
    over = {"labels": occurring, "zero_division": 0}
    least = float(np.finfo(np.float64).eps)
    clipped = [max(row.probabilities.get(str(row.truth), 0), least) for row in rows]
    figures = {
        "accuracy": sk.accuracy_score(truth, said),
        "balanced_accuracy": sk.recall_score(truth, said, average="macro", **over),
        "macro_f1": sk.f1_score(truth, said, average="macro", **over),
        "weighted_f1": sk.f1_score(truth, said, average="weighted", **over),
        "log_loss": sum(-math.log(one) for one in clipped) / len(rows),
        "accepted_share": np.mean([bool(row.accepted) for row in rows]),
    }
    if {*truth} <= {*learnt}:  # scikit-learn warns of classes that were never true
        assert figures["log_loss"] == pytest.approx(sk.log_loss(truth, shares, labels=classes))
    if len(learnt) > 3:
        figures["top3_accuracy"] = np.mean([_in_first_three(row) for row in rows])
        if {*truth} <= {*learnt}:
            numbers = [classes.index(name) for name in truth]
            theirs = sk.top_k_accuracy_score(numbers, shares, k=3, labels=range(len(classes)))
            assert figures["top3_accuracy"] == pytest.approx(theirs)
    accepted = [row for row in rows if row.accepted]
    if accepted:
        right = [row.truth == row.prediction for row in accepted]
        figures["accepted_accuracy"] = sum(right) / len(right)
    return {name: float(value) for name, value in figures.items()}


def _in_first_three(row: Prediction) -> bool:
    ranked = sorted(row.probabilities, key=row.probabilities.__getitem__, reverse=True)
    return row.truth in ranked[:3]


def defined(figures: dict[str, np.ndarray], place: int = 0) -> dict[str, float]:
    return {n: float(v[place]) for n, v in figures.items() if not np.isnan(v[place])}


def gathered(rows: Rows) -> Known:
    return known_answers("species", rows)


@settings(max_examples=60)
@given(predictions())
def test_every_figure_is_that_of_scikit_learn(rows: Rows) -> None:
    answers = gathered(rows)
    assert len(answers) == len(usable(rows))
    assert answers.failed == sum(r.truth is not None and r.prediction is None for r in rows)
    if len(answers):
        assert defined(scores(counted(tally(answers)))) == pytest.approx(of_sklearn(usable(rows)))


@given(predictions(), st.data())
def test_weights_are_how_often_a_capture_counts(rows: Rows, data: st.DataObject) -> None:
    answers = gathered(rows)
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(answers), max_size=len(answers)))
    some = repeated(rows, times)
    if not some:
        return
    weights = np.array([[1.0] * len(times), times])
    figures = defined(scores(counted(tally(answers), weights)), 1)
    assert figures == pytest.approx(of_sklearn(some))


@given(predictions(), st.data())
def test_sums_of_groups_add_up_to_those_of_their_captures(rows: Rows, data: st.DataObject) -> None:
    answers = gathered(rows)
    if not len(answers):
        return
    groups = [data.draw(st.integers(0, 2)) for _ in range(len(answers))]
    whole = tally(answers).grouped(np.array(groups), 3)
    figures = scores(counted(whole, np.eye(3)))
    for group in {*groups}:
        chosen = [row for row, of in zip(usable(rows), groups, strict=True) if of == group]
        assert defined(figures, group) == pytest.approx(of_sklearn(chosen))
    for empty in {0, 1, 2} - {*groups}:
        assert defined(figures, empty) == {}


@given(predictions())
def test_figures_of_a_class_are_those_of_scikit_learn(rows: Rows) -> None:
    answers, used = gathered(rows), usable(rows)
    if not used:
        return
    counts = counted(tally(answers))
    truth, said = [str(row.truth) for row in used], [str(row.prediction) for row in used]
    names = list(answers.classes)
    theirs = sk.precision_recall_fscore_support(truth, said, labels=names, zero_division=np.nan)
    mine = class_scores(counts)
    for name, values in zip(("precision", "recall", "f1"), theirs, strict=False):
        np.testing.assert_allclose(mine[name][0], values)
    np.testing.assert_array_equal(counts.support[0], theirs[3])


@given(predictions())
def test_guessing_scores_what_one_who_always_says_the_commonest_class_does(rows: Rows) -> None:
    answers, used = gathered(rows), usable(rows)
    if not used:
        return
    figures = defined(scores(counted(tally(guess(answers)))))
    truth = [str(row.truth) for row in used]
    shares = {name: truth.count(name) / len(truth) for name in sorted({*truth})}
    said = [max(shares, key=shares.__getitem__)] * len(truth)
    over = {"labels": list(shares), "zero_division": 0}
    assert figures["accuracy"] == pytest.approx(max(shares.values()))
    assert figures["macro_f1"] == pytest.approx(sk.f1_score(truth, said, average="macro", **over))
    assert figures["balanced_accuracy"] == pytest.approx(1 / len(shares))
    entropy = -sum(share * math.log(share) for share in shares.values())
    assert figures["log_loss"] == pytest.approx(entropy)
    if len(answers.classes) > 3:
        commonest = sorted(shares.values(), reverse=True)[:3]
        assert figures["top3_accuracy"] == pytest.approx(sum(commonest))
    assert "accepted_share" not in figures


def test_a_class_that_was_not_learnt_is_never_among_the_first_three() -> None:
    sure = np.eye(5)[[0, 0]]  # all other classes have the probability 0
    figures = scores(counted(tally(known(["ant", "yak"], sure))))
    assert figures["top3_accuracy"][0] == 0.5
    assert figures["log_loss"][0] == pytest.approx(52 * math.log(2) / 2)


def test_top_three_is_asked_of_labels_with_more_than_three_classes_alone() -> None:
    three = Label("count", ("1", "2", "3"))
    assert "top3_accuracy" not in scores(counted(tally(known(["1"], np.eye(3)[:1], three))))
    assert "top3_accuracy" in scores(counted(tally(known(["ant"], np.eye(5)[:1]))))


def test_a_label_of_which_every_capture_failed_has_no_figures() -> None:
    answers = gathered([Prediction("1", "species", None, None, {}, 0, "gone", "ant")])
    assert (len(answers), answers.failed, answers.classes) == (0, 1, ())
    assert defined(scores(counted(tally(answers)))) == {}


def test_the_random_tables_hold_what_is_hard() -> None:
    for is_hard in (
        lambda rows: any(r.truth is None and r.prediction for r in rows),
        lambda rows: any(r.truth and r.prediction is None for r in rows),
        lambda rows: any(r.truth == "yak" for r in usable(rows)),
        lambda rows: {r.prediction for r in usable(rows)} - {r.truth for r in usable(rows)},
    ):
        assert find(predictions(), is_hard)
