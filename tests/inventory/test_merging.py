import random

import numpy as np
import pyarrow as pa
import pytest

from ctc.errors import BadInput
from ctc.inventory.findings import Case
from ctc.inventory.merging.observations import Columns, Merged, Origin, merge

COLUMNS = Columns("id", ("p1", "p2"), ("species", "count"), ("location", "timestamp"))
NAMES = ("id", "p1", "p2", "species", "count", "location", "timestamp")
BLANK = "Blank"  # a species of the made-up rows
LISTS = Columns("id", ("images",), ("species",), ())


def table(rows: list[tuple], chunk: int = 100) -> pa.Table:
    """Rows of text in the order of NAMES, in chunks of so many rows."""
    whole = pa.table({n: pa.array([r[k] for r in rows], pa.string()) for k, n in enumerate(NAMES)})
    pieces = [whole.slice(start, chunk) for start in range(0, len(rows), chunk)]
    return pa.concat_tables(pieces) if pieces else whole


def merged(*rows: str, **origin) -> Merged:
    """Merge rows written as words; `-` = missing."""
    cells = [tuple(None if word == "-" else word for word in row.split()) for row in rows]
    return merge(table(cells), COLUMNS, Origin(**origin))


def found(result: Merged) -> dict[str, list[Case]]:
    return {finding.what: list(finding.cases) for finding in result.findings}


def said_with_more(labels: tuple, other: tuple) -> bool:
    return labels != other and all(a in (None, b) for a, b in zip(labels, other, strict=True))


def plainly(rows: list[tuple]) -> list[tuple]:
    """What `merge` returns, row by row with its place, by the plainest loops."""
    captures: dict[str, dict] = {}
    for number, (name, *images, species, count, location, timestamp) in enumerate(rows, 1):
        one = captures.setdefault(name, {"images": [], "sets": {}, "meta": [None, None]})
        one["images"] += [image for image in images if image and image not in one["images"]]
        one["images"] = list(dict.fromkeys(one["images"]))
        one["sets"].setdefault((species, count), number)
        one["meta"] = [
            old or new for old, new in zip(one["meta"], (location, timestamp), strict=True)
        ]
    observations = []
    for name, one in captures.items():
        told = {labels: n for labels, n in one["sets"].items() if any(labels)} or one["sets"]
        if any(any(labels) and labels[0] != BLANK for labels in told):
            told = {labels: n for labels, n in told.items() if labels[0] != BLANK}
        told = {a: n for a, n in told.items() if not any(said_with_more(a, b) for b in told)}
        for labels, number in told.items():
            observations.append((number, name, one["images"], *labels, *one["meta"]))
    return sorted(observations, key=lambda row: row[0])


@pytest.mark.parametrize("seed", range(40))
def test_any_table_is_merged_as_plain_loops_do(seed):
    draw = random.Random(seed)
    captures, images, words = draw.choice([(3, 4, 2), (30, 40, 3), (400, 2000, 3), (10**9,) * 3])
    sparse = draw.choice([0.0, 0.3, 0.9])

    def cell(kind: str, count: int) -> str | None:
        return None if draw.random() < sparse else f"{kind}{draw.randrange(count)}"

    rows = [
        (
            f"c{draw.randrange(captures)}",
            *(cell("i", images) for _ in range(2)),
            BLANK if draw.random() < 0.2 else cell("v", words),
            *(cell("v", words) for _ in range(3)),
        )
        for _ in range(draw.choice([1, 7, 200]))
    ]
    if draw.random() < 0.5:
        rows.sort(key=lambda row: row[0])
    result = merge(table(rows, chunk=draw.choice([1, 3, 64, 1000])), COLUMNS)
    expected = plainly(rows)
    assert result.places.tolist() == [row[0] for row in expected]
    assert [tuple(row.values()) for row in result.table.to_pylist()] == [r[1:] for r in expected]


def test_a_table_without_rows_is_merged():
    result = merge(table([]), COLUMNS)
    assert (result.table.num_rows, result.findings) == (0, ())
    assert result.table.schema.field("images").type == pa.list_(pa.string())


@pytest.mark.parametrize(
    "images",
    [
        pytest.param([["x", "y"], [], ["z"]], id="plain"),
        pytest.param([["x", None, "y"], None, ["z", "z"]], id="with holes"),
    ],
)
def test_pictures_may_come_as_lists(images):
    whole = pa.table(
        {
            "id": ["b", "a", "c"],
            "images": pa.array([["other"], *images], pa.list_(pa.string())).slice(1),
            "species": ["lion", None, "zebra"],
        }
    )
    for rows in (whole, pa.concat_tables([whole.slice(0, 1), whole.slice(1)])):
        assert merge(rows, LISTS).table["images"].to_pylist() == [["x", "y"], [], ["z"]]


def test_lists_of_several_rows_of_a_capture_are_one_after_the_other():
    images = pa.array([["x", "y"], ["q"], ["y", "z"]], pa.list_(pa.string()))
    rows = pa.table({"id": ["a", "b", "a"], "images": images, "species": ["lion"] * 3})
    assert merge(rows, LISTS).table["images"].to_pylist() == [["x", "y", "z"], ["q"]]


def test_a_column_that_holds_nothing_needs_no_type():
    rows = pa.table({"id": ["a"], "images": [["x"]], "species": pa.nulls(1)})
    assert merge(rows, LISTS).table["species"].type == pa.string()


def test_pictures_that_are_neither_text_nor_lists_are_refused():
    rows = pa.table({"id": ["a"], "images": [1], "species": ["lion"]})
    with pytest.raises(BadInput, match=r"^pictures: found .*int64.* allowed: columns of text, or"):
        merge(rows, LISTS)


def test_metadata_may_be_read_from_a_column_of_another_name():
    columns = Columns("id", ("p1",), (), ("location", "p2"), {"location": "p2"})
    result = merge(table([("a", "x", "site", *[None] * 4)]), columns)
    row = {"capture_id": "a", "images": ["x"], "location": "site", "p2": "site"}
    assert result.table.to_pylist() == [row]


def test_captures_without_a_picture_or_a_label_are_listed_with_their_places():
    result = merged("a x - lion - - -", "b - - - 1 - -", "c y - - - - -", "b - - - 1 - -")
    assert found(result) == {
        "captures without a picture": [Case("b", "data row 2")],
        "captures without any label": [Case("c", "data row 3")],
    }
    assert result.table["capture_id"].to_pylist() == ["a", "b", "c"]


def test_nobody_misses_labels_where_none_are_asked_for():
    columns = Columns("id", ("p1",), (), ())
    assert merge(table([("a", "x", *[None] * 5)]), columns).findings == ()


def test_metadata_that_contradicts_is_listed_where_it_does():
    result = merged(
        "a x - lion - - 1", "b y - lion - e 2", "a x - lion - n 3", "a x - lion - s 4",
        "a x - lion - w 5", "b z - lion - - 6",
    )  # fmt: skip
    (finding,) = result.findings
    assert finding.what == "captures with several values of 'location' (the first was kept)"
    assert finding.column == "location"
    assert finding.cases == (Case("a", "data row 4", "'s', not 'n'"),)
    assert result.table["location"].to_pylist() == ["n", "e"]
    assert result.table["timestamp"].to_pylist() == ["1", "2"]


def test_a_picture_in_several_captures_is_listed_with_all_of_them():
    result = merged("a x - lion - - -", "b y x lion - - -", "a y x lion - - -", "c z - lion - - -")
    assert found(result) == {
        "pictures that are in several captures": [
            Case("x", "data row 1", "in capture 'a' and in 'b' of data row 2"),
            Case("y", "data row 3", "in capture 'a' and in 'b' of data row 2"),
        ]
    }
    assert result.table["images"].to_pylist() == [["x", "y"], ["y", "x"], ["z"]]


def test_a_picture_in_very_many_captures_names_some_of_them():
    (finding,) = merged(*(f"c{number} x - lion - - -" for number in range(9))).findings
    assert finding.cases[0].detail.endswith("'c5' of data row 6, 3 more")


def test_rows_that_hold_nothing_are_left_out_and_listed():
    result = merged("- - - - - - -", "a x - lion - - -", "- - - - - - -")
    what = "rows without a value in any column that is read (left out)"
    assert found(result) == {what: [Case("row", "data row 1"), Case("row", "data row 3")]}
    assert result.table["capture_id"].to_pylist() == ["a"]
    assert result.places.tolist() == [2]


def test_the_places_of_a_source_are_used_where_it_has_its_own():
    numbers = np.array([7, 0, 4])
    result = merged(
        "a x - lion - - -", "- - - - - - -", "b - - lion - - -", numbers=numbers, place="images[{}]"
    )
    assert [case.place for cases in found(result).values() for case in cases] == [
        "images[0]",
        "images[4]",
    ]
    assert result.places.tolist() == [7, 4]
    with pytest.raises(BadInput) as refused:
        merged("a x - - - - -", "- y - - - - -", numbers=numbers[:2], source="s.json", place="[{}]")
    assert str(refused.value) == "'s.json': column 'id' is empty in 1 row, the first is [0]"
