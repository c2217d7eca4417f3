from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ctc.dataset import planning
from ctc.dataset.planning import Plan, plan_dataset
from ctc.errors import BadInput
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams


def inventory(*rows: tuple) -> Inventory:
    """Rows of capture id, species, split and location."""
    names = ("capture_id", "species", "split_name", "location")
    cells = [dict(zip(names, row, strict=True)) | {"images": [f"{row[0]}.jpg"]} for row in rows]
    text = pa.string()
    kinds = {"capture_id": text, "images": pa.list_(text)} | dict.fromkeys(names[1:], text)
    table = pa.Table.from_pylist(cells, pa.schema(list(kinds.items())))
    return Inventory(table, ("species",), "t.csv", "/data")


def plan(given: Inventory, **how) -> Plan:
    return plan_dataset(given, DatasetParams(**how))


def splits(of: Plan) -> dict[str, str]:
    table = of.captures
    return dict(zip(table["capture_id"].to_pylist(), table["split"].to_pylist(), strict=True))


def skipped(of: Plan) -> dict[str, str]:
    return {skip.capture_id: skip.reason for skip in of.skips}


SURVEY = inventory(
    ("a", "lion", "train", "north"),
    ("b", "zebra", "train", "south"),
    ("c", "zebra", "train", "south"),
    ("d", "lion", "test", "west"),
    ("e", "ostrich", "test", "west"),
    ("f", None, "test", "west"),
    ("g", "lion", None, "west"),
    ("h", "lion", "test", "east"),
    ("h", "zebra", "test", "east"),
)


def test_every_capture_is_planned_or_left_out_with_the_first_reason_there_is():
    given = plan(SURVEY, remove=("species=ostrich",), balance="species", cap=("species=1",))
    assert {name: split for name, split in splits(given).items() if name not in "bc"} == {
        "a": "train", "d": "test",
    }  # fmt: skip
    reasons = skipped(given)
    assert len(reasons) + given.table.num_rows == 8
    assert {reasons.pop("b", None), reasons.pop("c", None)} == {None, "balanced: species"}
    assert reasons == {
        "e": "removed: species=ostrich",
        "f": "balanced: species is missing",
        "g": "no split",
        "h": "more than one observation",
    }


def test_nothing_left_to_draw_groups_from_is_refused_with_the_reasons():
    given = inventory(*((name, "lion", None, name) for name in "abc"))
    with pytest.raises(BadInput, match="no capture is left to write: 3 x removed: species=lion"):
        plan(given, split_by=None, group_by="location", remove=("species=lion",))


def test_what_is_known_of_the_planned_captures_is_a_table():
    table = plan(SURVEY, keep=("species=ostrich",)).captures
    assert table.to_pylist() == [{"capture_id": "e", "split": "test", "location": "west"}]


def test_a_capture_is_judged_by_all_its_observations():
    assert skipped(plan(SURVEY, keep=("species=zebra",)))["h"] == "more than one observation"
    assert skipped(plan(SURVEY, remove=("species=zebra",)))["h"] == "removed: species=zebra"


def test_classes_that_miss_a_split_are_named():
    finding, _ = plan(SURVEY).findings
    assert (finding.what, finding.count, finding.column) == (
        "classes of 'species' that are in no capture of a split", 2, "species",
    )  # fmt: skip
    assert [str(case) for case in finding.cases] == [
        "ostrich (not in train)",
        "zebra (not in test)",
    ]


def test_where_no_class_misses_a_split_there_is_no_finding():
    given = plan(SURVEY, remove=("species=zebra", "species=ostrich"), balance="species")
    assert given.findings == ()


def test_captures_that_take_part_without_any_label_are_named():
    given = replace(SURVEY, places=np.arange(9) + 1)
    (finding,) = (one for one in plan(given).findings if "any label" in one.what)
    assert finding.what == "captures without any label (nothing can be learnt of them)"
    assert [str(case) for case in finding.cases] == ["f (data row 6)"]


def test_splits_that_get_no_capture_are_named():
    (finding,) = plan(SURVEY, keep=("species=ostrich",)).findings
    assert (finding.what, [str(case) for case in finding.cases]) == (
        "splits without a capture", ["train"],
    )  # fmt: skip
    few = inventory(("a", "lion", None, None), ("b", "lion", None, None))
    drawn = plan(few, split_by=None, group_by=None)
    empty = {"train", "val", "test"} - set(splits(drawn).values())
    (finding,) = drawn.findings
    assert {case.subject for case in finding.cases} == empty


def test_drawn_splits_stay_what_they_are_when_other_classes_take_part():
    given = inventory(*((f"c{n}", ("lion", "zebra")[n % 2], None, None) for n in range(200)))
    how = {"split_by": None, "group_by": None}
    everything, lions = (
        splits(plan(given, **how)),
        splits(plan(given, keep=("species=lion",), **how)),
    )
    assert len(lions) == 100
    assert lions.items() <= everything.items()


def test_groups_have_their_shares_of_what_takes_part():
    given = inventory(
        *((f"c{n}", ("lion", "zebra")[n < 300], None, f"L{n % 30}") for n in range(400))
    )
    shares = ("a=0.5", "b=0.5")
    found = plan(given, split_by=None, splits=shares, remove=("species=zebra",))
    assert Counter(splits(found).values()) == {"a": 50, "b": 50}
    assert found.splitting.group_by == "location"


def test_tasks_hold_every_capture_once_split_by_split(monkeypatch):
    monkeypatch.setattr(planning, "CAPTURES_A_SHARD", 2)
    tasks = list(plan(SURVEY).tasks(Path("/out")))
    assert [(task.path.name, task.split) for task in tasks] == [
        ("test-00000-of-00002.tfrecord", "test"),
        ("test-00001-of-00002.tfrecord", "test"),
        ("train-00000-of-00002.tfrecord", "train"),
        ("train-00001-of-00002.tfrecord", "train"),
    ]
    held = [capture for task in tasks for capture in task.captures]
    assert sorted(capture.capture_id for capture in held) == list("abcdef")
    assert {capture.capture_id: capture.labels for capture in held}["a"] == {"species": "lion"}
    assert {capture.capture_id: capture.labels for capture in held}["f"] == {}


def test_nothing_left_to_write_is_refused_with_the_reasons():
    with pytest.raises(BadInput) as refused:
        plan(SURVEY, remove=("species=lion", "species=zebra", "species=ostrich"), balance="species")
    assert str(refused.value) == (
        "no capture is left to write: 1 x balanced: species is missing, 4 x removed: species=lion, "
        "1 x removed: species=ostrich, 2 x removed: species=zebra"
    )


def test_the_row_of_a_path_that_climbs_out_is_named():
    given = inventory(("../a", "lion", "train", None))
    with pytest.raises(BadInput, match=r"'t.csv'.*picture '../a.jpg' climbs out of the image root"):
        plan(given)
