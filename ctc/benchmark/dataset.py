"""How fast pictures get into shards, beside the least that has to be done for each."""

import io
import math
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ctc.benchmark.measuring import Measured, Way, in_turns, temporary_folder
from ctc.params import BenchmarkParams

if TYPE_CHECKING:  # a fresh process that is measured imports this file: it stays small
    import pandas as pd

SIZE = (2048, 1536)  # width and height: 3 megapixels
SCENES = 8  # that are drawn; the other pictures are these with another comment
CAMERA_QUALITY = 90
# What `write` needs; pandas is loaded by Arrow, and in the step by MLflow.
OF_WRITING = ("ctc.dataset.planning", "ctc.dataset.writing", "ctc.inventory.table", "pandas")
STORED, STORED_QUALITY = (500, 375), 85  # what the default parameters make of such a picture


def benchmark_dataset(params: BenchmarkParams) -> "pd.DataFrame":
    """Measure on made-up pictures, which are removed at the end; each way in fresh processes.

    The floor is what every picture needs: scaled decoding and encoding, in one process that is
    already started, without reading a file. A dataset is all of the step but MLflow: the inventory,
    the plan, the start of the workers, the shards and the manifest. `each further picture` is the
    difference between the two datasets.

    Returns:
        A row a way: `what`, `pictures`, `mb_a_picture` (of the files) and the medians `seconds`,
        `cpu_seconds`, `start_cpu_seconds` (of Python and its imports in the first process, which
        the others leave out), `pictures_per_second`, `pictures_per_cpu_second`, `times_the_floor`
        (in CPU time a picture), `with_start` (the same, counting that start too), `cores_busy` and
        `peak_mb` (of all processes, with Python itself).
    """
    with temporary_folder(params.output, "dataset-") as folder:
        draw_pictures(folder, params.pictures)
        ways = _ways(str(folder), params)
        turns = in_turns(ways, params.repeats)
        size = statistics.mean(path.stat().st_size for path in folder.glob("*.jpg")) / 1e6
    rows = [_row(what, [turn[what] for turn in turns]) for what in ways]
    return _table(rows + _further(rows), size)


def _ways(folder: str, params: BenchmarkParams) -> dict[str, Way]:
    count = params.pictures
    ways = {
        "decode and encode alone": Way(decode_and_encode, (folder, count, False)),
        "the same with resizing": Way(decode_and_encode, (folder, count, True)),
    }
    for captures in sorted({count, count * params.times}):
        write_inventory(folder, count, captures)
        ways[f"dataset of {captures}"] = Way(write, (folder, captures), OF_WRITING)
    return ways


def draw_pictures(folder: Path, count: int) -> None:
    """Write JPEGs of 3 megapixels as cameras make them, no two the same file.

    Args:
        folder: where `00000.jpg`, `00001.jpg`, ... are written.
        count: how many.
    """
    scenes = [_scene(np.random.default_rng(number)) for number in range(min(SCENES, count))]
    for number in range(count):
        scene = scenes[number % len(scenes)]
        comment = f"picture {number}".encode()
        # Segment COM right behind the start of the image (ITU-T T.81, B.2.4.5).
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment
        (folder / f"{number:05d}.jpg").write_bytes(scene[:2] + segment + scene[2:])


def decode_and_encode(folder: str, count: int, resize: bool) -> int:
    """Do the least for so many pictures, all in memory, and return their number.

    Without resizing they get the size next to the stored one that a JPEG can be decoded at.
    """
    scenes = [path.read_bytes() for path in sorted(Path(folder).glob("*.jpg"))[:SCENES]]
    for number in range(count):
        image: Image.Image = Image.open(io.BytesIO(scenes[number % len(scenes)]))
        image.draft("RGB", STORED)
        if resize:
            image = image.resize(STORED, Image.Resampling.BILINEAR)
        image.save(io.BytesIO(), "JPEG", quality=STORED_QUALITY)
    return count


def write(folder: str, captures: int) -> int:
    """Write a dataset of so many captures of one picture, and return how many it holds."""
    from ctc.dataset.planning import plan_dataset
    from ctc.dataset.writing import write_dataset
    from ctc.inventory.table import Inventory
    from ctc.params import DatasetParams

    path, output = f"{folder}/inventory-{captures}.parquet", f"{folder}/dataset-{captures}"
    params = DatasetParams(inventory=path, output=output, group_by=None, resume=False)
    dataset = write_dataset(plan_dataset(Inventory.read(path), params), output)
    return sum(shard.images for shard in dataset.shards)


def write_inventory(folder: str, pictures: int, count: int, validation: int = 0) -> None:
    """Describe so many captures, which show the pictures in turns.

    Args:
        folder: with the pictures; `inventory-<count>.parquet` is written there.
        pictures: how many there are.
        count: how many captures.
        validation: how many of them, the first, are to validate by.
    """
    import pyarrow as pa

    from ctc.inventory.table import Inventory

    images = [[f"{number % pictures:05d}.jpg"] for number in range(count)]
    columns = {
        "capture_id": [f"c{number:07d}" for number in range(count)],
        "images": pa.array(images, pa.list_(pa.string())),
        "species": [("lion", "zebra", "empty")[number % 3] for number in range(count)],
        "split_name": ["val"] * validation + ["train"] * (count - validation),
    }
    inventory = Inventory(pa.table(columns), ("species",), "benchmark", folder)
    inventory.write(f"{folder}/inventory-{count}.parquet")


def _scene(generator: np.random.Generator) -> bytes:
    """Draw light from sky to ground, foliage at all scales and the noise of a sensor."""
    width, height = SIZE
    light = np.linspace(190, 90, height)[:, None] + np.zeros((1, width))
    for cells, contrast in ((8, 30.0), (32, 22.0), (128, 16.0), (512, 12.0)):
        spots = generator.normal(0, contrast, (cells * height // width, cells))
        light += np.asarray(Image.fromarray(spots).resize(SIZE, Image.Resampling.BICUBIC))
    tint = np.array([1.0, 1.05, 0.8]) + generator.normal(0, 0.03, 3)
    noise = generator.normal(0, 4.0, (height, width, 1)) + generator.normal(
        0, 1.5, (height, width, 3)
    )
    target = io.BytesIO()
    pixels = (light[:, :, None] * tint + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(target, "JPEG", quality=CAMERA_QUALITY)
    return target.getvalue()


def _row(what: str, runs: list[Measured]) -> dict[str, Any]:
    return {
        "what": what,
        "pictures": runs[0].result,
        "seconds": statistics.median(run.seconds for run in runs),
        "cpu_seconds": statistics.median(run.cpu_seconds for run in runs),
        "start_cpu_seconds": statistics.median(run.start_cpu_seconds for run in runs),
        "cores_busy": statistics.median(run.cpu_seconds / run.seconds for run in runs),
        "peak_mb": statistics.median(run.peak_bytes for run in runs) / 1e6,
    }


def _further(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    *_, fewer, more = rows
    if not fewer["what"].startswith("dataset"):
        return []
    difference = {name: more[name] - fewer[name] for name in ("pictures", "seconds", "cpu_seconds")}
    # Between few pictures there may be no difference to be seen: chance gives what is below zero.
    seen = {name: value if value > 0 else math.nan for name, value in difference.items()}
    return [{"what": "each further picture", **seen}]


def _table(rows: list[dict[str, Any]], size: float) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame(rows)
    table["pictures_per_second"] = table["pictures"] / table["seconds"]
    table["pictures_per_cpu_second"] = table["pictures"] / table["cpu_seconds"]
    floor = table["pictures_per_cpu_second"].iloc[0]
    table["times_the_floor"] = floor / table["pictures_per_cpu_second"]
    table["with_start"] = table["times_the_floor"] * (
        1 + table["start_cpu_seconds"] / table["cpu_seconds"]
    )
    table["mb_a_picture"] = size
    return table
