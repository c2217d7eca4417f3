from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Finding
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams


def take(folder: Path | str, **given) -> Inventory:
    return take_inventory(InventoryParams(source="folders", path=str(folder), **given))


def fill(folder: Path | str, *names: str) -> None:
    for name in names:
        storage.write_bytes(storage.join(str(folder), name), b"x")


def classes(inventory: Inventory, label: str = "species") -> list[tuple]:
    rows = inventory.table.to_pylist()
    assert all(row["images"] == [row["capture_id"]] for row in rows)
    return [(row["capture_id"], row[label]) for row in rows]


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


def test_pictures_outside_any_folder_have_no_class_and_are_found(tmp_path):
    fill(tmp_path, "a.jpg", "b.jpg", "lion/1.jpg")
    found = take(tmp_path)
    assert classes(found) == [("a.jpg", None), ("b.jpg", None), ("lion/1.jpg", "lion")]
    assert found.findings == (Finding("pictures outside any class folder", 2, "a.jpg"),)


def test_other_files_are_counted_and_left_out(tmp_path):
    fill(tmp_path, "lion/1.jpg", "lion/notes.txt", "Thumbs.db", "lion/jpg", "lion/.hidden.jpg")
    found = take(tmp_path)
    assert classes(found) == [("lion/1.jpg", "lion")]
    assert found.findings == (Finding("files that are no pictures", 3, "Thumbs.db"),)


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff", "gif"])
def test_a_picture_is_known_by_its_ending(tmp_path, ending):
    fill(tmp_path, f"a/1.{ending}", f"a/2.{ending.upper()}")
    assert len(classes(take(tmp_path))) == 2


def test_the_label_can_be_named(tmp_path):
    fill(tmp_path, "f/1.jpg", "m/2.jpg")
    found = take(tmp_path, labels=("sex",))
    assert found.labels == ("sex",)
    assert classes(found, "sex") == [("f/1.jpg", "f"), ("m/2.jpg", "m")]


@pytest.mark.parametrize("labels", [("sex", "age"), (), ("images",), ("capture_id",)])
def test_other_than_one_label_is_refused(tmp_path, labels):
    fill(tmp_path, "f/1.jpg")
    with pytest.raises(BadInput) as refused:
        take(tmp_path, labels=labels)
    assert str(refused.value) == (
        f"labels: found '{' '.join(labels)}'; allowed with folders: the name of one label, "
        "and not capture_id or images"
    )


def test_a_label_that_mlflow_would_refuse_is_refused(tmp_path):
    fill(tmp_path, "f/1.jpg")
    with pytest.raises(BadInput, match="label 'a/b'"):
        take(tmp_path, labels=("a/b",))


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    fill(tmp_path, "file.jpg")
    for name in ("none", "file.jpg"):
        with pytest.raises(BadInput, match=f"^no folder at '.*/{name}'$"):
            take(tmp_path / name)


def test_a_folder_without_pictures_is_refused_with_the_endings_allowed(tmp_path):
    fill(tmp_path, "lion/notes.txt")
    with pytest.raises(BadInput, match=r"^no picture below '.*'; allowed .* \.bmp, \.gif, \.jpeg"):
        take(tmp_path)
