"""When pictures were taken, from the table to what a classifier has learnt from."""

from pathlib import Path

import pyarrow as pa

from ctc.dataset.period import Period, periods_of, united
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams

TIMES = {
    "a": ("train", "2019:11:30 07:15:00"),
    "b": ("train", "2019-03-01"),
    "c": ("train", "no time"),
    "d": ("train", None),
    "e": ("train", "2031-01-01T00:00:00.75"),
    "f": ("val", "2019-06-05 12:00:01"),
    "g": ("test", None),
}


def captures() -> pa.Table:
    splits, times = zip(*TIMES.values(), strict=True)
    return pa.table({"capture_id": [*TIMES], "split": [*splits], "timestamp": [*times]})


def test_each_split_has_its_first_and_last_time() -> None:
    found = periods_of(captures(), {"e"})
    assert found == {
        "train": Period("2019-03-01T00:00:00", "2019-11-30T07:15:00"),
        "val": Period("2019-06-05T12:00:01", "2019-06-05T12:00:01"),
    }
    assert [*found] == ["train", "val"]
    assert str(found["train"]) == "2019-03-01 to 2019-11-30"
    assert periods_of(captures(), ())["train"].last == "2031-01-01T00:00:00"


def test_without_times_there_is_no_period() -> None:
    assert periods_of(captures().drop_columns("timestamp"), ()) == {}
    assert periods_of(captures().slice(6), ()) == {}
    assert united([None, None]) is None


def test_a_capture_that_is_in_no_shard_does_not_count(small_survey, tmp_path: Path) -> None:
    picture = str(small_survey.table.parent / "gone.jpg"), str(next_picture(small_survey))
    table = pa.table(
        {
            "capture_id": ["gone", "here"],
            "images": [[picture[0]], [picture[1]]],
            "species": ["lion", "zebra"],
            "split_name": ["train", "train"],
            "timestamp": ["2001-01-01", "2019-03-01"],
        }
    )
    plan = plan_dataset(Inventory(table, ("species",), "t.csv", ""), DatasetParams(workers=1))
    dataset = write_dataset(plan, str(tmp_path / "out"))
    assert dataset.periods == {"train": Period("2019-03-01T00:00:00", "2019-03-01T00:00:00")}


def next_picture(small_survey) -> Path:
    return next(small_survey.table.parent.rglob("*.jpg"))
