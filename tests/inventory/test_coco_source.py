import json
from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

CATEGORIES = ("empty", "lion", "zebra", "human", "vehicle")
CORRUPT = "images marked as corrupt (left out of the pictures)"
VIDEOS = "videos (left out of the pictures)"
OUTSHONE = "frames annotated as empty in a capture that shows something (not counted)"


@pytest.fixture
def take(tmp_path: Path):
    def take(content: dict, **given) -> Inventory:
        path = tmp_path / "coco.json"
        path.write_text(json.dumps(content))
        given = {"few_captures": 0, **given}
        return take_inventory(InventoryParams(source="coco", path=str(path), **given))

    return take


def coco(images: list[dict], *annotations: tuple, categories: tuple = CATEGORIES) -> dict:
    """Annotations are (image, category[, fields]); images get the name of their id."""
    return {
        "images": [{"file_name": f"{one['id']}.jpg"} | one for one in images],
        "annotations": [
            {"id": f"a{n}", "image_id": image, "category_id": categories.index(name)}
            | (fields[0] if fields else {})
            for n, (image, name, *fields) in enumerate(annotations)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate(categories)],
    }


def frames(*numbers: int, sequence: str = "s", **more) -> list[dict]:
    return [{"id": f"i{n}", "seq_id": sequence, "frame_num": n} | more for n in numbers]


def rows(inventory: Inventory, *columns: str) -> list[tuple]:
    return [tuple(row[name] for name in columns) for row in inventory.table.to_pylist()]


def listed(inventory: Inventory) -> dict[str, list[str]]:
    found = {one.what: [str(case) for case in one.cases] for one in inventory.findings}
    return {what: them for what, them in found.items() if "one class" not in what}


SPECIES = ("capture_id", "images", "species")


def test_without_sequences_every_image_is_a_capture(take, tmp_path):
    found = take(coco([{"id": 7}, {"id": "b"}], (7, "lion"), ("b", "zebra")))
    assert found.labels == ("species",)
    assert rows(found, *SPECIES) == [("7", ["7.jpg"], "lion"), ("b", ["b.jpg"], "zebra")]
    assert (found.metadata, found.root, listed(found)) == ((), str(tmp_path), {})
    assert found.place_of(1) == "images[1]"


@pytest.mark.parametrize(
    ("images", "order"),
    [
        (frames(2, 0, 1), ["i0", "i1", "i2"]),
        (frames(10, 9), ["i9", "i10"]),
        ([{"id": "i1", "frame_num": "2"}, {"id": "i2", "frame_num": "1"}], ["i2", "i1"]),
        ([{"id": "i1", "datetime": "2020-02"}, {"id": "i2", "datetime": "2020-01"}], ["i2", "i1"]),
        ([{"id": "i1", "frame_num": 2}, {"id": "i2"}], ["i1", "i2"]),
        ([{"id": "i1", "datetime": "2020-02"}, {"id": "i2"}], ["i1", "i2"]),
        ([{"id": "i2", "frame_num": None}, {"id": "i1"}], ["i2", "i1"]),
    ],
)
def test_the_images_of_a_sequence_are_a_capture_in_the_order_taken(take, images, order):
    images = [{"seq_id": "s"} | image for image in images]
    found = take(coco(images, ("i1", "lion")) if "i1" in order else coco(images, ("i9", "lion")))
    assert rows(found, *SPECIES) == [("s", [f"{name}.jpg" for name in order], "lion")]


def test_sequences_may_lie_between_one_another(take):
    images = [*frames(1), *frames(2, sequence="t"), *frames(3)]
    found = take(coco(images, ("i1", "lion"), ("i2", "zebra")))
    assert rows(found, *SPECIES) == [
        ("s", ["i1.jpg", "i3.jpg"], "lion"),
        ("t", ["i2.jpg"], "zebra"),
    ]


def test_an_image_named_as_a_sequence_is_a_capture_of_its_own(take):
    images = [{"id": "1", "seq_id": "2"}, {"id": "2"}]
    found = take(coco(images, ("1", "lion"), ("2", "zebra")))
    assert rows(found, *SPECIES) == [("2", ["1.jpg"], "lion"), ("image-2", ["2.jpg"], "zebra")]


def test_several_categories_of_a_capture_are_several_observations(take):
    annotations = [("i1", "lion"), ("i1", "lion"), ("i2", "zebra"), ("i2", "lion")]
    found = take(coco(frames(1, 2), *annotations))
    pictures = ["i1.jpg", "i2.jpg"]
    assert rows(found, *SPECIES) == [("s", pictures, "lion"), ("s", pictures, "zebra")]


@pytest.mark.parametrize(
    ("category", "species", "empty"),
    [
        ("empty", None, "empty"),
        ("Blank", None, "empty"),
        (" misfire ", None, "empty"),
        ("human", "human", "human"),
        ("Person", "Person", "human"),
        ("vehicle", "vehicle", "vehicle"),
        ("red fox", "red fox", "species"),
    ],
)
def test_categories_that_are_no_animals_are_classes_of_empty(take, category, species, empty):
    content = coco([{"id": 1}], (1, category), categories=(category,))
    found = take(content, labels=("empty", "species"))
    assert rows(found, "empty", "species") == [(empty, species)]
    auto = take(content).labels
    assert auto == (("species",) if empty == "species" else ("empty", "species"))


def test_empty_is_not_read_by_auto_where_no_annotation_says_it(take):
    assert take(coco([{"id": 1}], (1, "lion"))).labels == ("species",)


def test_an_empty_frame_beside_an_animal_makes_no_empty_observation(take):
    images = [*frames(1, 2, 3), *frames(4, sequence="t")]
    found = take(coco(images, ("i1", "lion"), ("i2", "empty"), ("i3", "empty"), ("i4", "empty")))
    pictures = ["i1.jpg", "i2.jpg", "i3.jpg"]
    assert rows(found, "capture_id", "images", "empty", "species") == [
        ("s", pictures, "species", "lion"),
        ("t", ["i4.jpg"], "empty", None),
    ]
    assert listed(found) == {OUTSHONE: ["s (images[1])", "s (images[2])"]}


def test_an_empty_frame_beside_an_animal_does_not_count_whatever_labels_are_read(take):
    annotations = [("i1", "lion"), ("i2", "empty", {"count": 0}), ("i3", "empty", {"count": 0})]
    images = [*frames(1, 2), *frames(3, sequence="t")]
    for names in (("count",), ("species", "count")):
        found = take(coco(images, *annotations), labels=names)
        assert rows(found, "capture_id", "count") == [("s", None), ("t", "0")]
        assert listed(found)[OUTSHONE] == ["s (images[1])"]


def test_captures_without_annotation_stay_and_are_listed(take):
    found = take(coco([{"id": 1}, {"id": 2}], (2, "lion")))
    assert rows(found, *SPECIES) == [("1", ["1.jpg"], None), ("2", ["2.jpg"], "lion")]
    assert listed(found) == {"captures without any label": ["1 (images[0])"]}


def test_a_file_without_annotations_is_read(take):
    found = take(coco([{"id": 1}]))
    assert rows(found, *SPECIES) == [("1", ["1.jpg"], None)]


@pytest.mark.parametrize("corrupt", [True, "true", 1])
def test_corrupt_images_are_left_out_and_listed(take, corrupt):
    images = [*frames(1, 2), {"id": "x", "corrupt": False}]
    images[1]["corrupt"] = corrupt
    found = take(coco(images, ("i2", "lion"), ("x", "zebra")))
    assert rows(found, *SPECIES) == [("s", ["i1.jpg"], "lion"), ("x", ["x.jpg"], "zebra")]
    assert listed(found) == {CORRUPT: ["i2.jpg (images[1])"]}


def test_videos_are_left_out_and_listed(take):
    found = take(coco([{"id": 1, "file_name": "a/1.MP4"}], (1, "lion")))
    assert rows(found, *SPECIES) == [("1", [], "lion")]
    without = {"captures without a picture": ["1 (images[0])"]}
    assert listed(found) == {VIDEOS: ["a/1.MP4 (images[0])"]} | without


def test_standard_fields_of_annotations_are_labels_and_others_on_request(take):
    fields = {"count": 2, "standing": True, "age": "adult", "bbox": [1, 2, 3, 4], "eating": None}
    content = coco([{"id": 1}], (1, "lion", fields))
    found = take(content)
    assert found.labels == ("species", "count", "standing")
    assert rows(found, *found.labels) == [("lion", "2", "true")]
    asked = take(content, labels=("age", "species"))
    assert rows(asked, "age", "species") == [("adult", "lion")]
    with pytest.raises(BadInput, match="no 'bbox'; it offers: empty, species, count, standing"):
        take(content, labels=("bbox",))


def test_observations_of_a_category_differ_by_the_fields_that_are_read(take):
    content = coco([{"id": 1}], *((1, "lion", {"count": n, "age": a}) for n, a in [(1, 2), (1, 3)]))
    assert rows(take(content), "species", "count") == [("lion", "1")]
    assert rows(take(content, labels=("age",)), "age") == [("2",), ("3",)]


def test_location_and_time_are_metadata_and_other_fields_on_request(take):
    known = {"location": 12, "datetime": "2020-01-01 10:00:00", "rights_holder": "x", "width": 640}
    content = coco([{"id": 1} | known], (1, "lion"))
    found = take(content)
    assert found.metadata == ("location", "timestamp")
    assert rows(found, *found.metadata) == [("12", "2020-01-01 10:00:00")]
    asked = take(content, metadata=("width", "datetime"))
    assert rows(asked, "width", "datetime") == [("640", "2020-01-01 10:00:00")]
    offered = r"it offers: location, datetime, rights_holder, width, timestamp$"
    with pytest.raises(BadInput, match=offered):
        take(content, metadata=("site",))


@pytest.mark.parametrize("missing", [None, "", float("nan")])
def test_what_is_missing_is_null(take, missing):
    images = [{"id": 1, "location": missing, "seq_id": missing}, {"id": 2, "location": "n"}]
    found = take(coco(images, (1, "lion", {"count": missing}), (2, "lion", {"count": 1})))
    assert rows(found, "capture_id", "location", "count") == [("1", None, None), ("2", "n", "1")]


def test_a_sequence_has_the_first_known_values_and_contradictions_are_listed(take):
    images = frames(1, 2, 3)
    images[1]["location"], images[2]["location"] = "n", "s"
    images[0]["datetime"], images[1]["datetime"] = "10:00", "10:01"
    found = take(coco(images, ("i1", "lion")))
    assert rows(found, "location", "timestamp") == [("n", "10:00")]
    what = "captures with several values of 'location' (the first was kept)"
    assert list(listed(found)) == [what]


def test_paths_of_windows_are_read_and_listed(take):
    found = take(coco([{"id": 1, "file_name": "a\\1.jpg"}], (1, "lion")))
    assert rows(found, "images") == [(["a/1.jpg"],)]
    assert listed(found) == {"paths with a backslash (read as /)": ["a\\1.jpg (images[0])"]}


def test_the_root_of_the_pictures_can_be_given(take):
    assert take(coco([{"id": 1}], (1, "lion")), image_root="s3://b/p").root == "s3://b/p"


def test_annotations_are_read_from_a_store(bucket):
    uri = storage.join(bucket, "coco.json")
    storage.write_bytes(uri, json.dumps(coco([{"id": 1}], (1, "lion"))).encode())
    found = take_inventory(InventoryParams(source="coco", path=uri))
    assert (rows(found, *SPECIES), found.root) == ([("1", ["1.jpg"], "lion")], bucket)
