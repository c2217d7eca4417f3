import csv
from pathlib import Path

import pytest

from ctc.benchmark.inventory import (
    benchmark_inventory,
    captures_by_inventory,
    captures_by_loop,
    write_table,
)
from ctc.inventory.table import Inventory
from ctc.params import BenchmarkParams

IMAGES = ("image1", "image2")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("benchmark") / "table.csv"
    write_table(str(path), 1_000, IMAGES)
    return path


def test_the_table_is_like_that_of_a_survey(table):
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["capture_id"] for row in rows}) == len(rows) == 1_000
    assert len({row[name] for row in rows for name in IMAGES}) == 2_000
    assert len(rows[0]) == 9
    assert 1 < len({row["species"] for row in rows}) < 10
    assert all(value for row in rows for value in row.values())


def test_a_large_table_is_written_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("ctc.benchmark.inventory.BLOCK", 300)
    write_table(str(tmp_path / "table.csv"), 1_000, IMAGES)
    with (tmp_path / "table.csv").open(newline="") as file:
        assert len({row["capture_id"] for row in csv.DictReader(file)}) == 1_000


def test_both_ways_find_the_same(table, tmp_path):
    parquet = str(tmp_path / "inventory.parquet")
    assert captures_by_loop(str(table), IMAGES) == 1_000
    assert captures_by_inventory(str(table), IMAGES, parquet) == 1_000
    found = Inventory.read(parquet)
    assert found.counts == {"captures": 1_000, "images": 2_000, "observations": 1_000}
    assert found.labels == ("empty", "species", "count", "standing")
    assert found.metadata == ("location", "timestamp")


def test_every_way_is_measured_and_the_table_removed(tmp_path):
    output = tmp_path / "kept"
    output.mkdir()
    (output / "mine").touch()
    params = BenchmarkParams(rows=1_000, images=2, repeats=1, output=str(output))
    found = benchmark_inventory(params).set_index("what")
    assert list(found.index) == ["csv.DictReader loop", "inventory", "inventory and Parquet file"]
    assert (found > 0).all(axis=None)
    assert found["times_as_fast"]["csv.DictReader loop"] == 1
    assert [path.name for path in output.iterdir()] == ["mine"]


def test_the_table_is_removed_where_measuring_fails(tmp_path, capfd):
    output = tmp_path / "data"
    with pytest.raises(RuntimeError, match="captures_by_inventory did not return"):
        benchmark_inventory(BenchmarkParams(rows=1_000, images=0, output=str(output)))
    assert "no column of pictures given" in capfd.readouterr().err
    assert not output.exists()
