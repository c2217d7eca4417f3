"""Captures from single pictures: those of a folder that were taken shortly after each other."""

import posixpath
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa

from ctc import storage
from ctc.inventory.findings import Case, Finding
from ctc.inventory.repeats import Numbers
from ctc.inventory.sources.rows import finding_of
from ctc.inventory.splits.grouping import bursts
from ctc.inventory.table import CAPTURE_ID, IMAGES, TIMESTAMP, Inventory
from ctc.inventory.times import Times, parse_times
from ctc.parameter import seconds_of
from ctc.pictures.taken import taken_at
from ctc.progress import Progress
from ctc.tasks import readers

ENOUGH = 1 << 18  # bytes of a file within which its time stands: EXIF takes at most 64 KiB
BLOCK = 1_000
WITHOUT = "pictures that do not say when they were taken (each is a capture of its own)"


def in_bursts(inventory: Inventory, gap: str) -> Inventory:
    """Make one capture of the pictures of a folder that lie at most `gap` after each other.

    A chain of them has no longest length. Its id is the name of its first picture, its timestamp
    the time of that. A picture without a time is a capture of its own.

    Args:
        inventory: a capture a picture.
        gap: a time such as 60s.
    """
    names: list[str] = inventory.table[CAPTURE_ID].to_pylist()
    texts = list(_times(inventory.root, names))
    times = parse_times(pa.array(texts, pa.string()))
    of_capture = _captures(names, times, float(seconds_of(gap) or 0))
    order = np.lexsort((np.arange(len(names)), times, of_capture))
    begins = np.flatnonzero(np.diff(of_capture[order], prepend=-1))
    # Captures stand where their first picture stood among all.
    by_place = np.argsort(order[begins], kind="stable")
    ends = np.append(begins[1:], len(order))
    members = [order[begins[one] : ends[one]] for one in by_place]
    columns = {
        CAPTURE_ID: pa.array([names[one[0]] for one in members], pa.string()),
        IMAGES: pa.array([[names[n] for n in one] for one in members], pa.list_(pa.string())),
        TIMESTAMP: pa.array([texts[one[0]] for one in members], pa.string()),
    }
    findings = (*inventory.findings, *_without(names, times))
    return replace(inventory, table=pa.table(columns), findings=findings)


def _captures(names: list[str], times: Times, seconds: float) -> Numbers:
    """Return the number of each picture's capture."""
    folders = np.unique([posixpath.dirname(name) for name in names], return_inverse=True)[1]
    found = bursts(folders.astype(np.int64), times, seconds)
    alone = np.flatnonzero(np.isnat(times))
    found[alone] = len(names) + alone
    return found


def _times(root: str, names: list[str]) -> Iterator[str | None]:
    """Yield what each picture says of when it was taken."""
    with (
        ThreadPoolExecutor(readers(root)) as pool,
        Progress("times", len(names), "pictures") as progress,
    ):
        for first in range(0, len(names), BLOCK):
            block = names[first : first + BLOCK]
            yield from pool.map(partial(_time, root), block)
            progress.advance(len(block))


def _time(root: str, name: str) -> str | None:
    try:
        return taken_at(storage.read_start(storage.join(root, name), ENOUGH))
    except OSError:
        return None  # what cannot be read says so when it is to be labelled


def _without(names: list[str], times: Times) -> tuple[Finding, ...]:
    return finding_of(WITHOUT, [Case(names[place]) for place in np.flatnonzero(np.isnat(times))])
