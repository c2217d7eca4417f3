"""One shard: what goes into it, and the task that writes it.

A worker process imports this and little else, so that it starts in a moment and stays small.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ctc import storage
from ctc.dataset.records import Record, encode, write_framed
from ctc.pictures.decoding import StoredForm, UnreadablePicture, to_jpeg


@dataclass(frozen=True)
class Capture:
    """One capture to be written: where its pictures are, and what is known of it."""

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
    """One shard to be written."""

    path: Path
    split: str
    captures: tuple[Capture, ...]
    form: StoredForm


@dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name in the folder, what it holds, its size and checksum."""

    name: str
    split: str
    captures: int
    images: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class WrittenShard:
    """What a finished task reports.

    Attributes:
        shard: the file.
        classes: captures per (label, class).
        locations: where its captures were taken.
        skips: pictures and captures that could not be read.
    """

    shard: Shard
    classes: Counter[tuple[str, str]]
    locations: frozenset[str]
    skips: tuple[Skip, ...]


def write_shard(task: ShardTask) -> WrittenShard:
    """Write one shard, whole or not at all. May be run twice; the result is the same."""
    skips: list[Skip] = []
    classes: Counter[tuple[str, str]] = Counter()
    locations: set[str] = set()
    captures = images = 0
    with storage.atomic_file(task.path) as temporary:
        with temporary.open("wb") as file:
            for record in _records(task, skips):
                write_framed(file, encode(record))
                classes.update(record.labels.items())
                locations.update(filter(None, [record.metadata.get("location")]))
                captures, images = captures + 1, images + len(record.images)
        size, checksum = temporary.stat().st_size, storage.sha256(temporary)
    shard = Shard(task.path.name, task.split, captures, images, size, checksum)
    return WrittenShard(shard, classes, frozenset(locations), tuple(skips))


def _records(task: ShardTask, skips: list[Skip]) -> Iterator[Record]:
    for capture in task.captures:
        images = _jpegs(capture, task.form, skips)
        if images:
            yield Record(capture.capture_id, images, capture.labels, capture.metadata)
        else:
            skips.append(Skip(capture.capture_id, "", "none of its pictures can be read"))


def _jpegs(capture: Capture, form: StoredForm, skips: list[Skip]) -> tuple[bytes, ...]:
    read = []
    for image in capture.images:
        try:
            read.append(to_jpeg(storage.read_bytes(image), form))
        except UnreadablePicture as error:
            skips.append(Skip(capture.capture_id, image, str(error)))
        except OSError as error:
            skips.append(Skip(capture.capture_id, image, storage.why_not_read(error)))
    return tuple(read)
