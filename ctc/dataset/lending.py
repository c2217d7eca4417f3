"""A complete dataset lends its shards to the next run of the same origin, which verifies them."""

import csv
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from ctc import storage
from ctc.dataset.images import pictures_of
from ctc.dataset.manifest import MANIFEST, SKIPPED, Dataset, open_dataset
from ctc.dataset.reports import report_path, write_report
from ctc.dataset.resuming import Origin, origin_in
from ctc.dataset.shards import Shard, ShardTask, Skip, report_on
from ctc.errors import BadInput


@dataclass(frozen=True)
class Lender:
    """A complete dataset.

    Attributes:
        dataset: what its manifest says.
        shards: its files by their name, with the number of the first row of each in `images`.
        skips: what it lacks, by capture.
        images: see `Dataset.images`.
    """

    dataset: Dataset
    shards: dict[str, tuple[Shard, int]]
    skips: dict[str, tuple[Skip, ...]]
    images: pa.Table

    def lending(self, tasks: Iterable[ShardTask]) -> Iterator[ShardTask]:
        """Yield tasks, each with the shard of this dataset in its place and a report on it."""
        for task in tasks:
            if task.path.name in self.shards and not report_path(task.path).exists():
                self._lend(task)
            yield task

    def _lend(self, task: ShardTask) -> None:
        shard, first = self.shards[task.path.name]
        _link(self.dataset.folder / shard.name, task.path)
        pictures = pictures_of(self.images.slice(first, shard.images))
        skips = (s for capture in task.captures for s in self.skips.get(capture.capture_id, ()))
        report = report_on(task, shard.bytes, shard.sha256, tuple(skips), tuple(pictures))
        write_report(task.path, report)

    def is_same(self, dataset: Dataset) -> bool:
        """Say whether a dataset that is made of what was lent is this one, and it has no more."""
        one, other = (
            ([*storage.list_files(place)], storage.read_bytes(storage.join(place, MANIFEST)))
            for place in (self.dataset.uri, str(dataset.folder))
        )
        return dataset.kept == len(dataset.shards) and one == other


def lender_at(uri: str, origin: Origin) -> Lender | None:
    """Return the complete dataset of this origin that is there, if there is one."""
    try:
        dataset = open_dataset(uri)
        if origin_in(dataset) != origin or not _has_whole_documents(dataset):
            return None
        firsts = accumulate((shard.images for shard in dataset.shards), initial=0)
        shards = {
            one.name: (one, first) for one, first in zip(dataset.shards, firsts, strict=False)
        }
        return Lender(dataset, shards, _skips(dataset), dataset.images())
    except (BadInput, OSError, ValueError):  # there is none, or what there is is damaged
        return None


def _has_whole_documents(dataset: Dataset) -> bool:
    """The shards are verified by those who keep them; reports are made of these files."""
    return all(
        storage.sha256(dataset.folder / name) == checksum
        for name, checksum in dataset.checksums.items()
    )


def _skips(dataset: Dataset) -> dict[str, tuple[Skip, ...]]:
    found: dict[str, tuple[Skip, ...]] = defaultdict(tuple)
    with (dataset.folder / SKIPPED).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[row["capture_id"]] += (Skip(**row),)
    return found


def _link(source: Path, target: Path) -> None:
    """Put a file at a second place: no copy where the file system can have it under two names."""
    if not source.exists():
        return
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
