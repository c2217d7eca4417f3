"""A dataset lends its shards to the next run of the same origin, which verifies them."""

import csv
import os
import shutil
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from ctc import storage
from ctc.dataset.images import SCHEMA, pictures_of
from ctc.dataset.manifest import MANIFEST, SKIPPED, Dataset, fetch, read_manifest
from ctc.dataset.reports import report_path, write_report
from ctc.dataset.resuming import Origin, origin_in
from ctc.dataset.shards import Shard, ShardTask, Skip, report_on
from ctc.errors import BadInput


@dataclass(frozen=True)
class Lender:
    """A dataset, which may have lost something.

    Attributes:
        dataset: what its manifest says.
        damages: what is wrong with its files but for the shards; such a dataset lends nothing.
        shards: what it lends by name, with the number of the first row of each in `images`.
        skips: what it lacks, by capture.
        images: see `Dataset.images`.
    """

    dataset: Dataset
    damages: tuple[str, ...]
    shards: dict[str, tuple[Shard, int]]
    skips: dict[str, tuple[Skip, ...]]
    images: pa.Table

    def lending(self, tasks: Iterable[ShardTask]) -> Iterator[ShardTask]:
        """Yield tasks, each with the shard of this dataset in its place and a report on it."""
        for task in tasks:
            # A run that was killed when all was in place leaves the reports without the shards.
            if not (report_path(task.path).exists() and task.path.exists()):
                self._lend(task)
            yield task

    def _lend(self, task: ShardTask) -> None:
        shard, first = self.shards.get(task.path.name, (None, 0))
        if shard is None or shard.task != task.digest:
            return
        _link(self.dataset.folder / shard.name, task.path)
        pictures = pictures_of(self.images.slice(first, shard.images))
        skips = (s for capture in task.captures for s in self.skips.get(capture.capture_id, ()))
        report = report_on(task, shard.bytes, shard.sha256, tuple(skips), tuple(pictures))
        write_report(task.path, report)

    def found_damaged(self, kept: Container[str]) -> tuple[str, ...]:
        """Say what is wrong with the files of this dataset.

        Args:
            kept: names of the shards that are known to be whole.
        """
        if self.damages:
            return self.damages
        there = {*storage.list_files(self.dataset.uri)}
        missing = (f"'{name}' is missing" for name in self.shards if name not in there)
        doubtful = (name for name in self.shards if name in there and name not in kept)
        return (*missing, *_damages(self.dataset, doubtful))

    def is_same(self, dataset: Dataset) -> bool:
        """Say whether a dataset that is made of what was lent is this one, and it has no more."""
        one, other = (
            ([*storage.list_files(place)], storage.read_bytes(storage.join(place, MANIFEST)))
            for place in (self.dataset.uri, str(dataset.folder))
        )
        return dataset.kept == len(dataset.shards) and one == other


def lender_at(uri: str, origin: Origin) -> Lender | None:
    """Return the dataset of this origin that is there, if there is one."""
    try:
        dataset = read_manifest(uri)
        if origin_in(dataset) != origin:
            return None
        if storage.is_s3(uri):
            _fetch_what_is_whole(dataset)
        # The shards are verified by those who keep them; reports are made of these files.
        if damages := tuple(_damages(dataset, dataset.checksums)):
            return Lender(dataset, damages, {}, {}, SCHEMA.empty_table())
        return Lender(dataset, (), _with_first_rows(dataset), _skips(dataset), dataset.images())
    except (BadInput, OSError, ValueError):  # there is none, or what there is cannot be read
        return None


def _fetch_what_is_whole(dataset: Dataset) -> None:
    try:
        fetch(dataset, dataset.file_checksums)
    except (BadInput, FileNotFoundError):
        for name in dataset.file_checksums:
            with suppress(BadInput, FileNotFoundError):
                fetch(dataset, [name])


def _damages(dataset: Dataset, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        path = dataset.folder / name
        if not path.is_file():
            yield f"'{name}' is missing"
        elif storage.sha256(path) != dataset.file_checksums[name]:
            yield f"'{name}' is not as it was written"


def _with_first_rows(dataset: Dataset) -> dict[str, tuple[Shard, int]]:
    firsts = accumulate((shard.images for shard in dataset.shards), initial=0)
    return {one.name: (one, first) for one, first in zip(dataset.shards, firsts, strict=False)}


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
