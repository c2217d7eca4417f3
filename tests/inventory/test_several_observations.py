from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ctc.inventory.merging.grouped_rows import NOTHING, SOMETHING, UNKNOWN
from ctc.inventory.merging.observations import Columns, Merged, merge
from ctc.inventory.sources import take_inventory
from ctc.params import InventoryParams

COLUMNS = Columns("id", ("dir",), ("empty", "species", "count"), ())
OUTSHONE = "frames annotated as empty in a capture that shows something (not counted)"
SAME = "observations whose labels are all in another of their capture (taken as the same)"
SEVERAL = "captures with several observations (a dataset leaves them out)"


def merged(*rows: str, columns: Columns = COLUMNS, shows: list[int] | None = None) -> Merged:
    """Merge rows of id, dir, empty, species, count; `-` = missing, `_` = a blank."""
    names = ("id", "dir", "empty", "species", "count")
    cells = [[None if word == "-" else word.replace("_", " ") for word in r.split()] for r in rows]
    table = pa.table({n: pa.array([c[k] for c in cells], pa.string()) for k, n in enumerate(names)})
    return merge(table, columns, shows=None if shows is None else np.array(shows, np.int8))


def labels(result: Merged, *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in result.table.to_pylist()]


def listed(result: Merged) -> dict[str, list[str]]:
    return {one.what: [str(case) for case in one.cases] for one in result.findings}


def test_a_burst_whose_last_frame_is_empty_is_one_observation():
    result = merged("1 a empty - -", "1 b species lion -", "2 c empty - -", "2 d empty - -")
    assert result.table.to_pylist() == [
        {"capture_id": "1", "images": ["a", "b"], "empty": "species", "species": "lion"}
        | {"count": None},
        {"capture_id": "2", "images": ["c", "d"], "empty": "empty", "species": None, "count": None},
    ]
    assert listed(result) == {OUTSHONE: ["1 (data row 1)"]}
    assert result.places.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("frame", "outshone"),
    [
        ("empty - 0", True),
        ("- blank -", True),
        ("- _Empty -", True),
        ("- False_Trigger -", True),
        ("species nothing -", True),
        ("empty lion 2", False),
        ("human - -", False),
        ("- emptyish -", False),
        ("- - 2", False),
    ],
)
def test_a_frame_is_empty_where_species_says_so_or_else_the_label_empty(frame, outshone):
    result = merged("1 a species lion 1", f"1 b {frame}")
    expected = {OUTSHONE: ["1 (data row 2)"]} if outshone else {SEVERAL: [LISTED]}
    assert listed(result) == expected


LISTED = "1 (data row 1; 2 observations)"


def test_every_empty_frame_is_listed_and_other_captures_keep_theirs():
    rows = ["1 a - blank -", "2 x - blank -", "1 b - lion -", "1 c - blank -", "2 y - - -"]
    result = merged(*rows)
    assert labels(result, "capture_id", "species") == [("2", "blank"), ("1", "lion")]
    assert listed(result) == {OUTSHONE: ["1 (data row 1)", "1 (data row 4)"]}


def test_a_class_called_empty_is_an_observation_in_any_other_label():
    columns = Columns("id", ("dir",), ("count",), ())
    result = merged("1 a - - empty", "1 b - - 2", columns=columns)
    assert listed(result) == {SEVERAL: [LISTED]}


def test_what_the_source_knows_of_a_row_counts_more_than_its_labels():
    columns = Columns("id", ("dir",), ("count",), ())
    rows = ("1 a - - 0", "1 b - - -", "2 c - - 0", "2 d - - 3", "3 e - - 0", "3 f - - -")
    shows = [NOTHING, SOMETHING, NOTHING, UNKNOWN, NOTHING, UNKNOWN]
    result = merged(*rows, columns=columns, shows=shows)
    assert labels(result, "capture_id", "count") == [("1", None), ("2", "3"), ("3", "0")]
    assert listed(result)[OUTSHONE] == ["1 (data row 1)", "2 (data row 3)"]


def test_a_frame_that_the_source_knows_to_be_empty_does_not_stand_for_another():
    columns = Columns("id", ("dir",), ("count",), ())
    rows = ("1 a - - 1", "1 b - - 1", "1 c - - 2")
    result = merged(*rows, columns=columns, shows=[NOTHING, SOMETHING, SOMETHING])
    assert result.places.tolist() == [2, 3]


def test_an_observation_that_another_one_says_with_more_is_the_same():
    result = merged("1 a - lion -", "1 b - lion 3", "1 c species - -", "1 d species lion 3")
    assert labels(result, "empty", "species", "count") == [("species", "lion", "3")]
    assert listed(result) == {
        SAME: [
            "1 (data row 1; in data row 2)",
            "1 (data row 2; in data row 4)",
            "1 (data row 3; in data row 4)",
        ]
    }


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(("1 a - lion -", "1 b - zebra 3"), id="another class"),
        pytest.param(("1 a - lion -", "1 b - - 3"), id="no label in common"),
        pytest.param(("1 a - lion 2", "1 b - lion 3"), id="another number"),
        pytest.param(("1 a species lion -", "1 b - lion 3"), id="each knows more"),
    ],
)
def test_other_observations_are_several_and_listed(rows):
    result = merged(*rows, "2 c - lion 3")
    assert len(labels(result)) == 3
    assert listed(result) == {SEVERAL: [LISTED]}


def test_an_observation_is_never_the_same_as_one_of_another_capture():
    rows = ("1 a - lion -", "1 b - zebra 2", "2 c - lion 3", "2 d - zebra 3")
    result = merged(*rows)
    assert listed(result) == {SEVERAL: [LISTED, "2 (data row 3; 2 observations)"]}


@pytest.mark.parametrize(
    ("rows", "several"),
    [
        ("1,a,lion,\n1,b,zebra,2\n2,c,lion,1\n2,d,zebra,3\n", ["2 (data row 3; 2 observations)"]),
        ("1,a,lion,\n1,b,zebra,2\n2,c,lion,1\n", []),
    ],
)
def test_captures_that_keep_one_complete_observation_do_not_have_several(tmp_path, rows, several):
    path = Path(tmp_path, "table.csv")
    path.write_text(f"capture_id,dir,species,count\n{rows}")
    given = {"drop_missing": True, "check": "none", "few_captures": 0}
    found = take_inventory(InventoryParams(path=str(path), **given))
    cases = {one.what: [str(case) for case in one.cases] for one in found.findings}
    assert cases.get(SEVERAL, []) == several
    assert found.table["capture_id"].to_pylist()[0] == "1"
