"""Intervals against plain resampling, draw by draw, and against SciPy's."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_answers import drawn, known
from scipy import stats
from sklearn import metrics as sk

from ctc.evaluation import intervals
from ctc.evaluation.estimates import Estimate, class_table, estimates
from ctc.evaluation.figures import class_scores, scores, tally
from ctc.evaluation.intervals import Clusters, Resampling, clusters, interval
from ctc.evaluation.known import Known

DRAWS = Resampling(2000, seed=1)


def captures(count: int = 150, locations: list[str] | None = None) -> Known:
    truth, shares = drawn(count, seed=0)
    return known(truth, shares, locations=locations)


def width(figure: Estimate) -> float:
    assert figure.low is not None
    assert figure.high is not None
    return figure.high - figure.low


def test_the_interval_of_accuracy_is_that_of_scipy() -> None:
    answers = captures()
    ends = interval(tally(answers), clusters(answers), DRAWS, scores)["accuracy"]
    theirs = stats.bootstrap(
        (answers.right.astype(float),), np.mean, method="percentile", n_resamples=2000, rng=0
    ).confidence_interval
    assert ends == pytest.approx((theirs.low, theirs.high), abs=0.012)


def test_locations_are_drawn_as_a_whole() -> None:
    generator = np.random.default_rng(2)
    places = [f"place {number}" for number in generator.integers(0, 12, 150)]
    answers = captures(locations=places)
    groups = clusters(answers)
    assert (groups.unit, groups.count) == ("locations", 12)
    ends = interval(tally(answers), groups, DRAWS, scores)
    drawn_figures = []
    for _ in range(1000):
        chosen = generator.integers(0, 12, 12)
        rows = np.concatenate([np.flatnonzero(groups.of == one) for one in chosen])
        truth, said = answers.truth[rows], answers.said[rows]
        drawn_figures.append(
            [sk.accuracy_score(truth, said), sk.f1_score(truth, said, average="weighted")]
        )
    theirs = np.quantile(drawn_figures, [0.025, 0.975], axis=0)
    assert ends["accuracy"] == pytest.approx(theirs[:, 0], abs=0.015)
    assert ends["weighted_f1"] == pytest.approx(theirs[:, 1], abs=0.015)


def test_captures_that_stand_and_fall_together_make_the_interval_wider() -> None:
    places = [f"place {number % 15}" for number in range(300)]
    right = np.array([number % 15 < 9 for number in range(300)])
    shares = np.where(right[:, None], [[0.8, 0.2, 0, 0, 0]], [[0.2, 0.8, 0, 0, 0]])
    apart = estimates(known(["ant"] * 300, shares), DRAWS).of["accuracy"]
    together = estimates(known(["ant"] * 300, shares, locations=places), DRAWS).of["accuracy"]
    assert apart.value == together.value == 0.6
    assert width(together) > 3 * width(apart)


def test_few_locations_are_not_drawn_from() -> None:
    nine = captures(90, [f"place {number % 9}" for number in range(90)])
    ten = captures(90, [f"place {number % 10}" for number in range(90)])
    assert (clusters(nine).unit, clusters(nine).count) == ("captures", 90)
    assert (clusters(ten).unit, clusters(ten).count) == ("locations", 10)


def test_a_capture_of_an_unknown_location_stands_alone_and_pictures_of_one_together() -> None:
    answers = captures(24, [f"place {number % 12}" for number in range(24)])
    unknown = tuple({} if number < 5 else one for number, one in enumerate(answers.metadata))
    assert clusters(replace(answers, metadata=unknown)).count == 12 + 5
    pictures = replace(captures(6), capture_ids=("a", "a", "b", "b", "b", "c"))
    assert clusters(pictures).of.tolist() == [0, 0, 1, 1, 1, 2]


def test_the_same_seed_gives_the_same_interval_however_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = captures(40)
    first = estimates(answers, Resampling(300, seed=5))
    assert estimates(answers, Resampling(300, seed=5)) == first
    assert estimates(answers, Resampling(300, seed=6)) != first
    monkeypatch.setattr(intervals, "AT_ONCE", 40 * 7)
    assert estimates(answers, Resampling(300, seed=5)) == first


def test_without_draws_or_with_a_single_capture_there_is_no_interval() -> None:
    for answers, draws in ((captures(40), 0), (captures(1), 100)):
        figure = estimates(answers, Resampling(draws)).of["accuracy"]
        assert (figure.low, figure.high) == (None, None)


def test_a_rare_class_is_judged_by_the_resamples_that_have_it() -> None:
    truth = ["ant"] * 29 + ["bee"]
    shares = np.array([[0.9, 0.1, 0, 0, 0]] * 29 + [[0.1, 0.9, 0, 0, 0]])
    answers = known(truth, shares)
    low, high = interval(tally(answers), clusters(answers), DRAWS, class_scores)["recall"]
    assert low[1] == high[1] == 1.0  # missing from a third of the resamples, never missed
    assert np.isnan(low[2])  # a class that never occurs
    table = class_table(answers, DRAWS).set_index("class")
    assert list(table.index) == ["ant", "bee"]
    assert table.loc["bee", ["recall", "recall_low", "support"]].tolist() == [1.0, 1.0, 1]


def test_an_interval_holds_its_figure() -> None:
    for figure in estimates(captures(), DRAWS).of.values():
        assert width(figure) > 0
        assert (figure.low or 0) < figure.value < (figure.high or 0)


def test_one_cluster_has_nothing_to_be_drawn_from() -> None:
    answers = captures(5)
    one = Clusters("locations", np.zeros(5, np.int64), 1)
    assert interval(tally(answers), one, DRAWS, scores) == {}
