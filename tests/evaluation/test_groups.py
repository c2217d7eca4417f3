import math

import numpy as np
import pytest
from made_up_answers import CLASSES, SPECIES, answer, drawn, known

from ctc.evaluation.figures import counted, scores, tally
from ctc.evaluation.groups import by_column, seen_and_unseen
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.known import Known, known_answers
from ctc.prediction.answers import capture_row


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
    assert list(table.index) == ["seen", "unseen"]
    assert table["number"].tolist() == [3, 1]
    assert table["captures"].tolist() == [300, 100]
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
