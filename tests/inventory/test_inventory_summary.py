import numpy as np
import pyarrow as pa

from ctc.inventory.summary import class_table, location_table, spread_table
from ctc.inventory.table import Inventory

TEXT = pa.string()
IDS = ["a", "a", "b", "c", "d"]
IMAGES = [["1", "2"], ["1", "2"], ["3"], [], ["4"]]


def inventory(**columns: list[str | None]) -> Inventory:
    fixed = {"capture_id": pa.array(IDS, TEXT), "images": pa.array(IMAGES, pa.list_(TEXT))}
    table = pa.table(fixed | {name: pa.array(values, TEXT) for name, values in columns.items()})
    return Inventory(table, tuple(name for name in columns if name in ("species", "sex")), "", "")


def test_classes_are_counted_by_captures_and_by_observations():
    given = inventory(species=["gnu", "gnu", "lion", "lion", None], sex=["f", "m", "f", "f", "f"])
    table = class_table(given)
    assert list(table.columns) == ["label", "class", "captures", "observations"]
    assert table.to_numpy().tolist() == [
        ["species", "lion", 2, 2],
        ["species", "gnu", 1, 2],
        ["sex", "f", 4, 4],
        ["sex", "m", 1, 1],
    ]


def test_an_inventory_without_labels_or_values_has_no_classes():
    assert class_table(inventory()).empty
    assert class_table(inventory(species=[None] * 5)).empty


def test_equal_counts_of_captures_are_in_the_order_of_the_alphabet():
    table = class_table(inventory(species=["d", "d", "c", "b", "a"]))
    assert table["class"].tolist() == ["a", "b", "c", "d"]


def test_locations_have_captures_images_and_the_time_between():
    times = ["2024-05-01T10:00:00", "2024-05-01T10:00:00", "2023-01-02", "soon", None]
    given = inventory(location=["x", "x", "x", "x", None], timestamp=times)
    assert location_table(given).to_numpy().tolist() == [
        ["x", 3, 3, "2023-01-02 00:00:00", "2024-05-01 10:00:00"],
        ["(not known)", 1, 1, "", ""],
    ]


def test_locations_are_counted_without_times_too():
    table = location_table(inventory(location=["y", "y", "x", "x", "x"]))
    assert table[["location", "captures", "images"]].to_numpy().tolist() == [
        ["x", 3, 2],
        ["y", 1, 2],
    ]
    assert set(table["first"]) == set(table["last"]) == {""}


def test_where_no_location_is_known_there_is_no_table():
    assert location_table(inventory()).empty
    assert location_table(inventory(location=[None] * 5)).empty


def test_a_class_is_as_widely_spread_as_its_locations_and_times_say():
    given = inventory(
        species=["gnu", "gnu", "gnu", "gnu", "lion"],
        location=["x", "x", "x", "y", None],
        timestamp=["2024-05-01", "2024-05-01", "2024-03-01T08:00:00", None, None],
    )
    table = spread_table(given, "species")
    assert table.columns.tolist() == [
        "class", "captures", "locations", "at_commonest", "first", "last"
    ]  # fmt: skip
    assert table.fillna(-1).to_numpy().tolist() == [
        ["lion", 1, 0, -1, "", ""],
        ["gnu", 3, 2, 2 / 3, "2024-03-01 08:00:00", "2024-05-01 00:00:00"],
    ]


def test_the_spread_of_classes_is_known_without_locations_and_without_classes():
    table = spread_table(inventory(species=["gnu", "gnu", "lion", "gnu", None]), "species")
    assert table[["class", "captures", "locations"]].to_numpy().tolist() == [
        ["lion", 1, 0],
        ["gnu", 2, 0],
    ]
    assert spread_table(inventory(species=[None] * 5), "species").empty


def test_many_captures_are_counted_right():
    rows = 50_000
    generator = np.random.default_rng(0)
    ids, classes = generator.integers(0, 20_000, rows), generator.integers(0, 5, rows)
    columns = {
        "capture_id": pa.array(ids.astype(str), TEXT),
        "images": pa.array([[]] * rows, pa.list_(TEXT)),
        "species": pa.array(classes.astype(str), TEXT),
    }
    table = class_table(Inventory(pa.table(columns), ("species",), "", ""))
    pairs = set(zip(ids.tolist(), classes.tolist(), strict=True))
    wanted = {str(n): sum(name == n for _, name in pairs) for n in range(5)}
    assert dict(zip(table["class"], table["captures"], strict=True)) == wanted
