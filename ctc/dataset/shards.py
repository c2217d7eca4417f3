"""One shard: what goes into it, and the task that writes it.

A worker process imports this and little else, so that it starts in a moment and stays small.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ctc import storage
from ctc.dataset.records import Record, encode, write_framed
from ctc.pictures.decoding import StoredForm, UnreadablePicture, shrunk, to_jpeg
from ctc.pictures.files import picture_bytes
from ctc.pictures.fingerprints import Fingerprint, fingerprint


@dataclass(frozen=True)
class Capture:
    """One capture to be written: its pictures as the inventory names them, what is known of it."""

    capture_id: str
    images: tuple[str, ...]
    labels: dict[str, str]
    metadata: dict[str, str]


@dataclass(frozen=True)
class Skip:
    """A capture, or one picture of it, that is not in the dataset, and why."""

    capture_id: str
    image: str
    reason: str


@dataclass(frozen=True)
class ShardTask:
    """One shard to be written.

    Attributes:
        path: the file.
        split: of its captures.
        captures: what goes into it, in this order.
        form: how pictures are stored.
        root: the folder or URI that relative picture paths start from.
    """

    path: Path
    split: str
    captures: tuple[Capture, ...]
    form: StoredForm
    root: str = ""

    @property
    def digest(self) -> str:
        """A name for what is asked for, 32 hexadecimal digits; `path` has no part in it."""
        captures = [[one.capture_id, one.images, one.labels, one.metadata] for one in self.captures]
        asked = [self.split, self.root, asdict(self.form), captures]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name in the folder, what it holds, its size and checksum.

    `task` is the digest of the task that wrote it: only that task may keep it.
    """

    name: str
    split: str
    captures: int
    images: int
    bytes: int
    sha256: str
    task: str = ""


@dataclass(frozen=True)
class StoredPicture:
    """One picture of a shard: its capture, its path as the inventory has it, its fingerprint."""

    capture_id: str
    image: str
    fingerprint: Fingerprint


@dataclass(frozen=True)
class WrittenShard:
    """What a finished task reports.

    Attributes:
        shard: the file.
        classes: captures per (label, class).
        locations: where its captures were taken.
        skips: pictures and captures that could not be read.
        pictures: those that could, in the order of the file.
    """

    shard: Shard
    classes: Counter[tuple[str, str]]
    locations: frozenset[str]
    skips: tuple[Skip, ...]
    pictures: tuple[StoredPicture, ...]


@dataclass
class _Reading:
    """What has happened to the pictures of a shard so far."""

    skips: list[Skip]
    pictures: list[StoredPicture]


def write_shard(task: ShardTask) -> WrittenShard:
    """Write one shard, whole or not at all. May be run twice; the result is the same."""
    reading = _Reading([], [])
    with storage.atomic_file(task.path) as temporary:
        with temporary.open("wb") as file:
            for record in _records(task, reading):
                write_framed(file, encode(record))
        size, checksum = temporary.stat().st_size, storage.sha256(temporary)
    return report_on(task, size, checksum, tuple(reading.skips), tuple(reading.pictures))


def report_on(
    task: ShardTask,
    size: int,
    checksum: str,
    skips: tuple[Skip, ...],
    pictures: tuple[StoredPicture, ...],
) -> WrittenShard:
    """Return the report on a shard of this size (bytes), SHA-256 and content."""
    stored = {picture.capture_id for picture in pictures}
    captures = [capture for capture in task.captures if capture.capture_id in stored]
    classes = Counter(pair for capture in captures for pair in capture.labels.items())
    locations = {capture.metadata.get("location", "") for capture in captures} - {""}
    counts = len(captures), len(pictures)
    shard = Shard(task.path.name, task.split, *counts, size, checksum, task.digest)
    return WrittenShard(shard, classes, frozenset(locations), skips, pictures)


def _records(task: ShardTask, reading: _Reading) -> Iterator[Record]:
    for capture in task.captures:
        images = tuple(_jpegs(capture, task, reading))
        if images:
            yield Record(capture.capture_id, images, capture.labels, capture.metadata)
            continue
        reason = "none of its pictures can be read" if capture.images else "it has no picture"
        reading.skips.append(Skip(capture.capture_id, "", reason))


def _jpegs(capture: Capture, task: ShardTask, reading: _Reading) -> Iterator[bytes]:
    for image in capture.images:
        try:
            jpeg, print_ = _stored(image, task)
        except UnreadablePicture as error:
            reading.skips.append(Skip(capture.capture_id, image, str(error)))
        else:
            reading.pictures.append(StoredPicture(capture.capture_id, image, print_))
            yield jpeg


def _stored(image: str, task: ShardTask) -> tuple[bytes, Fingerprint]:
    data = picture_bytes(task.root, image)
    picture = shrunk(data, task.form)
    return to_jpeg(picture, task.form.quality), fingerprint(data, picture)
