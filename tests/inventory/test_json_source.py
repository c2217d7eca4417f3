import json
from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

SEVERAL = "captures with several observations (a dataset leaves them out)"


@pytest.fixture
def take(tmp_path: Path):
    def take(content: object, **given) -> Inventory:
        path = tmp_path / "i.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        given = {"few_captures": 0, **given}
        return take_inventory(InventoryParams(source="json", path=str(path), **given))

    return take


def rows(inventory: Inventory, *columns: str) -> list[tuple]:
    return [tuple(row[name] for name in columns) for row in inventory.table.to_pylist()]


def listed(inventory: Inventory) -> dict[str, list[str]]:
    found = {one.what: [str(case) for case in one.cases] for one in inventory.findings}
    return {what: them for what, them in found.items() if "one class" not in what}


def entry(labels: object, images: object = "1.jpg", **more) -> dict:
    return {"a": {"images": images, "labels": labels, **more}}


def test_an_inventory_as_the_2019_tool_wrote_it(take, tmp_path):
    found = take(
        {
            "b": {
                "images": ["z.jpg", "y.jpg"],
                "labels": [{"species": "cat", "count": "2"}, {"species": "dog", "count": "1"}],
                "meta_data": {"location": "north", "camera": "7", "split_name": "train"},
            },
            "a": {"images": ["x.jpg"], "labels": [{"class": "eland", "species": "cat"}]},
        }
    )
    assert found.labels == ("species", "count", "class")
    assert found.metadata == ("location", "split_name")
    assert rows(found, "capture_id", "images", *found.labels, *found.metadata) == [
        ("b", ["z.jpg", "y.jpg"], "cat", "2", None, "north", "train"),
        ("b", ["z.jpg", "y.jpg"], "dog", "1", None, "north", "train"),
        ("a", ["x.jpg"], "cat", None, "eland", None, None),
    ]
    assert found.root == str(tmp_path)
    assert found.place_of(1) == "capture 1 of the file"
    assert found.place_of(2) == "capture 2 of the file"
    assert listed(found) == {SEVERAL: ["b (capture 1 of the file; 2 observations)"]}


@pytest.mark.parametrize(
    ("labels", "observations"),
    [
        ([{"species": ["cat"], "count": ["3"]}], [("cat", "3")]),
        ([{"species": "cat", "count": "3"}], [("cat", "3")]),
        ({"species": "cat", "count": "3"}, [("cat", "3")]),
        ({"species": ["cat", "dog"], "count": ["1", "2"]}, [("cat", "1"), ("dog", "2")]),
        ({"species": ["cat", "dog"], "count": "1"}, [("cat", "1"), ("dog", "1")]),
        ({"species": ["cat", "dog"], "count": ["1"]}, [("cat", "1"), ("dog", "1")]),
        ({"species": ["cat", "cat"], "count": 1}, [("cat", "1")]),
        ([{"species": "cat"}, {"count": "1"}], [("cat", None), (None, "1")]),
        ({"species": "cat", "count": 10}, [("cat", "10")]),
        ({"species": "cat", "count": 1.50}, [("cat", "1.5")]),
        ({"species": "cat", "count": True}, [("cat", "true")]),
        ({"species": "cat", "count": None}, [("cat", None)]),
        ({"species": "cat", "count": ""}, [("cat", None)]),
        ({"species": "cat", "count": []}, [("cat", None)]),
        ({"species": "cat", "count": float("nan")}, [("cat", None)]),
        ({"species": "cat", "count": "-1"}, [("cat", None)]),
        ({"species": "cat", "count": " -1"}, [("cat", " -1")]),
    ],
)
def test_labels_are_scalars_or_lists(take, labels, observations):
    assert rows(take(entry(labels)), "species", "count") == observations


def test_numbers_stay_as_they_are_written(take):
    text = '{"a": {"images": "1", "labels": {"count": 1.0, "weight": 1e3}}}'
    assert rows(take(text), "count", "weight") == [("1.0", "1e3")]


def test_the_mark_of_the_2019_tool_for_a_missing_label_is_counted(take):
    labels = [{"species": "cat", "count": "-1"}, {"species": "-1", "count": "-1"}]
    found = take(entry(labels, meta_data={"location": "-1"}))
    assert rows(found, "species", "count", "location") == [("cat", None, "-1")]
    what = "labels with the value -1, the 2019 tool's mark of a missing one"
    assert listed(found)[what] == ["species (1 observations)", "count (2 observations)"]


@pytest.mark.parametrize(
    ("images", "paths"),
    [
        ("1.jpg", ["1.jpg"]),
        (["2.jpg", "1.jpg"], ["2.jpg", "1.jpg"]),
        (["1.jpg", "", "1.jpg"], ["1.jpg"]),
        (["\\a\\b\\1.jpg"], ["/a/b/1.jpg"]),
        ([], []),
        ("", []),
    ],
)
def test_images_are_one_path_or_several(take, images, paths):
    found = take(entry({"species": "cat"}, images))
    assert rows(found, "images") == [(paths,)]
    without = ["a (capture 1 of the file)"]
    assert listed(found).get("captures without a picture", []) == ([] if paths else without)


def test_paths_of_windows_are_listed(take):
    found = take(entry({"species": "cat"}, ["a\\1.jpg", "a/2.jpg"]))
    assert listed(found) == {
        "paths with a backslash (read as /)": ["a\\1.jpg (capture 1 of the file)"]
    }


@pytest.mark.parametrize("labels", [[], [{}], {}, {"species": None}])
def test_a_capture_without_labels_stays_and_is_listed(take, labels):
    content = {"b": {"images": "2.jpg", "labels": {"species": "cat"}}} | entry(labels)
    found = take(content)
    assert rows(found, "capture_id", "species") == [("b", "cat"), ("a", None)]
    assert listed(found) == {"captures without any label": ["a (capture 2 of the file)"]}


@pytest.mark.parametrize(
    ("known", "value", "contradicting"),
    [
        ("north", "north", 0),
        (3, "3", 0),
        (["north"], "north", 0),
        ([None, "north"], "north", 0),
        (["north", "south"], "north", 1),
        ([], None, 0),
        (None, None, 0),
    ],
)
def test_metadata_is_scalars_or_lists(take, known, value, contradicting):
    found = take(entry({"species": "cat"}, meta_data={"location": known}))
    assert rows(found, "species", "location") == [("cat", value)]
    what = "captures with several values of 'location' (the first was kept)"
    assert len(listed(found).get(what, [])) == contradicting


def test_labels_and_metadata_are_taken_as_asked_for(take):
    content = entry({"species": "cat", "count": 1}, meta_data={"location": "n", "camera": 7})
    found = take(content, labels=("count",), metadata=("camera",))
    assert (found.labels, found.metadata) == (("count",), ("camera",))
    assert rows(found, "count", "camera") == [("1", "7")]
    assert take(content, metadata=()).metadata == ()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"labels": ("sex",)}, "labels: 'P' offers no 'sex'; it offers: species, count"),
        ({"labels": ()}, "no label given; 'P' offers: species, count"),
        ({"metadata": ("site",)}, "metadata: 'P' offers no 'site'; it offers: location"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(take, tmp_path, given, sentence):
    content = entry({"species": "cat", "count": 1}, meta_data={"location": "n"})
    with pytest.raises(BadInput) as refused:
        take(content, **given)
    assert str(refused.value) == sentence.replace("P", str(tmp_path / "i.json"))


def test_an_inventory_is_read_from_a_store(bucket):
    uri = storage.join(bucket, "d", "i.json")
    storage.write_bytes(uri, json.dumps(entry({"species": "cat"})).encode())
    found = take_inventory(InventoryParams(source="json", path=uri))
    assert (rows(found, "species"), found.root) == ([("cat",)], storage.join(bucket, "d"))
