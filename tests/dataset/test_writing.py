import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from ctc import storage
from ctc.dataset import planning
from ctc.dataset.manifest import Dataset, open_dataset
from ctc.dataset.outputs import check_output
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.errors import BadInput
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams

UNREAD = "none of its pictures can be read"


def params(**given) -> DatasetParams:
    return DatasetParams(**{"max_side": 32, "workers": 1} | given)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with pictures 1.jpg to 4.jpg."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(1, 5):
        Image.new("RGB", (40, 30), (number * 50,) * 3).save(folder / f"{number}.jpg")
    return folder


def inventory(root: Path | str, *rows: tuple) -> Inventory:
    """Rows of capture id, pictures, species, split and location."""
    names = ("capture_id", "images", "species", "split_name", "location")
    text = pa.string()
    schema = pa.schema([(name, pa.list_(text) if name == "images" else text) for name in names])
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema)
    return Inventory(table, ("species",), "t.csv", str(root))


def four(root: Path | str) -> Inventory:
    return inventory(
        root,
        ("a", ["1.jpg"], "lion", "train", "north"),
        ("b", ["2.jpg", "3.jpg"], "zebra", "train", "south"),
        ("c", ["4.jpg"], None, "val", None),
        ("d", ["1.jpg"], "lion", "train", "north"),
    )


def write(given: Inventory, output: Path | str, **options) -> Dataset:
    return write_dataset(plan_dataset(given, params(**options)), str(output))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def skipped(dataset: Dataset) -> list[tuple[str, ...]]:
    with (dataset.folder / "skipped.csv").open(newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


# --- what goes in ---


def test_a_capture_is_stored_with_its_pictures_labels_and_metadata(pictures, tmp_path):
    dataset = write(four(pictures), tmp_path / "out", quality=95)
    records = {record.capture_id: record for record in dataset.records(("train", "val"))}
    assert set(records) == {"a", "b", "c", "d"}
    assert records["b"].labels == {"species": "zebra"}
    assert records["b"].metadata == {"split_name": "train", "location": "south"}
    assert (records["c"].labels, records["c"].metadata) == ({}, {"split_name": "val"})
    for capture, greys in {"a": [50], "b": [100, 150], "c": [200], "d": [50]}.items():
        stored = [storage_image(data, tmp_path) for data in records[capture].images]
        assert [image.size for image in stored] == [(32, 24)] * len(greys)
        assert [image.getpixel((9, 9)) for image in stored] == [(grey,) * 3 for grey in greys]
    assert {record.capture_id for record in dataset.records(("val",))} == {"c"}


def storage_image(data: bytes, folder: Path) -> Image.Image:
    (folder / "one.jpg").write_bytes(data)
    with Image.open(folder / "one.jpg") as image:
        image.load()
        return image


def test_the_manifest_counts_what_was_written(pictures, tmp_path):
    dataset = write(four(pictures), tmp_path / "out")
    assert dataset.splits == {"train": 3, "val": 1}
    assert [shard.images for shard in dataset.shards] == [4, 1]
    assert dataset.labels == {"species": {"train": {"lion": 2, "zebra": 1}}}
    assert dataset.locations == {"train": ["north", "south"], "val": []}
    assert dataset.skipped == {}
    assert dataset.inventory_digest == four(pictures).digest
    assert open_dataset(str(tmp_path / "out")) == dataset


def test_captures_with_several_observations_or_no_split_are_left_out(pictures, tmp_path):
    given = inventory(
        pictures,
        ("two", ["1.jpg"], "lion", "train", None),
        ("two", ["1.jpg"], "zebra", "train", None),
        ("three", ["1.jpg"], "lion", None, None),
        ("three", ["1.jpg"], "zebra", None, None),
        ("nowhere", ["2.jpg"], "lion", None, None),
        ("good", ["3.jpg"], "lion", "train", None),
    )
    plan = plan_dataset(given, params())
    assert plan.table["capture_id"].to_pylist() == ["good"]
    dataset = write_dataset(plan, str(tmp_path / "out"))
    assert dataset.splits == {"train": 1}
    assert dataset.skipped == {"more than one observation": 2, "no split": 1}
    assert dataset.skipped_counts == {"skipped_captures": 3, "skipped_images": 0}
    assert skipped(dataset) == [
        ("capture_id", "image", "reason"),
        ("nowhere", "", "no split"),
        ("three", "", "more than one observation"),
        ("two", "", "more than one observation"),
    ]


def test_when_nothing_is_left_to_write_it_is_said_before_any_work(pictures):
    given = inventory(pictures, ("a", ["1.jpg"], "lion", None, None))
    with pytest.raises(BadInput) as refused:
        plan_dataset(given, params(split_by="split_name"))
    assert str(refused.value) == "no capture is left to write: 1 x no split"


def test_pictures_that_cannot_be_read_are_left_out_one_by_one(pictures, tmp_path):
    (pictures / "empty.jpg").touch()
    (pictures / "text.jpg").write_text("no picture")
    (pictures / "cut.jpg").write_bytes((pictures / "1.jpg").read_bytes()[:-200])
    (pictures / "folder.jpg").mkdir()
    given = inventory(
        pictures,
        ("a", ["empty.jpg", "2.jpg", "none.jpg", "3.jpg"], "lion", "train", "north"),
        ("b", ["text.jpg", "folder.jpg"], "zebra", "train", "south"),
        ("c", [], "zebra", "train", "south"),
    )
    dataset = write(given, tmp_path / "out")
    (record,) = dataset.records(("train",))
    assert (record.capture_id, len(record.images)) == ("a", 2)
    assert dataset.labels == {"species": {"train": {"lion": 1}}}
    assert dataset.locations == {"train": ["north"]}
    assert [row[:2] for row in skipped(dataset)[1:]] == [
        ("a", "empty.jpg"),
        ("a", "none.jpg"),
        ("b", ""),
        ("b", "folder.jpg"),
        ("b", "text.jpg"),
        ("c", ""),
    ]
    assert dataset.skipped == {
        "empty file": 1,
        "is a directory": 1,
        "it has no picture": 1,
        "no such file": 1,
        UNREAD: 1,
        "not a picture that can be read": 1,
    }


def test_the_broken_pictures_of_a_survey_are_listed_with_their_reasons(small_survey, small_dataset):
    rows = skipped(small_dataset)[1:]
    reasons = Counter(reason for _, _, reason in rows)
    assert small_dataset.skipped == dict(reasons)
    assert reasons[UNREAD] == small_survey.broken == 4
    assert reasons["empty file"] == 1
    assert reasons["not a picture that can be read"] == 1  # a note
    assert reasons["not a picture that can be read: a web page"] == 1
    assert sum(count for what, count in reasons.items() if what.startswith("cannot be de")) == 1
    about = json.loads((small_dataset.folder / "dataset.json").read_text())
    assert about["skipped"] == small_dataset.skipped
    written = {record.capture_id for record in small_dataset.records(tuple(small_dataset.splits))}
    assert len(written) == small_survey.captures
    assert not written & {capture for capture, _, _ in rows}


@pytest.mark.parametrize("path", ["../1.jpg", "x/../1.jpg", "x/..", "..", "x\\..\\1.jpg"])
def test_a_path_that_climbs_out_of_the_root_is_refused(pictures, path):
    given = inventory(pictures, ("a", ["1.jpg", path], "lion", "train", None))
    with pytest.raises(BadInput) as refused:
        plan_dataset(given, params())
    assert str(refused.value) == (
        f"'t.csv': picture '{path}' climbs out of the image root; paths without '..' are allowed"
    )


def test_dots_within_a_name_do_not_climb(pictures, tmp_path):
    (pictures / "1.jpg").rename(pictures / "a..b.jpg")
    given = inventory(pictures, ("a", ["a..b.jpg"], "lion", "train", None))
    assert write(given, tmp_path / "out").splits == {"train": 1}


def test_pictures_are_read_below_the_image_root(pictures, tmp_path, bucket):
    for number in range(1, 5):
        name = f"{number}.jpg"
        storage.put_file(pictures / name, storage.join(bucket, name))
    here = write(four(pictures), tmp_path / "here")
    elsewhere = write(four("/nowhere"), tmp_path / "elsewhere", image_root=str(pictures))
    store = write(four("/nowhere"), tmp_path / "store", image_root=bucket)
    assert elsewhere.digest == here.digest == store.digest


def test_each_stored_picture_is_listed_by_its_path_in_the_inventory(pictures, tmp_path):
    images = write(four(pictures), tmp_path / "out").images()
    assert sorted(images.select(["capture_id", "split", "image"]).to_pylist(), key=str) == [
        {"capture_id": "a", "split": "train", "image": "1.jpg"},
        {"capture_id": "b", "split": "train", "image": "2.jpg"},
        {"capture_id": "b", "split": "train", "image": "3.jpg"},
        {"capture_id": "c", "split": "val", "image": "4.jpg"},
        {"capture_id": "d", "split": "train", "image": "1.jpg"},
    ]
    content = {row["capture_id"]: row["content"] for row in images.to_pylist()}
    assert content["a"] == content["d"] != content["c"]


def test_pictures_may_be_stored_by_their_shorter_side(pictures, tmp_path):
    dataset = write(four(pictures), tmp_path / "out", min_side=15)
    (record,) = dataset.records(("val",))
    assert storage_image(record.images[0], tmp_path).size == (20, 15)
    assert dataset.parameters["min_side"] == "15"


def test_pictures_named_by_urls_are_left_out(pictures, tmp_path):
    images = ["1.jpg", "https://example.org/2.jpg"]
    dataset = write(inventory(pictures, ("a", images, "lion", "train", None)), tmp_path / "out")
    assert skipped(dataset)[1:] == [
        ("a", images[1], "named by a URL; local files and s3:// can be read")
    ]


def test_columns_of_any_name_are_kept_as_metadata(pictures, tmp_path):
    given = four(pictures)
    given = replace(given, table=given.table.append_column("__split", pa.array(list("wxyz"))))
    dataset = write(given, tmp_path / "out")
    found = {r.capture_id: r.metadata["__split"] for r in dataset.records(("train", "val"))}
    assert found == {"a": "w", "b": "x", "c": "y", "d": "z"}


# --- the same input, the same bytes ---


@pytest.fixture(scope="module")
def sharded(tmp_path_factory) -> Inventory:
    """40 captures, each with its own grey."""
    folder = tmp_path_factory.mktemp("sharded")
    for number in range(40):
        Image.new("RGB", (40, 30), (number * 6,) * 3).save(folder / f"{number}.jpg")
    return inventory(
        folder, *((f"c{n}", [f"{n}.jpg"], f"s{n % 3}", "ab"[n % 4 == 0], None) for n in range(40))
    )


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(planning, "CAPTURES_A_SHARD", 8)


@pytest.mark.usefixtures("small_shards")
def test_the_same_inventory_gives_the_same_bytes_however_many_workers_write(sharded, tmp_path):
    written = [
        bytes_of(write(sharded, tmp_path / f"{place}", workers=workers).folder)
        for place, workers in enumerate((1, 1, 2))
    ]
    assert sorted(written[0]) == [
        *(f"a-{number:05d}-of-00004.tfrecord" for number in range(4)),
        *(f"b-{number:05d}-of-00002.tfrecord" for number in range(2)),
        "dataset.json",
        "images.parquet",
        "skipped.csv",
    ]
    assert written[0] == written[1] == written[2]


@pytest.mark.usefixtures("small_shards")
def test_captures_are_shuffled_by_the_seed(sharded, tmp_path):
    one, other = (write(sharded, tmp_path / str(seed), seed=seed) for seed in (0, 1))
    orders = [[record.capture_id for record in each.records(("a",))] for each in (one, other)]
    in_order = [f"c{number}" for number in range(40) if number % 4]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(in_order)
    assert orders[0] != orders[1]
    assert in_order not in orders
    assert one.digest != other.digest


def test_the_digest_is_of_the_content(pictures, tmp_path):
    one = write(four(pictures), tmp_path / "one")
    assert write(four(pictures), tmp_path / "same").digest == one.digest
    assert write(four(pictures), tmp_path / "other", quality=50).digest != one.digest


def test_splits_are_drawn_where_no_column_names_them(sharded, tmp_path):
    shares = ("train=0.5", "val=0.5")
    dataset = write(sharded, tmp_path / "out", split_by=None, splits=shares)
    assert set(dataset.splits) == {"train", "val"}
    assert sum(dataset.splits.values()) == 40
    assert dataset.parameters["splits"] == "train=0.5 val=0.5"
    assert dataset.parameters["split_by"] == "none"


# --- where it goes ---


def test_a_former_dataset_is_replaced_as_a_whole(pictures, tmp_path):
    place = tmp_path / "sets" / "out"
    write(four(pictures), place)
    given = inventory(pictures, ("new", ["1.jpg"], "lion", "test", None))
    dataset = write(given, place)
    assert names(place) == [
        "dataset.json",
        "images.parquet",
        "skipped.csv",
        "test-00000-of-00001.tfrecord",
    ]
    assert names(place.parent) == ["out"]
    assert open_dataset(str(place)) == dataset
    assert [record.capture_id for record in dataset.records(("test",))] == ["new"]


def test_a_former_dataset_stays_when_no_picture_can_be_read(pictures, tmp_path):
    place = tmp_path / "sets" / "out"
    write(four(pictures), place)
    before = bytes_of(place)
    with pytest.raises(BadInput) as refused:
        write(four("/nowhere"), place)
    assert str(refused.value).startswith("no picture could be read; the first: '/nowhere/")
    assert str(refused.value).endswith(".jpg', no such file")
    assert bytes_of(place) == before
    assert names(place.parent) == ["out"]


def test_nothing_is_left_when_writing_fails(pictures, tmp_path):
    plan = plan_dataset(four(pictures), params())
    failing = replace(plan, params=replace(plan.params, quality="no number"))
    place = tmp_path / "sets" / "out"
    with pytest.raises(ValueError, match="quality"):
        write_dataset(failing, str(place))
    assert names(place.parent) == []


def test_a_folder_that_is_no_dataset_is_not_touched(pictures, tmp_path):
    before = bytes_of(pictures)
    for place in (pictures, pictures / "1.jpg"):
        for attempt in (check_output, lambda at: write(four(pictures), at)):
            with pytest.raises(BadInput) as refused:
                attempt(str(place))
            assert str(refused.value) == f"'{place}' exists and is no dataset; name a new folder"
    assert bytes_of(pictures) == before
    check_output(str(tmp_path / "new"))


@pytest.mark.parametrize(
    "text",
    [
        '{"channel_names": {"0": "CT"}, "file_ending": ".nii.gz"}',
        '{"schema_version": 1, "digest": "0"}',
        "{",
        "[]",
    ],
)
def test_a_folder_with_the_manifest_of_something_else_is_not_touched(pictures, tmp_path, text):
    place = tmp_path / "out"
    place.mkdir()
    (place / "dataset.json").write_text(text)
    for attempt in (check_output, lambda at: write(four(pictures), at)):
        with pytest.raises(BadInput) as refused:
            attempt(str(place))
        assert str(refused.value) == f"'{place}' exists and is no dataset; name a new folder"
    assert bytes_of(place) == {"dataset.json": text.encode()}


@pytest.mark.parametrize(
    "name", ["notes.txt", "classifier/best.onnx", ".git/HEAD", "old-00000-of-00001.tfrecord"]
)
def test_files_of_others_in_a_dataset_are_not_deleted(pictures, tmp_path, name):
    place = tmp_path / "out"
    write(four(pictures), place)
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_text("mine")
    for attempt in (check_output, lambda at: write(four(pictures), at, quality=50)):
        with pytest.raises(BadInput) as refused:
            attempt(str(place))
        assert str(refused.value) == (
            f"'{place}' holds files that are not of the dataset, such as '{name}'; move them or "
            "name another folder"
        )
    assert (place / name).read_text() == "mine"


def test_files_that_came_while_a_dataset_was_written_are_not_deleted(
    pictures, tmp_path, monkeypatch
):
    from ctc.dataset import writing

    place = tmp_path / "sets" / "out"
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_images", lambda *_: (place / "notes.txt").touch())
        place.mkdir(parents=True)
        patch.setattr(storage, "sha256", lambda _: "")
        with pytest.raises(BadInput, match="is no dataset"):
            write(four(pictures), place)
    assert names(place) == ["notes.txt"]
    (place / "notes.txt").unlink()
    assert write(four(pictures), place).splits == {"train": 3, "val": 1}
    assert names(place.parent) == ["out"]


def test_an_empty_folder_is_filled(pictures, tmp_path):
    place = tmp_path / "sets" / "out"
    place.mkdir(parents=True)
    dataset = write(four(pictures), place)
    assert dataset.notes == ()
    assert open_dataset(str(place)) == dataset
    assert names(place.parent) == ["out"]


def test_a_place_that_cannot_be_replaced_is_refused(pictures):
    with pytest.raises(BadInput) as refused:
        check_output("/")
    assert str(refused.value) == "'/' is a mounted volume, which stays; name a folder in it"
    with pytest.raises(BadInput, match=r"1\.jpg' is a file; name another place"):
        check_output(str(pictures / "1.jpg" / "out"))


@pytest.mark.parametrize("is_there", [False, True])
def test_where_the_output_is_a_link_the_dataset_lies_where_it_points(pictures, tmp_path, is_there):
    place, link = tmp_path / "large" / "out", tmp_path / "small" / "link"
    link.parent.mkdir()
    link.symlink_to(place)
    if is_there:
        write(four(pictures), place, quality=50)
    (tmp_path / "small").chmod(0o555)  # nothing is written beside the link
    dataset = write(four(pictures), link)
    assert link.readlink() == place
    assert names(place.parent) == ["out"]
    assert names(link.parent) == ["link"]
    assert open_dataset(str(link)) == dataset


def test_others_may_read_a_dataset(pictures, tmp_path):
    dataset = write(four(pictures), tmp_path / "out")
    assert dataset.folder.stat().st_mode & 0o777 == 0o755


# --- on S3 ---


@pytest.fixture
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("CTC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_dataset_on_s3_is_fetched_with_the_same_records(pictures, tmp_path, bucket, cache):
    local = write(four(pictures), tmp_path / "out")
    uri = f"{bucket}/sets/one"
    write(four(pictures), uri)
    assert list(storage.list_files(bucket)) == [f"sets/one/{name}" for name in names(local.folder)]
    storage.remove_folder(cache)
    found = open_dataset(uri)
    assert found.uri == uri
    assert found.images() == local.images()
    assert all(path.is_file() for path in found.documents)
    assert found.folder.is_relative_to(cache)
    splits = ("train", "val")
    assert list(found.records(splits)) == list(local.records(splits))
    assert replace(found, folder=local.folder, uri=local.uri) == local


def test_a_damaged_shard_in_the_cache_is_fetched_again(pictures, bucket, cache):
    write(four(pictures), bucket)
    first = open_dataset(bucket)
    path = first.folder / first.shards[0].name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    kept = first.folder / first.shards[1].name
    inode = kept.stat().st_ino
    assert list(open_dataset(bucket).records(("train",))) == list(first.records(("train",)))
    assert path.read_bytes() == whole
    assert kept.stat().st_ino == inode


def test_a_damaged_shard_in_the_store_is_refused(pictures, bucket, cache):
    dataset = write(four(pictures), bucket)
    storage.remove_folder(dataset.folder)  # of the cache
    storage.write_bytes(f"{bucket}/{dataset.shards[0].name}", b"damaged")
    with pytest.raises(BadInput, match="was damaged on the way or in store"):
        open_dataset(bucket)


def test_a_former_dataset_on_s3_is_replaced_as_a_whole(pictures, bucket, cache):
    write(four(pictures), bucket)
    write(inventory(pictures, ("new", ["1.jpg"], "lion", "test", None)), bucket)
    assert list(storage.list_files(bucket)) == [
        "dataset.json",
        "images.parquet",
        "skipped.csv",
        "test-00000-of-00001.tfrecord",
    ]
    assert [record.capture_id for record in open_dataset(bucket).records(("test",))] == ["new"]


def test_a_place_on_s3_that_holds_something_else_is_refused(bucket):
    storage.write_bytes(f"{bucket}/mine.txt", b"mine")
    with pytest.raises(BadInput, match="exists and is no dataset; name a new folder"):
        check_output(bucket)


def test_files_of_others_in_a_dataset_on_s3_are_not_deleted(pictures, bucket, cache):
    write(four(pictures), bucket)
    storage.write_bytes(f"{bucket}/classifier/mine.txt", b"mine")
    with pytest.raises(BadInput, match=r"such as 'classifier/mine\.txt'; move them or"):
        write(four(pictures), bucket, quality=50)
    assert storage.read_bytes(f"{bucket}/classifier/mine.txt") == b"mine"


def test_a_capture_with_several_splits_is_refused(tmp_path):
    from ctc.inventory.sources import take_inventory
    from ctc.params import InventoryParams

    table = tmp_path / "table.csv"
    table.write_text("capture_id,dir,species,split_name\na,1,lion,train\na,2,lion,test\n")
    given = take_inventory(InventoryParams(path=str(table)))
    with pytest.raises(BadInput, match="1 captures with several values of 'split_name'"):
        plan_dataset(given, params())
    assert plan_dataset(given, params(split_by=None)).table.num_rows == 1
