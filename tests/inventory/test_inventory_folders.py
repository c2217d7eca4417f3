import os
from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Finding
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams


def take(folder: Path | str, **given) -> Inventory:
    given = {"few_captures": 0, **given}
    return take_inventory(InventoryParams(source="folders", path=str(folder), **given))


def fill(folder: Path | str, *names: str) -> None:
    for name in names:
        storage.write_bytes(storage.join(str(folder), name), b"x")


def classes(inventory: Inventory, *labels: str) -> list[tuple]:
    rows = inventory.table.to_pylist()
    assert all(row["images"] == [row["capture_id"]] for row in rows)
    names = ("capture_id", *(labels or ("species",)))
    return [tuple(row[name] for name in names) for row in rows]


def listed(inventory: Inventory) -> dict[str, list[str]]:
    """The subjects of each finding but those on the classes themselves."""
    found = {one.what: [case.subject for case in one.cases] for one in inventory.findings}
    return {what: them for what, them in found.items() if "one class" not in what}


@pytest.mark.parametrize("where", ["local", "s3"])
def test_the_first_folder_is_the_class_of_all_below_it(request, tmp_path, where):
    folder = request.getfixturevalue("bucket") if where == "s3" else str(tmp_path)
    fill(folder, "zebra/1.jpg", "lion/2.JPG", "lion/cam 3/day/4.png")
    found = take(folder)
    assert classes(found) == [
        ("lion/2.JPG", "lion"),
        ("lion/cam 3/day/4.png", "lion"),
        ("zebra/1.jpg", "zebra"),
    ]
    assert (found.labels, found.metadata, found.root) == (("species",), (), folder)
    assert found.findings == ()


def test_nested_folders_are_further_labels(tmp_path):
    fill(tmp_path, "lion/adult/1.jpg", "lion/cub/sleeping/2.jpg", "zebra/adult/3.jpg")
    found = take(tmp_path, labels=("species", "age"))
    assert found.labels == ("species", "age")
    assert classes(found, "species", "age") == [
        ("lion/adult/1.jpg", "lion", "adult"),
        ("lion/cub/sleeping/2.jpg", "lion", "cub"),
        ("zebra/adult/3.jpg", "zebra", "adult"),
    ]
    assert found.findings == ()


def test_a_picture_that_lies_less_deep_lacks_the_deeper_labels_and_is_listed_once(tmp_path):
    fill(tmp_path, "0.jpg", "lion/1.jpg", "lion/cub/2.jpg", "zebra/adult/f/3.jpg")
    found = take(tmp_path, labels=("species", "age", "sex"))
    assert classes(found, "species", "age", "sex") == [
        ("0.jpg", None, None, None),
        ("lion/1.jpg", "lion", None, None),
        ("lion/cub/2.jpg", "lion", "cub", None),
        ("zebra/adult/f/3.jpg", "zebra", "adult", "f"),
    ]
    deeper = "pictures in no folder for '{}' (it is missing, and all deeper labels)"
    assert listed(found) == {
        "pictures outside any class folder": ["0.jpg"],
        deeper.format("age"): ["lion/1.jpg"],
        deeper.format("sex"): ["lion/cub/2.jpg"],
    }


def test_pictures_outside_any_folder_have_no_class_and_are_found(tmp_path):
    fill(tmp_path, "a.jpg", "b.jpg", "lion/1.jpg", "zebra/1.jpg")
    found = take(tmp_path)
    assert classes(found)[:2] == [("a.jpg", None), ("b.jpg", None)]
    what = "pictures outside any class folder"
    assert found.findings == (Finding(what, 2, "a.jpg", "species"),)
    assert [case.subject for case in found.findings[0].cases] == ["a.jpg", "b.jpg"]


def test_other_files_are_listed_and_left_out(tmp_path):
    fill(tmp_path, "lion/1.jpg", "lion/notes.txt", "Thumbs.db", "lion/jpg", "lion/.hidden.jpg")
    found = take(tmp_path)
    assert classes(found) == [("lion/1.jpg", "lion")]
    others = ["Thumbs.db", "lion/jpg", "lion/notes.txt"]
    assert listed(found) == {"files that are no pictures": others}


def test_names_that_are_not_utf_8_are_listed_and_left_out(tmp_path):
    fill(tmp_path, "lion/1.jpg", "größe/ü.jpg")
    for name in (b"lion/\xff.jpg", b"lion/\xfe.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    found = take(tmp_path)
    assert classes(found) == [("größe/ü.jpg", "größe"), ("lion/1.jpg", "lion")]
    assert listed(found) == {
        "files that are no pictures": ["lion/\\xfe.txt"],
        "pictures whose path is not UTF-8 (left out)": ["lion/\\xff.jpg"],
    }


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff", "gif"])
def test_a_picture_is_known_by_its_ending(tmp_path, ending):
    fill(tmp_path, f"a/1.{ending}", f"a/2.{ending.upper()}")
    assert len(classes(take(tmp_path))) == 2


def test_the_label_can_be_named(tmp_path):
    fill(tmp_path, "f/1.jpg", "m/2.jpg")
    found = take(tmp_path, labels=("sex",))
    assert found.labels == ("sex",)
    assert classes(found, "sex") == [("f/1.jpg", "f"), ("m/2.jpg", "m")]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"labels": ()}, "no label given; allowed with folders: a name for each level of them"),
        ({"labels": ("images",)}, "column 'images' cannot be kept"),
        ({"labels": ("capture_id", "age")}, "column 'capture_id' cannot be kept"),
        ({"labels": ("sex", "sex")}, "column 'sex' cannot be kept: each of labels and metadata"),
        ({"labels": ("a/b",)}, "label 'a/b': a label's name starts with"),
        ({"metadata": ("location",)}, "offers no 'location'; it offers: none"),
    ],
)
def test_what_folders_cannot_give_is_refused(tmp_path, given, sentence):
    fill(tmp_path, "f/1.jpg")
    with pytest.raises(BadInput) as refused:
        take(tmp_path, **given)
    assert sentence in str(refused.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    fill(tmp_path, "file.jpg")
    for name in ("none", "file.jpg"):
        with pytest.raises(BadInput, match=f"^no folder at '.*/{name}'$"):
            take(tmp_path / name)


def test_a_folder_without_pictures_is_refused_with_the_endings_allowed(tmp_path):
    fill(tmp_path, "lion/notes.txt")
    with pytest.raises(BadInput, match=r"^no picture below '.*'; allowed .* \.bmp, \.gif, \.jpeg"):
        take(tmp_path)
