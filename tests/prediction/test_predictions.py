import math

import numpy as np
import pytest

from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.params.shared import AGGREGATES as ALLOWED
from ctc.prediction.answers import Answer, of_captures, picture_rows
from ctc.prediction.meaning.aggregation import AGGREGATES, combine
from ctc.prediction.predictions import Prediction, Predictions

SPECIES = Label("species", ("lion", "ostrich", "zebra"))
BARE = [
    "capture_id", "label", "prediction", "confidence", "probabilities", "images", "failure",
]  # fmt: skip


def said(capture: str, prediction: str | None, **known) -> Prediction:
    shares = {} if prediction is None else {"lion": 0.1, "ostrich": 0.2, "zebra": 0.7}
    confidence = None if prediction is None else 0.7
    failure = "no such file" if prediction is None else None
    images = 0 if prediction is None else 2
    return Prediction(capture, "species", prediction, confidence, shares, images, failure, **known)


def geometric(pictures: list[list[float]]) -> list[float]:
    roots = [math.prod(shares) ** (1 / len(pictures)) for shares in zip(*pictures, strict=True)]
    return [root / sum(roots) for root in roots]


def combined(*pictures: list[float], aggregate: str = "mean") -> list[float]:
    result = combine(np.array(pictures), aggregate)
    assert sum(result) == pytest.approx(1)
    return list(result.tolist())


def scaled(values: list[float]) -> list[float]:
    return [value / sum(values) for value in values]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_pictures_are_combined_by_the_normalised_geometric_mean(count: int) -> None:
    pictures = np.random.default_rng(count).dirichlet([0.5] * 3, count).tolist()
    assert combined(*pictures) == pytest.approx(geometric(pictures), abs=1e-9)


def test_one_picture_is_taken_as_it_is() -> None:
    assert combined([0.2, 0.3, 0.5]) == pytest.approx([0.2, 0.3, 0.5])


def test_a_picture_that_excludes_a_class_is_trusted() -> None:
    assert combined([0.9, 0.05, 0.05], [0.0, 0.5, 0.5]) == pytest.approx([0, 0.5, 0.5])


def test_pictures_that_exclude_every_class_leave_all_open() -> None:
    assert combined([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]) == pytest.approx([0.5, 0.5, 0])
    assert combined([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]) == pytest.approx([1 / 3] * 3)


def test_tiny_probabilities_do_not_vanish() -> None:
    shares = combined([1e-300, 2e-300, 1.0], [1.0, 1.0, 1e-300])
    assert shares[1] / shares[0] == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_way_to_combine_is_what_it_says(count: int) -> None:
    pictures = np.random.default_rng(count).dirichlet([0.5] * 3, count).tolist()
    of_class = list(zip(*pictures, strict=True))
    votes = [sum(shares) / count for shares in of_class]
    assert combined(*pictures, aggregate="vote") == pytest.approx(votes)
    highest = scaled([max(shares) for shares in of_class])
    assert combined(*pictures, aggregate="max") == pytest.approx(highest)
    lowest = scaled([min(shares) for shares in of_class])
    assert combined(*pictures, aggregate="min") == pytest.approx(lowest)


def test_the_ways_to_combine_are_those_that_the_parameter_allows() -> None:
    assert tuple(AGGREGATES) == ALLOWED


def test_dividing_the_logits_of_pictures_or_of_the_capture_is_the_same_for_the_mean() -> None:
    logits = np.random.default_rng(0).normal(0, 4, (3, 3))
    cold = [scaled(np.exp(one / 2.5).tolist()) for one in logits]
    capture = scaled(np.exp(logits.mean(axis=0) / 2.5).tolist())
    assert combined(*cold) == pytest.approx(capture)


def test_the_table_has_a_column_for_everything_said() -> None:
    full = [*BARE[:4], "accepted", *BARE[4:], "truth", "location"]
    about = {"location": "A1", "survey": "x", "label": "y"}
    rows = (said("1", "zebra", truth="lion", location="A1", metadata=about), said("2", None))
    table = Predictions(rows).table()
    assert list(table.columns) == [*full, "metadata.label", "survey"]
    assert list(table["capture_id"]) == ["1", "2"]
    assert table.loc[0, ["label", "metadata.label", "survey"]].tolist() == ["species", "y", "x"]
    assert Predictions(()).table().columns.tolist() == full


def test_a_flat_table_holds_the_probabilities_as_json_of_six_digits() -> None:
    row = Prediction("é, 1", "species", "löwe", 1 / 3, {"löwe": 1 / 3, "b": 2 / 3}, 1, None)
    table = Predictions((row,)).flat_table()
    assert table.at[0, "probabilities"] == '{"löwe": 0.333333, "b": 0.666667}'


def test_what_is_known_of_no_capture_is_left_out_of_a_flat_table() -> None:
    unknown = Predictions((said("1", "zebra"), said("2", None)))
    assert list(unknown.flat_table().columns) == BARE
    some = Predictions((said("1", "zebra", truth="lion"), said("2", None)))
    assert list(some.flat_table().columns) == [*BARE, "truth"]
    both = Predictions((said("1", "zebra", truth="lion"), said("2", None, location="A")))
    assert list(both.flat_table().columns) == [*BARE, "truth", "location"]
    judged = Predictions((said("1", "zebra", accepted=False), said("2", None)))
    assert list(judged.flat_table().columns) == [*BARE[:4], "accepted", *BARE[4:]]


def test_captures_are_counted_once() -> None:
    rows = (said("1", "zebra"), said("2", None), said("3", "lion"), said("4", "zebra"))
    other = Prediction("1", "empty", "not_empty", 1.0, {"not_empty": 1.0}, 1, None)
    predictions = Predictions((*rows, other))
    assert predictions.of("empty") == (other,)
    assert (predictions.captures, predictions.failed) == (4, 1)


# --- answers ---

PICTURES = np.array([[0.6, 0.3, 0.1], [0.1, 0.2, 0.7]])
ANSWERS = (
    Answer(
        capture_id="a",
        probabilities={"species": PICTURES},
        images=("1.jpg", "2.jpg", "3.jpg"),
        faults=(None, "no such file", None),
        truth={"species": "zebra"},
        metadata={"location": "A"},
    ),
    Answer(
        capture_id="b",
        probabilities={"species": PICTURES[:0]},
        images=("4.jpg", "5.jpg", "6.jpg"),
        faults=("empty file", "no such file", "empty file"),
        truth={},
        metadata={},
    ),
)
CALIBRATION = Calibration(("digest",), ("val",), "mean", 0.98, {}, {"species": 0.41})


def test_the_pictures_of_a_capture_become_one_row_that_is_accepted_or_not() -> None:
    good, failed = of_captures(ANSWERS, (SPECIES,), "mean", CALIBRATION).rows
    shares = combined(*PICTURES.tolist())
    assert list(good.probabilities.values()) == pytest.approx(shares)
    assert (good.prediction, good.images, good.accepted) == ("zebra", 2, max(shares) >= 0.41)
    assert (good.truth, good.location, good.failure) == ("zebra", "A", "no such file")
    assert (failed.prediction, failed.confidence, failed.accepted) == (None, None, False)
    assert (failed.truth, failed.failure) == (None, "empty file; no such file")


@pytest.mark.parametrize(
    ("lowest", "accepted"), [({"species": 0.41}, False), ({"species": 0.39}, True), ({}, False)]
)
def test_an_answer_is_accepted_from_the_confidence_of_its_label(
    lowest: dict[str, float], accepted: bool
) -> None:
    calibration = Calibration(("digest",), ("val",), "vote", 0.98, {}, lowest)
    row, _ = of_captures(ANSWERS, (SPECIES,), "vote", calibration).rows
    assert row.confidence == pytest.approx(0.4)
    exact = Calibration(("digest",), ("val",), "vote", 0.98, {}, {"species": row.confidence or 0})
    assert of_captures(ANSWERS, (SPECIES,), "vote", exact).rows[0].accepted is True
    assert row.accepted is accepted


def test_nothing_is_known_of_captures_combined_in_another_way_than_calibrated() -> None:
    for calibration in (None, CALIBRATION):
        assert of_captures(ANSWERS, (SPECIES,), "max", calibration).rows[0].accepted is None


def test_single_pictures_are_rows_of_their_own() -> None:
    first, second = picture_rows(ANSWERS[0], SPECIES)
    assert list(picture_rows(ANSWERS[1], SPECIES)) == []
    assert [first.prediction, second.prediction] == ["lion", "zebra"]
    assert list(first.probabilities.values()) == pytest.approx([0.6, 0.3, 0.1])
    assert (first.capture_id, first.images, first.truth) == ("a", 1, "zebra")
