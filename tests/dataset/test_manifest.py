import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from ctc.dataset.manifest import Dataset, open_dataset
from ctc.dataset.period import Period
from ctc.errors import BadInput
from ctc.pictures.fingerprints import content_of


@pytest.fixture(scope="module")
def rows(small_survey, small_dataset) -> list[dict[str, str]]:
    """The first row of every capture that is in the dataset."""
    with small_survey.table.open(newline="") as file:
        found = {row["capture_id"]: row for row in reversed(list(csv.DictReader(file)))}
    with (small_dataset.folder / "skipped.csv").open(newline="") as file:
        skipped = {row["capture_id"] for row in csv.DictReader(file)}
    return [row for capture, row in found.items() if capture not in skipped]


@pytest.fixture
def copy(small_dataset, tmp_path) -> Path:
    """A copy of the dataset to be damaged."""
    return Path(shutil.copytree(small_dataset.folder, tmp_path / "copy"))


def change(folder: Path, **values) -> None:
    about = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(about | values))


def refusal(uri: Path | str) -> str:
    with pytest.raises(BadInput) as refused:
        open_dataset(str(uri))
    return str(refused.value)


def test_captures_of_each_split_are_counted_as_the_table_says(small_dataset, rows):
    assert small_dataset.splits == Counter(row["split_name"] for row in rows)
    assert set(small_dataset.splits) == {"train", "val", "test"}


def test_pictures_are_counted_as_the_table_says(small_survey, small_dataset):
    assert sum(shard.images for shard in small_dataset.shards) == small_survey.images


def test_classes_are_counted_as_the_table_says(small_dataset, rows):
    assert "species" in small_dataset.labels
    for label, of_split in small_dataset.labels.items():
        counts = Counter((row["split_name"], row[label]) for row in rows if row[label])
        found = {
            (split, name): count
            for split, classes in of_split.items()
            for name, count in classes.items()
        }
        assert found == dict(counts)


def test_locations_are_listed_as_the_table_says(small_dataset, rows):
    found = {(split, name) for split, names in small_dataset.locations.items() for name in names}
    assert found == {(row["split_name"], row["location"]) for row in rows}


def test_the_period_of_each_split_is_that_of_its_rows(small_dataset, rows):
    for split, period in small_dataset.periods.items():
        times = [row["timestamp"] for row in rows if row["split_name"] == split]
        assert period == Period(min(times), max(times))
    assert {*small_dataset.periods} == {*small_dataset.splits}


def test_a_manifest_that_was_written_before_there_were_periods_is_read(copy):
    about = json.loads((copy / "dataset.json").read_text())
    assert about.pop("periods")
    (copy / "dataset.json").write_text(json.dumps(about))
    assert open_dataset(str(copy)).periods == {}


def test_the_class_table_has_a_row_a_class_and_a_column_a_split(small_dataset, rows):
    table = small_dataset.class_table()
    assert list(table)[:2] == ["label", "class"]
    assert set(table) == {"label", "class", "train", "val", "test"}
    for row in table.to_dict("records"):
        for split in small_dataset.splits:
            having = [
                one
                for one in rows
                if one[row["label"]] == row["class"] and one["split_name"] == split
            ]
            assert row[split] == len(having)


def test_the_manifest_is_opened_as_it_was_written(small_dataset):
    assert open_dataset(str(small_dataset.folder)) == small_dataset
    assert [path.name for path in small_dataset.documents] == ["dataset.json", "skipped.csv"]
    assert all(path.is_file() for path in small_dataset.documents)


def test_every_stored_picture_has_a_row(small_survey, small_dataset):
    images = small_dataset.images()
    assert images.column_names == ["capture_id", "split", "image", "content", "perceptual"]
    assert images.num_rows == small_survey.images
    records = small_dataset.records(tuple(small_dataset.splits))
    captures = [record.capture_id for record in records for _ in record.images]
    assert images["capture_id"].to_pylist() == captures
    for row in images.slice(0, 3).to_pylist():
        data = (small_survey.table.parent / row["image"]).read_bytes()
        assert row["content"] == content_of(data)
    splits = Counter(images["split"].to_pylist())
    assert splits == Counter(
        shard.split for shard in small_dataset.shards for _ in range(shard.images)
    )


def test_a_dataset_without_its_images_file_is_refused(copy):
    (copy / "images.parquet").unlink()
    sentence = "'images.parquet' is missing: write the dataset again"
    assert refusal(copy) == f"dataset '{copy}': {sentence}"


def made(**counts: dict[str, int]) -> Dataset:
    """A dataset of one label; split -> class -> captures."""
    return Dataset(Path("x"), "data/x", {}, {"species": counts}, {}, (), {}, "", "")


@pytest.mark.parametrize(
    ("pattern", "splits"),
    [
        ("train", {"train"}),
        ("t*", {"train", "test"}),
        ("*", {"train", "val", "test"}),
        ("[tv]*a*", {"train", "val"}),
    ],
)
def test_splits_are_found_by_a_pattern(small_dataset, pattern, splits):
    assert set(small_dataset.matching(pattern)) == splits
    shards = small_dataset.shards_of(small_dataset.matching(pattern))
    assert {shard.split for shard in shards} == splits


@pytest.mark.parametrize("pattern", ["Train", "trai", "", "validation*"])
def test_a_pattern_that_fits_nothing_is_refused_with_the_splits_there_are(small_dataset, pattern):
    with pytest.raises(BadInput) as refused:
        small_dataset.matching(pattern)
    has = ", ".join(small_dataset.splits)
    assert str(refused.value) == (
        f"no split of '{small_dataset.uri}' matches '{pattern}'; it has: {has}"
    )


def test_a_place_without_a_dataset_says_which_step_writes_one(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name in ("none", "file", "folder"):
        uri = tmp_path / name
        assert refusal(uri) == f"no dataset at '{uri}'; the step `dataset` writes one"


def test_a_place_on_s3_without_a_dataset_says_which_step_writes_one(bucket):
    assert refusal(bucket) == f"no dataset at '{bucket}'; the step `dataset` writes one"


@pytest.mark.parametrize(
    "text", ["", "{", "{}", '{"captures": 3}', '{"schema_version": 2, "shards": []}', "\xff"]
)
def test_a_manifest_of_something_else_is_refused(copy, text):
    (copy / "dataset.json").write_bytes(text.encode("latin-1"))
    assert refusal(copy) == f"'{copy}/dataset.json' is not the manifest of a dataset"


def test_a_dataset_of_another_version_is_refused(copy):
    change(copy, schema_version=7)
    assert refusal(copy) == (
        f"dataset '{copy}' has schema version 7; allowed: 2: write the dataset again"
    )


@pytest.mark.parametrize("left", [None, 0, 1000])
def test_a_shard_that_is_missing_or_cut_is_refused(copy, small_dataset, left):
    shard = small_dataset.shards[-1]
    path = copy / shard.name
    data = path.read_bytes()
    path.unlink()
    if left is not None:
        path.write_bytes(data[:left])
    found = "is missing" if left is None else f"has {left} bytes"
    assert refusal(copy) == (
        f"dataset '{copy}': shard '{shard.name}' {found}; {shard.bytes} bytes are expected: "
        "write the dataset again"
    )
