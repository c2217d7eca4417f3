import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_answers import CLASSES, SPECIES, answer, answers, drawn, known, predictions
from scipy import stats
from sklearn import metrics as sk

from ctc.evaluation.evaluation import Setting, evaluate
from ctc.evaluation.figures import counted, scores, tally
from ctc.evaluation.groups import DIFFERENCE, by_column, seen_and_unseen
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.known import Known, known_answers
from ctc.prediction.answers import capture_row
from ctc.prediction.predictions import Prediction


def surveyed(seasons: list[str | None]) -> Known:
    truth, shares = drawn(len(seasons), seed=1)
    rows = [
        capture_row(answer(n, one, [row], **({"season": season} if season else {})), SPECIES)
        for n, (one, row, season) in enumerate(zip(truth, shares, seasons, strict=True))
    ]
    return known_answers("species", rows)


def wilson(hits: int, captures: int) -> tuple[float, float]:
    """Wilson 1927, doi 10.1080/01621459.1927.10502953, at 95 %."""
    z, share = 1.959963984540054, hits / captures
    middle = (share + z**2 / (2 * captures)) / (1 + z**2 / captures)
    spread = math.sqrt(share * (1 - share) / captures + z**2 / (4 * captures**2))
    return middle - spread * z / (1 + z**2 / captures), middle + spread * z / (1 + z**2 / captures)


def test_each_value_has_the_figures_of_its_captures() -> None:
    seasons = ["wet" if n % 3 else "dry" for n in range(60)] + [None] * 10
    said = surveyed(seasons)
    table = by_column(said, "season", ())
    assert {*table["value"]} == {"wet", "dry"}
    assert table["accuracy"].is_monotonic_increasing
    for row in table.to_dict("records"):
        chosen = said.at(np.array([one == row["value"] for one in seasons]))
        assert row["captures"] == len(chosen)
        alone = scores(counted(tally(chosen)))
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "log_loss"):
            assert row[name] == pytest.approx(alone[name][0])
        ends = wilson(int(chosen.right.sum()), len(chosen))
        assert (row["low"], row["high"]) == pytest.approx(ends)
        assert row["majority_accuracy"] == pytest.approx(
            np.bincount(chosen.truth).max() / len(chosen)
        )
    assert "learnt_from" not in table


def test_what_is_known_of_no_capture_has_no_row() -> None:
    assert by_column(surveyed(["wet"] * 3), "altitude", ()).empty
    assert len(by_column(surveyed(["wet"] * 3), "season", ())) == 1


def planted() -> Known:
    """Three locations that were learnt from and one that is answered at random."""
    truth, shares = drawn(400, seed=2, sharpness=1, signal=6)
    places = ["new" if n % 4 == 0 else f"old {n % 4}" for n in range(400)]
    generator = np.random.default_rng(0)
    for number in range(0, 400, 4):
        shares[number] = generator.dirichlet([0.3] * len(CLASSES))
    return known(truth, shares, locations=places)


OLD = frozenset({"old 1", "old 2", "old 3", "elsewhere"})


def test_an_unseen_location_that_was_planted_shows_a_lower_figure() -> None:
    table = seen_and_unseen(planted(), OLD, Resampling(500)).set_index("locations")
    assert list(table.index) == ["seen", "unseen", "seen_minus_unseen"]
    assert table["number"].tolist() == [3, 1, 4]
    assert table["captures"].tolist() == [300, 100, 400]
    assert table.loc["seen_minus_unseen", "accuracy_low"] > 0
    assert table.loc["seen_minus_unseen", "log_loss_high"] < 0
    assert table.loc["unseen", "accuracy_high"] < table.loc["seen", "accuracy_low"]
    assert table.loc["unseen", "log_loss_low"] > table.loc["seen", "log_loss_high"]


def test_each_side_has_the_figures_of_its_captures() -> None:
    said = planted()
    table = seen_and_unseen(said, OLD, Resampling(0)).set_index("locations")
    for side, is_seen in (("seen", True), ("unseen", False)):
        chosen = said.at(np.array([(place in OLD) is is_seen for place in said.locations]))
        assert table.loc[side, "accuracy"] == pytest.approx(chosen.right.mean())
        majority = np.bincount(chosen.truth).max() / len(chosen)
        assert table.loc[side, "majority_accuracy"] == pytest.approx(majority)


@given(predictions(), st.sets(st.sampled_from("ABCDEFGHIJKL")))
def test_the_difference_is_that_of_what_scikit_learn_finds(
    rows: list[Prediction], learnt_from: set[str]
) -> None:
    said = known_answers("species", rows)
    table = seen_and_unseen(said, learnt_from, Resampling(0))
    there = [row for row in rows if row.truth is not None and row.prediction and row.location]
    sides = [
        [row for row in there if (row.location in learnt_from) is is_seen]
        for is_seen in (True, False)
    ]
    assert len(table) == 3 if all(sides) else len(table) == sum(map(bool, sides))
    if not all(sides):
        return
    found = table.set_index("locations").loc[DIFFERENCE]
    theirs = [sk_figures(side) for side in sides]
    for name, seen in theirs[0].items():
        assert found[name] == pytest.approx(seen - theirs[1][name]), name
    assert found["captures"] == len(sides[0]) + len(sides[1])


def sk_figures(rows: list[Prediction]) -> dict[str, float]:
    truth, said = [row.truth for row in rows], [row.prediction for row in rows]
    occurring = sorted({*truth})
    how = {"labels": occurring, "zero_division": 0}
    return {
        "accuracy": sk.accuracy_score(truth, said),
        "balanced_accuracy": sk.recall_score(truth, said, average="macro", **how),
        "macro_f1": sk.f1_score(truth, said, average="macro", **how),
        "weighted_f1": sk.f1_score(truth, said, average="weighted", **how),
        "majority_accuracy": max(truth.count(name) for name in occurring) / len(truth),
    }


def test_the_interval_of_the_difference_is_that_of_scipy() -> None:
    said = planted()
    found = seen_and_unseen(said, OLD, Resampling(4000)).set_index("locations").loc[DIFFERENCE]
    is_seen = np.array([place in OLD for place in said.locations])
    theirs = stats.bootstrap(
        (said.right[is_seen].astype(float), said.right[~is_seen].astype(float)),
        lambda seen, unseen, axis: seen.mean(axis=axis) - unseen.mean(axis=axis),
        method="percentile",
        n_resamples=4000,
        rng=0,
    ).confidence_interval
    assert found["resampled"] == "captures"
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx(
        (theirs.low, theirs.high), abs=0.012
    )


def test_each_side_of_the_difference_is_drawn_on_its_own() -> None:
    """Twelve locations on either side, with the same answers: drawn together, they would differ
    by nothing."""
    truth, shares = drawn(120, seed=4)
    places = [f"{side} {n % 12}" for side in ("old", "new") for n in range(120)]
    said = known(truth * 2, np.concatenate([shares, shares]), locations=places)
    table = seen_and_unseen(said, [f"old {n}" for n in range(12)], Resampling(4000))
    found = table.set_index("locations")
    assert found.loc[DIFFERENCE, "accuracy"] == 0
    assert found.loc[DIFFERENCE, "resampled"] == "locations"
    spread = {one: row["log_loss_high"] - row["log_loss_low"] for one, row in found.iterrows()}
    # Of independent figures the variances add up.
    assert spread[DIFFERENCE] == pytest.approx(np.hypot(spread["seen"], spread["unseen"]), rel=0.06)


def test_the_metrics_have_both_sides_and_their_difference_where_there_are_both() -> None:
    truth, shares = drawn(40, seed=5)
    places = [f"place {n % 2}" for n in range(40)]
    said = answers(truth, shares, SPECIES, places)
    setting = Setting("test", learnt_from=frozenset({"place 0"}), resampling=Resampling(0))
    evaluation = evaluate(said, (SPECIES,), setting)
    metrics = evaluation.metrics
    for name in ("accuracy", "macro_f1"):
        seen, unseen = (metrics[f"test/species/{side}_{name}"] for side in ("seen", "unseen"))
        assert seen != unseen
        difference = metrics[f"test/species/seen_minus_unseen_{name}"]
        assert difference == pytest.approx(seen - unseen)
    all_new = evaluate(said, (SPECIES,), replace(setting, learnt_from=frozenset()))
    assert not [name for name in all_new.metrics if "seen" in name]


def test_a_side_without_captures_and_captures_without_a_location_are_left_out() -> None:
    truth, shares = drawn(20, seed=3)
    assert seen_and_unseen(known(truth, shares), OLD, Resampling(0)).empty
    at_old = known(truth, shares, locations=["old 1"] * 20)
    assert seen_and_unseen(at_old, OLD, Resampling(0))["locations"].tolist() == ["seen"]


def test_a_table_by_location_says_which_were_learnt_from() -> None:
    table = by_column(planted(), "location", OLD).set_index("value")
    assert table["learnt_from"].to_dict() == {
        "new": False,
        "old 1": True,
        "old 2": True,
        "old 3": True,
    }
    assert table["accuracy"].idxmin() == "new"
