import json
from pathlib import Path

import pytest

from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

NAMES = {"1": "animal", "2": "person", "3": "vehicle"}
SEVERAL = "captures with several observations (a dataset leaves them out)"
UNREAD = "files that the detector could not read (no label)"


@pytest.fixture
def take(tmp_path: Path):
    def take(content: dict, **given) -> Inventory:
        path = tmp_path / "md.json"
        path.write_text(json.dumps(content))
        given = {"few_captures": 0, **given}
        return take_inventory(InventoryParams(source="megadetector", path=str(path), **given))

    return take


def results(*images: dict, names: dict = NAMES, **about) -> dict:
    info = {"format_version": "1.4"} | about
    return {"info": info, "detection_categories": names, "images": list(images)}


def image(file: str, *detections: tuple, **more) -> dict:
    """Detections are (category, confidence)."""
    found = [{"category": c, "conf": x, "bbox": [0, 0, 1, 1]} for c, x in detections]
    return {"file": file, "detections": found} | more


def rows(inventory: Inventory, *columns: str) -> list[tuple]:
    return [tuple(row[name] for name in columns) for row in inventory.table.to_pylist()]


def listed(inventory: Inventory) -> dict[str, list[str]]:
    found = {one.what: [str(case) for case in one.cases] for one in inventory.findings}
    return {what: them for what, them in found.items() if "one class" not in what}


def test_a_file_is_a_capture_and_a_confident_category_a_class(take, tmp_path):
    found = take(
        results(
            image("a/1.jpg", ("1", 0.9), ("1", 0.8)),
            image("a/2.jpg", ("2", 0.9), ("3", 0.5)),
            image("a/3.jpg"),
        )
    )
    assert (found.labels, found.metadata, found.root) == (("empty",), (), str(tmp_path))
    assert rows(found, "capture_id", "images", "empty") == [
        ("a/1.jpg", ["a/1.jpg"], "animal"),
        ("a/2.jpg", ["a/2.jpg"], "person"),
        ("a/2.jpg", ["a/2.jpg"], "vehicle"),
        ("a/3.jpg", ["a/3.jpg"], "empty"),
    ]
    assert listed(found) == {SEVERAL: ["a/2.jpg (images[1]; 2 observations)"]}
    assert found.place_of(3) == "images[2]"


@pytest.mark.parametrize(
    ("about", "asked", "least"),
    [
        ({}, None, 0.2),
        ({"detector_metadata": {}}, None, 0.2),
        ({"detector_metadata": {"typical_detection_threshold": 0.8}}, None, 0.8),
        ({"detector_metadata": {"typical_detection_threshold": 0.8}}, 0.5, 0.5),
        ({}, 1.0, 1.0),
        ({}, 0.0, 0.0),
    ],
)
def test_a_detection_counts_from_the_threshold_on(take, about, asked, least):
    content = results(image("1", ("1", least)), image("2", ("1", least - 0.01)), **about)
    content["images"] = content["images"][: 1 if least == 0 else 2]
    found = take(content, threshold=asked)
    assert rows(found, "empty") == [("animal",), ("empty",)][: len(content["images"])]
    weak = f"classes with detections below the threshold of {least:g} (not counted)"
    assert listed(found).get(weak, []) == (["animal (1 detections)"] if least else [])


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"failure": "Failure image access", "detections": None}, "Failure image access"),
        ({"failure": "corrupt", "detections": []}, "corrupt"),
        ({"detections": None}, "no detections given"),
    ],
)
def test_a_file_that_was_not_read_has_no_label_and_is_listed(take, more, detail):
    found = take(results(image("1.jpg"), image("2.jpg", **more)))
    assert rows(found, "capture_id", "empty") == [("1.jpg", "empty"), ("2.jpg", None)]
    assert listed(found)[UNREAD] == [f"2.jpg (images[1]; {detail})"]


def test_an_image_without_the_field_of_detections_has_no_label(take):
    found = take(results(image("1.jpg"), {"file": "2.jpg"}))
    assert rows(found, "empty") == [("empty",), (None,)]


def test_other_categories_are_kept_as_classes_and_listed(take):
    content = results(
        image("1", ("7", 0.9)), image("2", ("0", 0.9)), names={"7": "fish", "0": "empty"}
    )
    found = take(content)
    assert rows(found, "empty") == [("fish",), ("empty",)]
    what = "categories other than animal, person, vehicle (kept as classes)"
    assert listed(found) == {what: ["'fish'"]}


def test_a_category_without_a_name_is_no_detection_and_listed(take):
    found = take(results(image("1", ("9", 0.9), ("1", 0.9)), image("2", ("9", 0.9))))
    assert rows(found, "empty") == [("animal",), ("empty",)]
    cases = [f"{n} (images[{n - 1}].detections[0]; category 9)" for n in (1, 2)]
    assert listed(found) == {"detections of a category without a name (not counted)": cases}


def test_paths_of_windows_name_captures_with_slashes(take):
    found = take(results(image("a\\b\\1.jpg")))
    assert rows(found, "capture_id", "images") == [("a/b/1.jpg", ["a/b/1.jpg"])]
    assert listed(found) == {"paths with a backslash (read as /)": ["a\\b\\1.jpg (images[0])"]}


def test_videos_keep_their_label_without_a_picture(take):
    found = take(results(image("1.avi", ("1", 0.9), frame_rate=20, frames_processed=[0, 20])))
    assert rows(found, "capture_id", "images", "empty") == [("1.avi", [], "animal")]
    assert listed(found)["videos (left out of the pictures)"] == ["1.avi (images[0])"]


def test_location_and_time_are_metadata_where_the_file_has_them(take):
    content = results(image("1", location="n", datetime="2020:01:01 10:00:00", width=9), image("2"))
    found = take(content)
    assert found.metadata == ("location", "timestamp")
    assert rows(found, *found.metadata) == [("n", "2020:01:01 10:00:00"), (None, None)]
    assert rows(take(content, metadata=("width",)), "width") == [("9",), (None,)]


@pytest.mark.parametrize("labels", [("species",), ("empty", "species")])
def test_only_the_label_empty_is_offered(take, labels):
    with pytest.raises(BadInput, match=r"^labels: '.*' offers no 'species'; it offers: empty$"):
        take(results(image("1")), labels=labels)
