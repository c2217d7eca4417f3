"""The dataset: a folder of shards and `dataset.json`, which says what is in them."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ctc import storage
from ctc.dataset.images import IMAGES_FILE, read_images
from ctc.dataset.period import Period
from ctc.dataset.records import Record, read_records
from ctc.dataset.shards import Shard
from ctc.errors import BadInput

if TYPE_CHECKING:  # its import takes longer than all else here
    import pandas as pd

MANIFEST, SKIPPED = "dataset.json", "skipped.csv"
SCHEMA_VERSION = 2
OF_A_RUN = ("folder", "uri", "kept", "notes")  # what the file does not say

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
        written_by: versions of what else decides the bytes.
        checksums: SHA-256 of the files that are neither shards nor the manifest, by their name.
        periods: when the captures of each split were taken, where that is known.
        kept: number of shards that the run that wrote it took over from an earlier one.
        notes: sentences on what that run noticed; a dataset that was opened has none.
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
    written_by: str = ""
    checksums: dict[str, str] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    kept: int = field(default=0, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def file_checksums(self) -> dict[str, str]:
        """SHA-256 of all files but the manifest, by their name."""
        return {shard.name: shard.sha256 for shard in self.shards} | self.checksums

    @property
    def splits(self) -> dict[str, int]:
        """Captures of each split."""
        counts: dict[str, int] = {}
        for shard in self.shards:
            counts[shard.split] = counts.get(shard.split, 0) + shard.captures
        return counts

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

        A shard that a cluster has put on S3, and that has not been here, is fetched.

        Raises:
            OSError: for a damaged shard.
        """
        for shard in self.shards_of(splits):
            if storage.is_s3(self.uri) and not (self.folder / shard.name).is_file():
                fetch(self, [shard.name])
            yield from read_records(self.folder / shard.name)

    def class_table(self) -> "pd.DataFrame":
        """Return a row a label and class: its captures in each split."""
        import pandas as pd

        splits = list(self.splits)
        rows = []
        for label, of_split in self.labels.items():
            for name in sorted({name for classes in of_split.values() for name in classes}):
                counts = {split: of_split.get(split, {}).get(name, 0) for split in splits}
                rows.append({"label": label, "class": name, **counts})
        return pd.DataFrame(rows, columns=["label", "class", *splits])

    def images(self) -> pa.Table:
        """Return a row a stored picture, in the order of the shards.

        The columns are capture_id, split, image (its path as the inventory has it), content and
        perceptual (see `ctc.pictures.fingerprints.Fingerprint`).

        Raises:
            OSError: for a damaged file.
        """
        return read_images(self.folder / IMAGES_FILE)

    def burst_lengths(self, splits: tuple[str, ...]) -> list[int]:
        """Return how many pictures each capture of some splits has, in the order of the files."""
        table = self.images().select(["capture_id", "split"])
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        return [*Counter(name for name, split in rows if split in splits).values()]

    @property
    def skipped_counts(self) -> dict[str, int]:
        """Numbers of captures and of pictures that were left out, as `skipped.csv` lists them."""
        with (self.folder / SKIPPED).open(newline="", encoding="utf-8") as file:
            of_picture = Counter(bool(row["image"]) for row in csv.DictReader(file))
        return {"skipped_captures": of_picture[False], "skipped_images": of_picture[True]}

    @property
    def documents(self) -> tuple[Path, ...]:
        """The files that say what is in the dataset and what is not."""
        return (self.folder / MANIFEST, self.folder / SKIPPED)

    def write(self) -> None:
        """Write `dataset.json` into the folder; it comes last, when the shards are there."""
        about = asdict(self) | {"schema_version": SCHEMA_VERSION}
        about = {name: value for name, value in about.items() if name not in OF_A_RUN}
        text = json.dumps(about, indent=1)
        storage.write_bytes(str(self.folder / MANIFEST), text.encode())


def open_dataset(uri: str) -> Dataset:
    """Open a dataset; one on S3 is fetched into the cache and verified by its checksums.

    Raises:
        BadInput: if there is none, its version is not known, or a file is missing or damaged.
    """
    dataset = read_manifest(uri)
    if storage.is_s3(uri):
        fetch(dataset, dataset.file_checksums)
    _check_complete(dataset)
    return dataset


def read_manifest(uri: str) -> Dataset:
    """Read what `dataset.json` says, and look at no other file.

    Raises:
        BadInput: if there is no dataset, or its version is not known.
    """
    try:
        about: dict[str, Any] = json.loads(storage.read_bytes(storage.join(uri, MANIFEST)))
        _check_version(uri, about.pop("schema_version"))
        about["shards"] = tuple(Shard(**shard) for shard in about["shards"])
        # Absent from what was written before times were kept.
        periods = about.get("periods", {})
        about["periods"] = {split: Period(**period) for split, period in periods.items()}
        return Dataset(folder=_folder(uri, about["digest"]), uri=uri, **about)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(f"no dataset at '{uri}'; the step `dataset` writes one") from error
    except BadInput:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"'{uri}/{MANIFEST}' is not the manifest of a dataset") from error


def _check_version(uri: str, version: object) -> None:
    if version != SCHEMA_VERSION:
        raise BadInput(
            f"dataset '{uri}' has schema version {version}; allowed: {SCHEMA_VERSION}: write the "
            "dataset again"
        )


def _folder(uri: str, digest: str) -> Path:
    return storage.cache_folder() / digest if storage.is_s3(uri) else storage.local_path(uri)


def fetch(dataset: Dataset, names: Iterable[str]) -> None:
    """Fetch some files of a dataset on S3, and its manifest, into the cache.

    Raises:
        BadInput: if a file is damaged.
        FileNotFoundError: if one is missing.
    """
    checksums = dataset.file_checksums
    storage.fetch_folder(
        dataset.uri,
        dataset.folder,
        names,
        lambda path, name: storage.sha256(path) == checksums[name],
    )
    storage.fetch_file(storage.join(dataset.uri, MANIFEST), dataset.folder / MANIFEST)


def _check_complete(dataset: Dataset) -> None:
    for shard in dataset.shards:
        path = dataset.folder / shard.name
        found = f"has {path.stat().st_size} bytes" if path.is_file() else "is missing"
        if found != f"has {shard.bytes} bytes":
            raise BadInput(
                f"dataset '{dataset.uri}': shard '{shard.name}' {found}; {shard.bytes} bytes are "
                "expected: write the dataset again"
            )
    for name in dataset.checksums:
        if not (dataset.folder / name).is_file():
            raise BadInput(f"dataset '{dataset.uri}': '{name}' is missing: write the dataset again")
