"""The pictures of an inventory: whether they are there, can be decoded, and are there once."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctc import storage
from ctc.inventory.checks.duplicates import duplicates
from ctc.inventory.checks.each_picture import Pictures
from ctc.inventory.findings import Finding
from ctc.inventory.repeats import numbered
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams
from ctc.pictures.looking import Look, LookTask, look
from ctc.progress import Progress
from ctc.tasks import run_tasks

BLOCK = 10_000  # paths that become Python's text at once
PICTURES_A_TASK = 32
WORDED = {
    storage.MISSING: "pictures that do not exist",
    storage.EMPTY: "pictures that are empty files (zero bytes)",
    storage.FOLDER: "pictures that are folders",
    storage.DENIED: "pictures that may not be read",
}
ALL_MISSING = "pictures that do not exist (all of them; is image_root right?)"
NOT_READ = "pictures that cannot be read"
NOT_DECODED = "pictures that cannot be decoded"

Faults = dict[int, str]  # why a picture cannot be read, by its place among all


def look_at_pictures(inventory: Inventory, params: InventoryParams) -> Inventory:
    """Return the inventory with what was noticed about its pictures, as far as `check` asks for.

    With `exists` each file is asked for; with `decode` each that is there is read too, on all
    cores. Pictures named by a URL are left to `ctc.inventory.checks.texts`.
    """
    if params.check == "none":
        return inventory
    pictures = Pictures.of(inventory)
    faults = _missing(pictures)
    found = list(_findings(pictures, faults))
    if params.check == "decode":
        contents, undecoded = _decode(pictures, faults, params.workers)
        found += _finding(NOT_DECODED, pictures, undecoded, reasons=True)
        found += duplicates(pictures, contents)
    # First, for a screen shows the first few: what is missing matters more than rare classes.
    return replace(inventory, findings=(*found, *inventory.findings))


def _missing(pictures: Pictures) -> Faults:
    total = len(pictures)
    with Progress("looking for pictures", total, "pictures") as progress:
        names = _names(pictures.paths, progress)
        states = storage.file_states(pictures.inventory.root, names, total)
        return {place: state for place, state in enumerate(states) if state != storage.FINE}


def _names(paths: pa.ChunkedArray, progress: Progress) -> Iterator[str]:
    for start in range(0, len(paths), BLOCK):
        block = paths.slice(start, BLOCK).to_pylist()
        yield from block
        progress.advance(len(block))


def _findings(pictures: Pictures, faults: Faults) -> Iterator[Finding]:
    for state, what in WORDED.items():
        same = {place: fault for place, fault in faults.items() if fault == state}
        is_all = state == storage.MISSING and len(same) == len(pictures)
        yield from _finding(ALL_MISSING if is_all else what, pictures, same)
    others = {place: fault for place, fault in faults.items() if fault not in WORDED}
    yield from _finding(NOT_READ, pictures, others, reasons=True)


def _finding(
    what: str, pictures: Pictures, faults: Faults, reasons: bool = False
) -> Iterator[Finding]:
    cases = [
        pictures.case(place, fault if reasons else "") for place, fault in sorted(faults.items())
    ]
    if cases:
        yield Finding.of(what, cases)


def _decode(pictures: Pictures, faults: Faults, workers: int) -> tuple[NDArray[np.uint64], Faults]:
    """Decode all pictures that can be read, each once.

    Returns:
        uint64 [pictures]: what the content is known by, 0 where it could not be read; and why
        pictures could not be decoded.
    """
    readable = np.delete(np.arange(len(pictures)), list(faults))
    codes = numbered(pictures.paths.take(readable))
    first = np.unique(codes, return_index=True)[1]
    contents = np.zeros(len(first), np.uint64)
    undecoded: Faults = {}
    for number, seen in _looks(pictures, readable[first], workers):
        contents[number] = int.from_bytes(seen.content)
        if seen.fault:
            undecoded[number] = seen.fault
    every = np.zeros(len(pictures), np.uint64)
    every[readable] = contents[codes]
    again = np.flatnonzero(np.isin(codes, list(undecoded)))
    return every, {int(readable[n]): undecoded[int(codes[n])] for n in again}


def _looks(
    pictures: Pictures, places: NDArray[np.int64], workers: int
) -> Iterator[tuple[int, Look]]:
    """Yield what was seen of each picture, by its number among `places`."""
    with Progress("decoding", len(places), "pictures") as progress:
        for task, seen in run_tasks(look, _tasks(pictures, places), workers):
            yield from enumerate(seen, task.first)
            progress.advance(len(seen))


def _tasks(pictures: Pictures, places: NDArray[np.int64]) -> Iterator[LookTask]:
    for first in range(0, len(places), PICTURES_A_TASK):
        names = pictures.paths.take(places[first : first + PICTURES_A_TASK]).to_pylist()
        yield LookTask(pictures.inventory.root, tuple(names), first)
