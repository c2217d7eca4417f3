"""Datasets whose every picture and label a test decides on."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ctc.dataset.manifest import Dataset
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.inventory.sources import take_inventory
from ctc.params import DatasetParams, InventoryParams


@dataclass(frozen=True)
class Made:
    """One capture: its split, labels ("" for missing) and pictures, [H, W, 3] each."""

    split: str
    labels: dict[str, str]
    pictures: tuple[np.ndarray, ...]


def encoded(pixels: np.ndarray, format_: str = "PNG") -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format_)
    return target.getvalue()


def make_dataset(folder: Path, captures: Sequence[Made]) -> Dataset:
    """Write the captures through the steps that every dataset goes through."""
    labels = tuple(captures[0].labels)
    rows = []
    for number, one in enumerate(captures):
        for place, pixels in enumerate(one.pictures):
            name = f"{number:03d}-{place}.png"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(encoded(pixels))
            rows.append(
                [f"c{number:03d}", name, one.split, f"site{number % 3}", *one.labels.values()]
            )
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["capture_id", "dir", "split_name", "location", *labels], *rows]
        )
    inventory = take_inventory(InventoryParams(path=str(folder / "table.csv"), labels=labels))
    inventory.write(str(folder / "inventory.parquet"))
    params = DatasetParams(inventory=str(folder / "inventory.parquet"), max_side=64, workers=1)
    return write_dataset(plan_dataset(inventory, params), str(folder / "dataset"))


def half_bright(left: bool, generator: np.random.Generator, top: bool = False) -> np.ndarray:
    """A noisy picture, bright in its left or right half (`top`: in its upper or lower)."""
    pixels = generator.integers(0, 60, (32, 32, 3))
    bright = pixels[:, :16] if left else pixels[:, 16:]
    if top:
        bright = pixels[:16] if left else pixels[16:]
    bright += 160
    return pixels.astype(np.uint8)
