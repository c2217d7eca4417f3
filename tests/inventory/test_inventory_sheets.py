from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from ctc.inventory.looks import sheets
from ctc.inventory.looks.private import private_classes
from ctc.inventory.looks.sheets import sheets_of_inventory
from ctc.inventory.table import Inventory

TEXT = pa.string()
PRIVATE = ("human", "person", "people")
STEP = 8  # between greys, so that JPEG and shrinking leave them apart

Row = tuple[str, list[str], str | None, str | None]  # capture, pictures, empty, species


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pictures 0.png to 29.png, each of a colour of its own, and one that is none."""
    for number in range(30):
        Image.new("RGB", (40, 30), colour(number)).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"x")
    return tmp_path


def colour(number: int) -> tuple[int, int, int]:
    return (10 + STEP * number, 200, 90)


def inventory(root: Path, rows: list[Row]) -> Inventory:
    ids, images, empty, species = zip(*rows, strict=True)
    columns = {
        "capture_id": pa.array(ids, TEXT),
        "images": pa.array(images, pa.list_(TEXT)),
        "empty": pa.array(empty, TEXT),
        "species": pa.array(species, TEXT),
    }
    return Inventory(pa.table(columns), ("empty", "species"), "t.csv", str(root))


def shown(sheet: Image.Image) -> list[int]:
    """The numbers of the pictures on a sheet, row by row."""
    colours = {colour(number): number for number in range(30)}
    places: dict[int, tuple[int, int]] = {}
    pixels = sheet.load()
    for y in range(0, sheet.height, 4):
        for x in range(0, sheet.width, 4):
            number = colours.get(pixels[x, y])
            if number is not None:
                places.setdefault(number, (y, x))
    return sorted(places, key=places.__getitem__)


def lions(count: int) -> list[Row]:
    return [(f"c{number}", [f"{number}.png"], "species", "lion") for number in range(count)]


def test_a_row_is_a_class_the_commonest_first(root):
    rows: list[Row] = [
        ("a", ["0.png", "1.png"], "species", "gnu"),
        ("b", ["2.png"], "species", "lion"),
        ("c", ["3.png"], "species", "lion"),
        ("d", ["4.png"], "empty", None),
        ("e", [], "species", "zebra"),
    ]
    found = sheets_of_inventory(inventory(root, rows), PRIVATE)
    assert set(found) == {"empty", "species"}
    species = shown(found["species"])
    assert (set(species[:2]), species[2:]) == ({2, 3}, [0])
    assert set(shown(found["empty"])) == {0, 2, 3, 4}


def test_classes_with_equal_counts_are_in_the_order_of_the_alphabet(root):
    names = ("gnu", "zebra", "lion", "ape")
    rows: list[Row] = [(f"c{n}", [f"{n}.png"], None, name) for n, name in enumerate(names)]
    assert shown(sheets_of_inventory(inventory(root, rows), PRIVATE)["species"]) == [3, 0, 2, 1]


def test_a_few_captures_are_picked_by_their_name_and_not_from_the_start(root):
    whole = inventory(root, lions(30))
    picked = shown(sheets_of_inventory(whole, PRIVATE)["species"])
    assert len(picked) == 6
    assert max(picked) > 10
    backwards = Inventory(whole.table.take(list(range(29, -1, -1))), whole.labels, "", str(root))
    assert shown(sheets_of_inventory(backwards, PRIVATE)["species"]) == picked


def test_a_private_class_is_not_shown_under_any_label(root):
    rows: list[Row] = [
        ("a", ["0.png"], "species", "lion"),
        ("b", ["1.png"], "Human", None),
        ("c", ["2.png"], "species", "person, walking"),
        ("d", ["3.png"], "species", "lion"),
        ("d", ["3.png"], "species", "people"),  # beside the lion
        ("e", ["4.png"], "empty", None),
    ]
    found = sheets_of_inventory(inventory(root, rows), PRIVATE)
    assert shown(found["species"]) == [0]
    assert set(shown(found["empty"])) == {0, 4}
    everything = sheets_of_inventory(inventory(root, rows), ())
    assert set(shown(everything["species"])) == {0, 2, 3}


def test_pictures_that_cannot_be_read_are_passed_over(root):
    bad = ["broken.png", "none.png", "http://x.org/1.png"]
    rows = lions(6) + [(f"b{n}", [bad[n % 3]], "species", "lion") for n in range(9)]
    assert set(shown(sheets_of_inventory(inventory(root, rows), PRIVATE)["species"])) == set(
        range(6)
    )


def test_a_label_without_a_picture_has_no_sheet(root):
    rows: list[Row] = [("a", ["broken.png"], "species", None), ("b", ["1.png"], "human", "lion")]
    assert sheets_of_inventory(inventory(root, rows), PRIVATE) == {}


def test_only_so_many_classes_are_shown(root, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)
    rows: list[Row] = [(f"{n}", [f"{n}.png"], None, f"{n // 3}") for n in range(8)]
    assert set(shown(sheets_of_inventory(inventory(root, rows), PRIVATE)["species"])) == set(
        range(6)
    )


@pytest.mark.parametrize(
    "name", ["human", "Humans", "HUMAN", "human, hunter", "a_person", "persons", "Park Ranger"]
)
def test_a_name_that_holds_a_private_one_is_private(name):
    assert private_classes(["lion", name], (*PRIVATE, "park ranger")) == [name]


@pytest.mark.parametrize("name", ["lion", "ranger", "park", "humane", "impersonator", "", "_"])
def test_a_name_that_only_looks_like_a_private_one_is_shown(name):
    assert private_classes([name], (*PRIVATE, "park ranger", "")) == []
