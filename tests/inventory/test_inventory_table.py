import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory import table as module
from ctc.inventory.findings import Finding, summary_table
from ctc.inventory.table import Inventory

ROWS = [
    {"capture_id": "a", "images": ["1", "2"], "species": "lion", "sex": None, "place": "x"},
    {"capture_id": "a", "images": ["1", "2"], "species": "zebra", "sex": "f", "place": "x"},
    {"capture_id": "b", "images": [], "species": None, "sex": "", "place": None},
    {"capture_id": "c", "images": ["3"], "species": "lion", "sex": "m", "place": "ü"},
]
TEXT = pa.string()
SCHEMA = pa.schema(
    [("capture_id", TEXT), ("images", pa.list_(TEXT))]
    + [(name, TEXT) for name in ("species", "sex", "place")]
)


def inventory(rows: list[dict] = ROWS, labels: tuple[str, ...] = ("species", "sex")) -> Inventory:
    table = pa.Table.from_pylist(rows, SCHEMA)
    return Inventory(table, labels, "t.csv", "/data", (Finding("captures", 2, "ä"),))


def changed(place: int, **values) -> list[dict]:
    return [row | values if number == place else row for number, row in enumerate(ROWS)]


@pytest.mark.parametrize("where", ["local", "s3"])
def test_what_is_written_is_read(request, tmp_path, where):
    folder = request.getfixturevalue("bucket") if where == "s3" else str(tmp_path)
    uri = storage.join(folder, "new folder", "i.parquet")
    written = inventory()
    written.write(uri)
    found = Inventory.read(uri)
    assert found == written
    assert found.table.to_pylist() == ROWS
    assert found.digest == written.digest
    assert found.metadata == ("place",)


def test_an_inventory_is_replaced(tmp_path):
    uri = str(tmp_path / "i.parquet")
    inventory().write(uri)
    inventory(ROWS[:1]).write(uri)
    assert Inventory.read(uri).table.to_pylist() == ROWS[:1]
    assert [path.name for path in tmp_path.iterdir()] == ["i.parquet"]


def test_counts_are_of_captures_their_pictures_and_observations():
    assert inventory().counts == {"captures": 3, "images": 3, "observations": 4}
    assert inventory([]).counts == {"captures": 0, "images": 0, "observations": 0}


def test_classes_are_counted_without_the_missing():
    assert inventory().class_counts("species") == {"lion": 2, "zebra": 1}


def test_findings_are_a_table():
    found = summary_table(inventory().findings)
    row = {"what": "captures", "count": 2, "example": "ä", "column": ""}
    assert found.to_dict("records") == [row]
    assert list(summary_table(())) == list(row)


def test_the_digest_does_not_depend_on_how_the_table_is_laid_out():
    whole = inventory()
    pieces = [inventory([row]).table for row in ROWS]
    sliced = pa.Table.from_pylist([ROWS[3], *ROWS, ROWS[0]], SCHEMA).slice(1, len(ROWS))
    for table in (pa.concat_tables(pieces), sliced):
        assert replace(whole, table=table).digest == whole.digest
    assert len(whole.digest) == 32
    assert int(whole.digest, 16) >= 0


def test_the_digest_does_not_depend_on_what_lies_behind_a_missing_value():
    """Arrow may keep the text of a value that was made missing."""
    whole = inventory().table
    hidden = pa.array(["lion", "zebra", "secret", "lion"]).buffers()
    mask = pa.array([True, True, False, True]).buffers()[1]
    species = pa.StringArray.from_buffers(4, hidden[1], hidden[2], mask)
    assert species.to_pylist() == whole["species"].to_pylist()
    table = whole.set_column(2, "species", species)
    assert replace(inventory(), table=table).digest == inventory().digest


def test_the_digest_stays_what_it_was():
    """Datasets and runs of earlier versions name it."""
    assert inventory().digest == "5472115b8a0204cfe58135e6adf1c83f"
    assert inventory([]).digest == "d61e15dc8238e08a98af609fb94eac7f"


def test_the_digest_does_not_depend_on_where_the_table_was():
    moved = replace(inventory(), source="other.csv", root="s3://x/y", findings=())
    assert moved.digest == inventory().digest


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(inventory(changed(0, species="liom")), id="a value"),
        pytest.param(inventory(changed(0, sex="")), id="empty instead of missing"),
        pytest.param(inventory(changed(2, sex=None)), id="missing instead of empty"),
        pytest.param(inventory(changed(0, images=["2", "1"])), id="the order of pictures"),
        pytest.param(inventory(changed(0, images=["12"])), id="two pictures as one"),
        pytest.param(
            inventory([*ROWS[:2], {**ROWS[2], "images": ["3"]}, {**ROWS[3], "images": []}]),
            id="a picture of another capture",
        ),
        pytest.param(
            inventory([{**row, "sex": row["species"], "species": row["sex"]} for row in ROWS]),
            id="columns exchanged",
        ),
        pytest.param(inventory(ROWS[::-1]), id="the order of rows"),
        pytest.param(inventory(ROWS[:3]), id="a row less"),
        pytest.param(inventory(labels=("species",)), id="a label less"),
    ],
)
def test_the_digest_differs_when_the_content_does(other):
    assert other.digest != inventory().digest


def test_a_place_without_an_inventory_says_which_step_writes_one(tmp_path):
    for path in (tmp_path / "none.parquet", tmp_path):
        with pytest.raises(BadInput) as refused:
            Inventory.read(str(path))
        sentence = f"no inventory at '{path}'; the step `inventory` writes one"
        assert str(refused.value) == sentence


def test_a_place_on_s3_without_an_inventory_says_which_step_writes_one(bucket):
    with pytest.raises(BadInput, match=r"^no inventory at 's3://.*none'; the step"):
        Inventory.read(f"{bucket}/none")


def damaged(path: Path, kind: str) -> None:
    data = path.read_bytes()
    if kind == "another table":
        pq.write_table(pa.table({"a": [1]}), path)
    elif kind == "text":
        path.write_text("capture_id,dir\na,b\n")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:  # its footer, in front of its length and the magic bytes
        path.write_bytes(data[:-40] + b"\xff" * 30 + data[-10:])


@pytest.mark.parametrize("kind", ["another table", "text", "empty", "cut", "footer"])
def test_a_file_that_is_no_inventory_is_refused(tmp_path, kind):
    path = tmp_path / "i.parquet"
    inventory().write(str(path))
    damaged(path, kind)
    with pytest.raises(BadInput) as refused:
        Inventory.read(str(path))
    assert str(refused.value) == f"'{path}' is not an inventory; the step `inventory` writes one"


def test_an_inventory_of_another_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "i.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(module, "SCHEMA_VERSION", 7)
        inventory().write(str(path))
    with pytest.raises(BadInput) as refused:
        Inventory.read(str(path))
    assert str(refused.value) == f"'{path}' has schema version 7; allowed: 1"


def test_a_drawn_survey_is_counted_as_its_table_says(small_survey, small_inventory):
    with small_survey.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    first = {row["capture_id"]: row for row in reversed(rows)}
    assert small_inventory.counts == {
        "captures": len(first),
        "images": len(rows),
        "observations": len(first),
    }
    assert small_inventory.labels[:2] == ("empty", "species")
    for label in small_inventory.labels:
        counts = Counter(row[label] for row in first.values() if row[label])
        assert small_inventory.class_counts(label) == counts
        assert counts
    for found in small_inventory.table.to_pylist():
        row = first[found["capture_id"]]
        assert {name: found[name] or "" for name in small_inventory.metadata} == {
            name: row[name] for name in ("location", "survey", "split_name", "timestamp")
        }
        of_capture = [one["dir"] for one in rows if one["capture_id"] == row["capture_id"]]
        assert found["images"] == of_capture
