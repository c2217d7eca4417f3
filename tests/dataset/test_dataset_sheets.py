from pathlib import Path

import numpy as np
from made_up_dataset import Made, make_dataset
from PIL import Image

from ctc.dataset import sheets
from ctc.dataset.sheets import sheets_of_dataset
from ctc.pictures.sheets import NOTE_HEIGHT

GREYS = {"lion": 60, "gnu": 120, "human": 200}


def made(split: str, name: str, empty: str = "species") -> Made:
    pixels = np.full((30, 40, 3), GREYS.get(name, 0), np.uint8)
    return Made(split, {"species": name, "empty": empty}, (pixels,))


def shown(sheet: Image.Image) -> dict[str, int]:
    """How many pictures of each species are on a sheet."""
    values = np.asarray(sheet)
    counts = {name: int((values == grey).sum()) // (30 * 40 * 3) for name, grey in GREYS.items()}
    return {name: count for name, count in counts.items() if count}


def test_each_class_is_shown_in_each_split_but_no_private_one(tmp_path: Path):
    captures = [
        *[made("train", "lion")] * 8,
        made("train", "gnu"),
        made("train", "human"),
        made("val", "gnu"),
        made("val", "lion", "human"),
    ]
    dataset = make_dataset(tmp_path, captures)
    found = sheets_of_dataset(dataset, ("human",))
    assert set(found) == {"species", "empty"}
    assert shown(found["species"]) == {"lion": 6, "gnu": 2}
    # A capture that is private under one label is not shown under another.
    assert "human" not in shown(found["empty"])
    everything = sheets_of_dataset(dataset, ())["species"]
    assert shown(everything) == {"lion": 7, "gnu": 2, "human": 1}
    assert everything.height > found["species"].height  # by the row of the private class


def test_rare_classes_are_looked_for_and_where_that_ends_is_said(tmp_path: Path, monkeypatch):
    captures = [*[made("train", "lion")] * 20, *[made("train", "gnu")] * 6]
    dataset = make_dataset(tmp_path, captures)
    everything = sheets_of_dataset(dataset, ())["species"]
    assert shown(everything) == {"lion": 6, "gnu": 6}
    monkeypatch.setattr(sheets, "READ", 10)
    some = sheets_of_dataset(dataset, ())["species"]
    assert shown(some)["gnu"] < 6
    assert some.height == everything.height + NOTE_HEIGHT


def test_no_more_is_read_than_is_shown(tmp_path: Path):
    captures = [*[made("train", "lion")] * 20, made("train", "human")]
    dataset = make_dataset(tmp_path, captures)
    (shard,) = dataset.shards
    path = dataset.folder / shard.name
    path.write_bytes(path.read_bytes()[:-1])  # who reads to the end notices
    assert shown(sheets_of_dataset(dataset, ("human",))["species"]) == {"lion": 6}


def test_a_label_of_private_classes_alone_has_no_sheet(tmp_path: Path):
    dataset = make_dataset(tmp_path, [made("train", "human"), made("val", "human")])
    assert sheets_of_dataset(dataset, ("human",)) == {}


def test_only_so_many_rows_are_shown(tmp_path: Path, monkeypatch):
    dataset = make_dataset(tmp_path, [made("train", "lion"), made("val", "lion")])
    both = sheets_of_dataset(dataset, ())["species"]
    monkeypatch.setattr(sheets, "MOST_ROWS", 1)
    assert sheets_of_dataset(dataset, ())["species"].height < both.height
