import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_dataset import encoded

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.model.classifier import Classifier
from ctc.params import InventoryParams, PredictParams
from ctc.prediction.asking.predicting import predict
from ctc.prediction.photos.captures import Captures, PhotoCapture, captures_of_dataset
from ctc.prediction.photos.sources import captures_of
from ctc.prediction.predictions import Prediction, Predictions
from ctc.prediction.served.comparing import check_same_answers

TRUNCATED, TEXT = "truncated.jpg", "no picture.jpg"


@pytest.fixture(scope="module")
def classifier(small_classifier: Path) -> Classifier:
    return Classifier.load(small_classifier)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures, of them one grey and one below; two files that are none; read only."""
    root = tmp_path_factory.mktemp("new pictures")
    (root / "below").mkdir()
    generator = np.random.default_rng(5)
    for name in ("a.png", "b.jpg", "c.jpeg", "d.bmp", "below/e.png"):
        pixels = generator.integers(0, 256, (6, 8, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        kind = {"jpg": "JPEG", "jpeg": "JPEG", "bmp": "BMP", "png": "PNG"}[name.split(".")[1]]
        (root / name).write_bytes(encoded(pixels, kind))
    (root / "grey.png").write_bytes(encoded(np.full((40, 60), 90, np.uint8)))
    whole = (root / "b.jpg").read_bytes()
    (root / TRUNCATED).write_bytes(whole[: len(whole) * 3 // 4])
    (root / TEXT).write_text("card full")
    (root / "notes.txt").write_text("not looked at")
    return root


def table(folder: Path, tmp_path: Path, text: str) -> Captures:
    path = tmp_path / "captures.csv"
    path.write_text(text)
    params = PredictParams(
        images=str(path), image_columns=("dir", "dir2", "dir3"), image_root=str(folder)
    )
    return captures_of(params)


def by_capture(predictions: Predictions, label: str = "species") -> dict[str, Prediction]:
    return {row.capture_id: row for row in predictions.of(label)}


def same(one: Predictions, other: Predictions, tolerance: float = 1e-5) -> None:
    assert len(one.rows) == len(other.rows)
    for a, b in zip(one.rows, other.rows, strict=True):
        assert (a.capture_id, a.label, a.images, a.failure) == (
            b.capture_id,
            b.label,
            b.images,
            b.failure,
        )
        assert a.probabilities == pytest.approx(b.probabilities, abs=tolerance)


def test_every_picture_of_a_folder_is_a_capture(classifier: Classifier, folder: Path) -> None:
    captures = captures_of(PredictParams(images=str(folder)))
    names = sorted(
        ["a.png", "b.jpg", "below/e.png", "c.jpeg", "d.bmp", "grey.png", TEXT, TRUNCATED]
    )
    assert [capture.capture_id for capture in captures] == names
    predictions = predict(classifier, captures, batch_size=4)
    assert [(row.capture_id, row.label) for row in predictions.rows] == [
        (name, label) for name in names for label in ("empty", "species")
    ]
    bad = {row.capture_id for row in predictions.rows if row.prediction is None}
    assert bad == {TEXT, TRUNCATED}
    assert (predictions.captures, predictions.failed) == (8, 2)
    for row in predictions.rows:
        if row.capture_id in bad:
            assert (row.confidence, row.probabilities, row.images) == (None, {}, 0)
            assert row.failure
        else:
            assert row.failure is None
            assert sum(row.probabilities.values()) == pytest.approx(1)
            assert row.confidence == max(row.probabilities.values())
            assert row.probabilities[str(row.prediction)] == row.confidence
            assert (row.images, row.truth, row.location) == (1, None, None)
    assert by_capture(predictions)[TEXT].failure == "not a picture that can be read"
    assert str(by_capture(predictions)[TRUNCATED].failure).startswith("cannot be decoded: ")


def test_the_probabilities_are_those_of_the_network(classifier: Classifier, folder: Path) -> None:
    from ctc.dataset.fitting import fitted_pixels

    pixels = fitted_pixels((folder / "a.png").read_bytes(), classifier.image)
    expected = classifier.probabilities(pixels[None], 1)
    said = predict(classifier, [PhotoCapture("x", (str(folder / "a.png"),))], 1)
    for label in classifier.labels:
        (row,) = said.of(label.name)
        assert tuple(row.probabilities) == label.classes
        assert list(row.probabilities.values()) == pytest.approx(list(expected[label.name][0]))


@pytest.mark.parametrize("fit", ["pad", "crop"])
def test_pictures_are_fitted_as_the_classifier_says(classifier, tmp_path, fit) -> None:
    generator = np.random.default_rng(3)
    wide = generator.integers(0, 256, (32, 96, 3)).astype(np.uint8)
    # By hand: of 96 columns the middle 32, or all of a picture between two borders of grey.
    seen = wide[:, 32:64] if fit == "crop" else np.full((32, 32, 3), 128, np.uint8)
    if fit == "pad":
        wide = generator.integers(0, 256, (10, 32, 3)).astype(np.uint8)
        seen[11:21] = wide
    other = dataclasses.replace(classifier, image=ImageSpec(32, 32, fit))
    row = predict(other, [PhotoCapture("x", (encoded(wide),))], 1).of("species")[0]
    expected = classifier.probabilities(seen[None], 1)["species"][0]
    assert list(row.probabilities.values()) == pytest.approx(list(expected), abs=1e-6)


def test_a_table_with_three_picture_columns_loses_no_capture(
    classifier: Classifier, folder: Path, tmp_path: Path
) -> None:
    captures = table(
        folder,
        tmp_path,
        "capture_id,dir,dir2,dir3\n"
        "z,a.png,b.jpg,c.jpeg\n"
        "none,,,\n"
        f"half,a.png,{TEXT},\n"
        f"bad,{TRUNCATED},gone.jpg,{TEXT}\n"
        "one,,grey.png,\n"
        "z,below/e.png,,\n"
        "gone,gone.jpg,,\n"
        f"a,{TEXT},,b.jpg\n",
    )
    predictions = predict(classifier, captures, batch_size=3)
    rows = by_capture(predictions)
    assert list(rows) == ["z", "none", "half", "bad", "one", "gone", "a"]
    assert {name: row.images for name, row in rows.items()} == {
        "z": 4, "none": 0, "half": 1, "bad": 0, "one": 1, "gone": 0, "a": 1,
    }  # fmt: skip
    assert rows["none"].failure == "no picture"
    assert rows["gone"].failure == "no such file"
    assert rows["z"].failure is rows["one"].failure is None
    first, second, third = str(rows["bad"].failure).split("; ")
    assert first.startswith("cannot be decoded")
    assert (second, third) == ("no such file", "not a picture that can be read")
    assert [name for name, row in rows.items() if row.prediction is None] == ["none", "bad", "gone"]
    assert predictions.failed == 3


def test_a_capture_with_a_bad_picture_is_judged_by_the_good_one(
    classifier: Classifier, folder: Path
) -> None:
    good, bad = str(folder / "a.png"), str(folder / TEXT)
    predictions = predict(
        classifier, [PhotoCapture("both", (bad, good)), PhotoCapture("good", (good,))], 4
    )
    both, alone = by_capture(predictions).values()
    assert both.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
    assert (both.prediction, both.images) == (alone.prediction, 1)
    assert both.failure == "not a picture that can be read"
    assert alone.failure is None


def test_the_pictures_of_a_capture_are_combined_and_not_mixed_with_others(
    classifier: Classifier, folder: Path
) -> None:
    names = ["a.png", "b.jpg", "c.jpeg", "d.bmp", "grey.png"]
    paths = [str(folder / name) for name in names]
    alone = by_capture(predict(classifier, [PhotoCapture(p, (p,)) for p in paths], 2))
    groups = [paths[:3], paths[3:4], paths[1:]]
    captures = [PhotoCapture(str(n), tuple(group)) for n, group in enumerate(groups)]
    together = by_capture(predict(classifier, captures, 2))
    for group, row in zip(groups, together.values(), strict=True):
        classes = alone[group[0]].probabilities
        products = {
            name: np.prod([alone[path].probabilities[name] for path in group]) ** (1 / len(group))
            for name in classes
        }
        total = sum(products.values())
        expected = {name: value / total for name, value in products.items()}
        assert row.probabilities == pytest.approx(expected, abs=1e-5)


def test_a_file_with_nothing_but_failures_is_answered_without_the_network(
    classifier: Classifier,
) -> None:
    captures = [PhotoCapture(str(n), (b"",)) for n in range(5)]
    predictions = predict(classifier, captures, 2)
    assert [row.failure for row in predictions.of("empty")] == ["empty file"] * 5


def test_without_captures_there_are_no_rows(classifier: Classifier) -> None:
    assert predict(classifier, [], 4).rows == ()


def test_the_batch_size_changes_nothing(classifier: Classifier, folder: Path) -> None:
    paths = [str(folder / name) for name in ("a.png", TEXT, "b.jpg", "c.jpeg", TRUNCATED, "d.bmp")]
    captures = [
        PhotoCapture("0", tuple(paths)),
        PhotoCapture("1", ()),
        *(PhotoCapture(path, (path,)) for path in paths),
        PhotoCapture("2", tuple(paths[:3])),
    ]
    whole = predict(classifier, captures, 16)
    for size in (1, 3):
        same(whole, predict(classifier, iter(captures), size))


def test_captures_of_a_dataset_have_their_truth_and_place(small_dataset: Dataset) -> None:
    records = {record.capture_id: record for record in small_dataset.records(("test",))}
    captures = list(captures_of_dataset(small_dataset, ("test",)))
    assert [capture.capture_id for capture in captures] == list(records)
    assert len(captures) == small_dataset.splits["test"]
    for capture in captures:
        record = records[capture.capture_id]
        assert capture.truth == record.labels
        assert capture.metadata["location"] == record.metadata["location"]
        assert capture.images == record.images
    assert any("species" not in capture.truth for capture in captures)


def test_predictions_of_a_dataset_carry_truth_and_location(
    classifier: Classifier, small_dataset: Dataset
) -> None:
    captures = list(captures_of_dataset(small_dataset, ("test",)))
    rows = by_capture(predict(classifier, captures, 16))
    for capture in captures:
        row = rows[capture.capture_id]
        assert row.truth == capture.truth.get("species")
        assert row.location == capture.metadata["location"]
        assert row.images == len(capture.images)


def test_pictures_start_from_the_tables_folder_unless_told_otherwise(folder: Path) -> None:
    path = folder / "table.csv"
    path.write_text("capture_id,dir\n1,a.png\n")
    (capture,) = captures_of(PredictParams(images=str(path)))
    assert capture.images == (str(folder / "a.png"),)
    (other,) = captures_of(PredictParams(images=str(path), image_root="s3://bucket/x"))
    assert other.images == ("s3://bucket/x/a.png",)


def test_paths_of_windows_in_a_table_are_read_as_those_of_others(folder: Path) -> None:
    path = folder / "table.csv"
    path.write_text("capture_id,dir\nS1\\1,S1\\ b\\a.png \n2,a.png\n")
    first, second = captures_of(PredictParams(images=str(path)))
    assert first.images == (str(folder / "S1" / " b" / "a.png"),)
    assert (first.capture_id, second.images) == ("S1\\1", (str(folder / "a.png"),))


def test_an_inventory_gives_each_of_its_captures_once_with_its_own_root(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("capture_id,dir,species\na,1.jpg,lion\na,1.jpg,zebra\nb,2.jpg,lion\n")
    path = str(tmp_path / "inventory.parquet")
    take_inventory(InventoryParams(path=str(table), image_root="s3://bucket/x")).write(path)
    found = captures_of(PredictParams(images=path))
    assert [(one.capture_id, *one.images) for one in found] == [
        ("a", "s3://bucket/x/1.jpg"),
        ("b", "s3://bucket/x/2.jpg"),
    ]


@pytest.mark.parametrize(
    ("images", "columns", "sentence"),
    [
        ("nowhere.parquet", ("dir",), "no inventory at '"),
        ("nowhere.csv", ("dir",), "no table at '"),
        ("captures.csv", ("picture",), "picture"),
        ("empty folder", ("dir",), "no picture below '"),
    ],
)
def test_what_holds_no_captures_is_refused(
    tmp_path: Path, images: str, columns: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "captures.csv").write_text("capture_id,dir\n1,a.png\n")
    (tmp_path / "empty folder").mkdir()
    with pytest.raises(BadInput, match=sentence):
        captures_of(PredictParams(images=str(tmp_path / images), image_columns=columns))


# --- comparing with a logged model ---


@pytest.fixture(scope="module")
def picture(folder: Path) -> bytes:
    return (folder / "a.png").read_bytes()


@pytest.fixture
def answers(classifier: Classifier, picture: bytes) -> pd.DataFrame:
    return predict(classifier, [PhotoCapture("0", (picture,))], 16).table()


def spoilt(answers: pd.DataFrame, by: float) -> pd.DataFrame:
    changed = answers.copy()
    last = dict(changed.at[1, "probabilities"])
    first = next(iter(last))
    changed.at[1, "probabilities"] = {**last, first: last[first] + by}
    return changed


def test_the_same_answers_are_accepted(classifier, picture, answers) -> None:
    check_same_answers(classifier, picture, answers)
    check_same_answers(classifier, picture, spoilt(answers, 1e-6))
    check_same_answers(classifier, picture, answers.iloc[::-1])


@pytest.mark.parametrize("by", [1e-3, -1e-3, float("nan")])
def test_other_answers_are_refused(classifier, picture, answers, by: float) -> None:
    with pytest.raises(RuntimeError, match="answers 'species' differently from the classifier"):
        check_same_answers(classifier, picture, spoilt(answers, by))


def test_an_answer_that_is_left_out_is_refused(classifier, picture, answers) -> None:
    with pytest.raises(RuntimeError, match="answers 'empty' differently"):
        check_same_answers(classifier, picture, answers.iloc[1:])
    with pytest.raises(RuntimeError, match="differently"):
        check_same_answers(classifier, picture, answers.iloc[:0])


def test_a_single_picture_is_a_capture_and_an_empty_table_is_refused(folder, tmp_path) -> None:
    picture = next(path for path in sorted(folder.rglob("*.jpg")))
    (capture,) = captures_of(PredictParams(images=str(picture)))
    assert capture == PhotoCapture(picture.name, (str(picture),), given_names=(picture.name,))
    (tmp_path / "empty.csv").write_text("capture_id,dir\n")
    with pytest.raises(BadInput, match="holds no captures"):
        captures_of(PredictParams(images=str(tmp_path / "empty.csv")))
