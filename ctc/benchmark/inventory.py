"""How fast an inventory is taken from a CSV, beside a loop over `csv.DictReader`."""

import csv
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from ctc.benchmark.measuring import Measured, measure, temporary_folder
from ctc.inventory.sources import take_inventory
from ctc.parameter import Words
from ctc.params import BenchmarkParams, InventoryParams

PLAIN = "csv.DictReader loop"
LABELS = ("empty", "species", "count", "standing")
METADATA = ("location", "timestamp")
SPECIES = ("elephant", "gazellethomsons", "impala", "lion", "wildebeest", "zebra")
LOCATIONS = 200
START = np.datetime64("2013-05-21T00:00:00")
BLOCK = 100_000  # rows written at once

Ways = dict[str, tuple[Callable[..., int], tuple[Any, ...]]]


def benchmark_inventory(params: BenchmarkParams) -> pd.DataFrame:
    """Measure on a made-up table, which is removed at the end; each way in fresh processes.

    Returns:
        A row a way: `what`, and the medians `seconds`, `cpu_seconds`, `rows_per_second`,
        `peak_mb` (with the Python process itself) and `times_as_fast` as the loop.
    """
    columns = tuple(f"image{number}" for number in range(1, params.images + 1))
    with temporary_folder(params.output, "inventory-") as folder:
        path, parquet = str(folder / "table.csv"), str(folder / "inventory.parquet")
        write_table(path, params.rows, columns)
        ways: Ways = {
            PLAIN: (captures_by_loop, (path, columns)),
            "inventory": (captures_by_inventory, (path, columns)),
            "inventory and Parquet file": (captures_by_inventory, (path, columns, parquet)),
        }
        turns = [_turn(ways, number) for number in range(params.repeats)]
    return _table({what: [turn[what] for turn in turns] for what in ways}, params.rows)


def write_table(path: str, rows: int, columns: Words) -> None:
    """Write a CSV of made-up captures of a row each.

    Args:
        path: of the file.
        rows: how many.
        columns: names of the columns of pictures, all of which have a value.
    """
    blocks = (_block(range(n, min(n + BLOCK, rows)), columns) for n in range(0, rows, BLOCK))
    first = next(blocks)
    options = pacsv.WriteOptions(quoting_style="none")
    with pacsv.CSVWriter(path, first.schema, write_options=options) as writer:
        writer.write_table(first)
        for block in blocks:
            writer.write_table(block)


def captures_by_loop(path: str, columns: Words) -> int:
    """Build dictionaries of captures in the plainest way, and return how many there are."""
    captures: dict[str, dict[str, Any]] = {}
    with Path(path).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            capture = captures.setdefault(row["capture_id"], {"images": []})
            capture["images"] += [row[name] for name in columns]
            capture["labels"] = {name: row[name] for name in LABELS}
            capture["metadata"] = {name: row[name] for name in METADATA}
    return len(captures)


def captures_by_inventory(path: str, columns: Words, parquet: str = "") -> int:
    """Take the inventory, write it where a path is given, and return how many captures it has."""
    params = InventoryParams(path=path, images=columns, check="none")
    inventory = take_inventory(params)
    if parquet:
        inventory.write(parquet)
    return inventory.counts["captures"]


def _turn(ways: Ways, number: int) -> dict[str, Measured]:
    """Measure each way once; every turn begins with another one.

    What runs behind a process that held much memory waits longer for its own.
    """
    order = list(ways)
    order = order[number % len(order) :] + order[: number % len(order)]
    return {what: measure(ways[what][0], *ways[what][1]) for what in order}


def _block(rows: range, columns: Words) -> pa.Table:
    """Rows as a survey of many cameras has them: long paths, few classes."""
    numbers = np.arange(rows.start, rows.stop)
    drawn = np.random.default_rng(rows.start).integers(0, 1 << 30, (4, len(numbers)))
    places = [f"S1_{place:03d}" for place in drawn[0] % LOCATIONS]
    names = [f"{place}/{place}_PICT{n:07d}" for place, n in zip(places, numbers, strict=True)]
    return pa.table(
        {
            "capture_id": [
                f"SER_S1#{name[:6]}#{n}" for name, n in zip(names, numbers, strict=True)
            ],
            **{column: [f"S1/{name}_{column}.JPG" for name in names] for column in columns},
            "empty": ["species"] * len(numbers),
            "species": np.array(SPECIES)[drawn[1] % len(SPECIES)].tolist(),
            "count": [str(count) for count in 1 + drawn[2] % 12],
            "standing": [str(share) for share in drawn[3] % 2],
            "location": places,
            "timestamp": np.datetime_as_string(START + 97 * numbers).tolist(),
        }
    )


def _table(measured: dict[str, list[Measured]], rows: int) -> pd.DataFrame:
    found = pd.DataFrame([_row(what, runs, rows) for what, runs in measured.items()])
    plain = found["seconds"][found["what"] == PLAIN].item()
    return found.assign(times_as_fast=(plain / found["seconds"]).round(2))


def _row(what: str, runs: list[Measured], rows: int) -> dict[str, Any]:
    seconds = statistics.median(run.seconds for run in runs)
    return {
        "what": what,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(statistics.median(run.cpu_seconds for run in runs), 3),
        "rows_per_second": round(rows / seconds),
        "peak_mb": round(statistics.median(run.peak_bytes for run in runs) / 1e6),
    }
