"""The dataset: a folder of shards and `dataset.json`, which says what is in them."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pandas as pd

from ctc import storage
from ctc.dataset.records import Record, read_records
from ctc.dataset.shards import Shard
from ctc.errors import BadInput
from ctc.labels import Label

MANIFEST, SKIPPED = "dataset.json", "skipped.csv"
SCHEMA_VERSION = 1

Counts = dict[str, dict[str, dict[str, int]]]  # label -> split -> class -> captures


@dataclass(frozen=True)
class Dataset:
    """A dataset whose files lie in a local folder.

    Attributes:
        folder: where the shards can be read.
        uri: where the dataset was asked for; differs from `folder` for s3://.
        parameters: what it was written with.
        labels: captures per label, split and class; a missing label counts in none.
        locations: names of the locations of each split, sorted.
        shards: its files.
        skipped: captures and pictures left out, per reason.
        digest: of the content, 32 hexadecimal digits.
        inventory_digest: of the inventory it was written from.
    """

    folder: Path
    uri: str
    parameters: dict[str, Any]
    labels: Counts
    locations: dict[str, list[str]]
    shards: tuple[Shard, ...]
    skipped: dict[str, int]
    digest: str
    inventory_digest: str

    @property
    def splits(self) -> dict[str, int]:
        """Captures of each split."""
        counts: dict[str, int] = {}
        for shard in self.shards:
            counts[shard.split] = counts.get(shard.split, 0) + shard.captures
        return counts

    @property
    def shared_locations(self) -> tuple[str, ...]:
        """Locations that are in more than one split."""
        found = Counter(name for names in self.locations.values() for name in names)
        return tuple(sorted(name for name, splits in found.items() if splits > 1))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the splits whose name fits a pattern such as `train*`.

        Raises:
            BadInput: if none does, with those that exist.
        """
        found = tuple(split for split in self.splits if fnmatchcase(split, pattern))
        if not found:
            has = ", ".join(self.splits)
            raise BadInput(f"no split of '{self.uri}' matches '{pattern}'; it has: {has}")
        return found

    def shards_of(self, splits: tuple[str, ...]) -> tuple[Shard, ...]:
        """Return the shards of some splits."""
        return tuple(shard for shard in self.shards if shard.split in splits)

    def records(self, splits: tuple[str, ...]) -> Iterator[Record]:
        """Yield the captures of some splits, in the order of the files.

        Raises:
            OSError: for a damaged shard.
        """
        for shard in self.shards_of(splits):
            yield from read_records(self.folder / shard.name)

    def classes(self, label: str, splits: tuple[str, ...]) -> Label:
        """Return a label with the classes that occur in some splits, sorted.

        Raises:
            BadInput: if there are fewer than two, for there is nothing to learn then.
        """
        found = {name for split in splits for name in self.labels[label].get(split, {})}
        if len(found) < 2:
            has = ", ".join(sorted(found)) or "no class"
            raise BadInput(f"label '{label}' has {has} in {', '.join(splits)}; it needs two")
        return Label(label, tuple(sorted(found)))

    def class_table(self) -> pd.DataFrame:
        """Return a row a label and class: its captures in each split."""
        splits = list(self.splits)
        rows = []
        for label, of_split in self.labels.items():
            for name in sorted({name for classes in of_split.values() for name in classes}):
                counts = {split: of_split.get(split, {}).get(name, 0) for split in splits}
                rows.append({"label": label, "class": name, **counts})
        return pd.DataFrame(rows, columns=["label", "class", *splits])

    @property
    def documents(self) -> tuple[Path, ...]:
        """The files that say what is in the dataset and what is not."""
        return (self.folder / MANIFEST, self.folder / SKIPPED)

    def write(self) -> None:
        """Write `dataset.json` into the folder; it comes last, when the shards are there."""
        about = asdict(self) | {"schema_version": SCHEMA_VERSION}
        del about["folder"], about["uri"]
        text = json.dumps(about, indent=1)
        storage.write_bytes(str(self.folder / MANIFEST), text.encode())


def open_dataset(uri: str) -> Dataset:
    """Open a dataset; one on S3 is fetched into the cache and verified by its checksums.

    Raises:
        BadInput: if there is none, its version is not known, or a shard is missing or damaged.
    """
    about = _read_manifest(uri)
    folder = _fetch(uri, about) if storage.is_s3(uri) else storage.local_path(uri)
    shards = tuple(Shard(**shard) for shard in about.pop("shards"))
    _check_complete(uri, folder, shards)
    return Dataset(folder=folder, uri=uri, shards=shards, **about)


def _read_manifest(uri: str) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads(storage.read_bytes(storage.join(uri, MANIFEST)))
        version = about.pop("schema_version")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"no dataset at '{uri}'; the step `dataset` writes one") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"'{uri}/{MANIFEST}' is not the manifest of a dataset") from error
    if version != SCHEMA_VERSION:
        raise BadInput(f"dataset '{uri}' has schema version {version}; allowed: {SCHEMA_VERSION}")
    return about


def _fetch(uri: str, about: dict[str, Any]) -> Path:
    checksums = {shard["name"]: shard["sha256"] for shard in about["shards"]}
    folder = storage.cache_folder() / str(about["digest"])
    storage.fetch_folder(
        uri, folder, checksums, lambda path, name: storage.sha256(path) == checksums[name]
    )
    return folder


def _check_complete(uri: str, folder: Path, shards: tuple[Shard, ...]) -> None:
    for shard in shards:
        path = folder / shard.name
        found = f"has {path.stat().st_size} bytes" if path.is_file() else "is missing"
        if found != f"has {shard.bytes} bytes":
            raise BadInput(
                f"dataset '{uri}': shard '{shard.name}' {found}; {shard.bytes} bytes are "
                "expected: write the dataset again"
            )
