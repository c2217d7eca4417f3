import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ctc.errors import BadInput
from ctc.labels import Label
from ctc.prediction.exports import check_output, write_csv
from ctc.prediction.predictions import Prediction, Predictions, combine

SPECIES = Label("species", ("lion", "ostrich", "zebra"))
COLUMNS = [
    "capture_id", "label", "prediction", "confidence", "probabilities", "images", "failure",
    "truth", "location",
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


def combined(*pictures: list[float]) -> list[float]:
    result = combine(SPECIES, [np.array(one) for one in pictures])
    assert tuple(result) == SPECIES.classes
    assert sum(result.values()) == pytest.approx(1)
    return list(result.values())


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


def test_the_table_has_a_column_for_everything_said() -> None:
    table = Predictions((said("1", "zebra", truth="lion", location="A1"), said("2", None))).table()
    assert list(table.columns) == COLUMNS
    assert list(table["capture_id"]) == ["1", "2"]
    assert Predictions(()).table().columns.tolist() == COLUMNS


def test_a_file_holds_the_probabilities_as_json_of_six_digits(tmp_path: Path) -> None:
    row = Prediction("é, 1", "species", "löwe", 1 / 3, {"löwe": 1 / 3, "b": 2 / 3}, 1, None)
    path = tmp_path / "below" / "out.csv"
    write_csv(Predictions((row,)), str(path))
    text = path.read_text(encoding="utf-8")
    assert '{""löwe"": 0.333333, ""b"": 0.666667}' in text
    assert ",0.333333," in text
    table = pd.read_csv(path)
    assert table.at[0, "capture_id"] == "é, 1"
    assert json.loads(table.at[0, "probabilities"]) == {"löwe": 0.333333, "b": 0.666667}
    assert [one.name for one in path.parent.iterdir()] == ["out.csv"]


def test_truth_and_location_are_left_out_of_a_file_where_none_is_known(tmp_path: Path) -> None:
    unknown = Predictions((said("1", "zebra"), said("2", None)))
    assert list(unknown.flat_table().columns) == COLUMNS[:-2]
    some = Predictions((said("1", "zebra", truth="lion"), said("2", None)))
    assert list(some.flat_table().columns) == COLUMNS[:-1]
    both = Predictions((said("1", "zebra", truth="lion"), said("2", None, location="A")))
    assert list(both.flat_table().columns) == COLUMNS


def test_a_capture_that_failed_is_a_row_of_the_file(tmp_path: Path) -> None:
    write_csv(Predictions((said("1", None), said("2", "zebra"))), str(tmp_path / "out.csv"))
    table = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert list(table.columns) == COLUMNS[:-2]
    assert list(table.iloc[0]) == ["1", "species", "", "", "{}", "0", "no such file"]
    assert table.at[1, "failure"] == ""


def test_a_former_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("former\n" * 1000)
    write_csv(Predictions((said("1", "zebra"),)), str(path))
    assert "former" not in path.read_text()
    assert len(path.read_text().splitlines()) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("name", ["out.txt", "out", "out.csv.gz", "folder.csv", "s3://bucket/x"])
def test_an_output_that_is_no_csv_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    uri = name if name.startswith("s3:") else str(tmp_path / name)
    with pytest.raises(BadInput) as refused:
        check_output(uri)
    assert str(refused.value) == f"output: found '{uri}'; allowed: a file that ends in .csv"


def test_a_table_of_something_else_is_refused_and_one_of_predictions_is_replaced(
    tmp_path: Path,
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("capture_id,dir\n1,a.jpg\n")
    with pytest.raises(BadInput, match="exists and holds no predictions; name a new file"):
        check_output(str(path))
    write_csv(Predictions((said("1", "zebra"),)), str(path))
    check_output(str(path))


@pytest.mark.parametrize("name", ["out.csv", "OUT.CSV", "missing/out.csv"])
def test_an_output_that_is_a_csv_file_is_accepted(tmp_path: Path, name: str) -> None:
    check_output(str(tmp_path / name))


def test_classes_are_counted_a_label() -> None:
    rows = (said("1", "zebra"), said("2", None), said("3", "lion"), said("4", "zebra"))
    other = Prediction("1", "empty", "not_empty", 1.0, {"not_empty": 1.0}, 1, None)
    predictions = Predictions((*rows, other))
    assert predictions.class_counts().to_numpy().tolist() == [
        ["empty", "not_empty", 1],
        ["species", "lion", 1],
        ["species", "zebra", 2],
    ]
    assert predictions.of("empty") == (other,)
    assert (predictions.captures, predictions.failed) == (4, 1)
