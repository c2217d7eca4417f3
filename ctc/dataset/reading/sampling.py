"""Balanced sampling: which captures an epoch shows, and reading them from where they stand.

A rare class comes up many times an epoch. Repeating its captures where they happen to stand in a
shard would fill whole batches with one of them, so the order of an epoch is drawn first and the
records are read by their place in the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ctc.dataset.records import label_field
from ctc.labels import MISSING, Label
from ctc.progress import Progress

# The framing of a TFRecord: a length (8 bytes) and its checksum (4) before the data, the data's
# checksum (4) behind (https://www.tensorflow.org/tutorials/load_data/tfrecord).
BEFORE, BEHIND = 12, 4
AT_ONCE = 1024  # records looked at in one step
BLOCK, READERS = 32, 8  # records that one call reads, and calls at the same time


@dataclass(frozen=True)
class Places:
    """Where each capture stands, a row a capture in the order of the files.

    Attributes:
        files: paths of the shards.
        file: number of its shard.
        start: first byte of the record.
        length: bytes of the record.
        of_class: index of its class, or `MISSING`.
    """

    files: tuple[str, ...]
    file: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    of_class: NDArray[np.int64]


def places(files: Sequence[str], label: Label, captures: int) -> Places:
    """Read every record once, for its length and its class of a label.

    Args:
        files: paths of the shards.
        label: whose classes are wanted; a class that it does not have is `MISSING`.
        captures: how many there are, for the progress.
    """
    file, length, of_class = _looked_through(files, label, captures)
    framed = BEFORE + length + BEHIND
    sizes = np.bincount(file, framed, len(files)).astype(np.int64)
    of_earlier_files = (np.cumsum(sizes) - sizes)[file]
    start = np.cumsum(framed) - framed - of_earlier_files + BEFORE
    return Places(tuple(files), file, start, length, of_class)


def drawn(
    of_class: NDArray[np.int64],
    weight: NDArray[np.float64],
    count: int,
    seed: int,
    epoch: int,
) -> NDArray[np.int64]:
    """Draw `count` rows for an epoch, in which every class comes up equally often, give or take 1.

    Captures without a class come up as often as they would by nature, so that what they teach
    of other labels is kept. Of one class each capture comes up as often as it weighs; where all
    weigh the same, each comes up before any comes up again.

    Args:
        of_class: index of each capture's class, or `MISSING`.
        weight: of each capture: how often it is to come up beside others of its class.
        count: rows to draw.
        seed: of the training.
        epoch: its number; the same (seed, epoch) give the same rows.
    """
    draw = np.random.default_rng([seed, epoch])
    without = np.flatnonzero(of_class == MISSING)
    names = draw.permutation(np.unique(of_class[of_class != MISSING]))
    rest = round(count * weight[without].sum() / weight.sum())
    shares = [len(part) for part in np.array_split(np.arange(count - rest), len(names))]
    picked = [
        _again_and_again(np.flatnonzero(of_class == name), weight, share, draw)
        for name, share in zip(names, shares, strict=True)
    ]
    again = _again_and_again(without, weight, rest, draw)
    return draw.permutation(np.concatenate([*picked, again]))


def records_at(places: Places, rows: tf.Tensor) -> tf.data.Dataset:
    """Yield the records of some rows, in that order, still encoded."""
    blocks = tf.data.Dataset.from_tensor_slices(rows).batch(BLOCK)
    # By Python: a tf.data dataset a record costs four times as much as decoding its picture.
    read = blocks.map(
        lambda block: tf.numpy_function(lambda b: _read(places, b), [block], tf.string),
        num_parallel_calls=READERS,
        deterministic=True,
    )
    return read.map(lambda records: tf.ensure_shape(records, [None])).unbatch()


def _read(places: Places, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    found = np.empty(len(rows), object)
    for number, row in enumerate(rows):
        with Path(places.files[places.file[row]]).open("rb", buffering=0) as file:
            file.seek(places.start[row])
            found[number] = file.read(places.length[row])
    return found


def _looked_through(files: Sequence[str], label: Label, captures: int) -> list[NDArray[np.int64]]:
    """Number of the file, length and class of every record."""
    numbered = tf.data.Dataset.from_tensor_slices(list(files)).enumerate()
    looked = numbered.interleave(
        lambda number, path: (
            tf.data.TFRecordDataset(path)
            .batch(AT_ONCE)
            .map(lambda records: _looks(number, records, label))
        ),
        cycle_length=4,
        num_parallel_calls=4,
        deterministic=True,
    )
    found = []
    with Progress(f"looking for {label.name}", captures, "captures") as progress:
        for block in looked.as_numpy_iterator():
            found.append(block)
            progress.advance(block.shape[1])
    together = np.concatenate(found, axis=1)
    return list(together[:, np.argsort(together[0], kind="stable")])


def _looks(number: tf.Tensor, records: tf.Tensor, label: Label) -> tf.Tensor:
    spec = {label_field(label.name): tf.io.FixedLenFeature([], tf.string, "")}
    values = tf.io.parse_example(records, spec)[label_field(label.name)]
    length = tf.strings.length(records)
    file = tf.fill(tf.shape(length), tf.cast(number, tf.int32))
    return tf.cast(tf.stack([file, length, class_table(label).lookup(values)]), tf.int64)


def class_table(label: Label) -> tf.lookup.StaticHashTable:
    """Return a table from a value to the index of its class; any other text is `MISSING`."""
    values = [*dict.fromkeys((*label.classes, *label.merged))]
    indices = tf.constant([label.index(value) for value in values], tf.int32)
    table = tf.lookup.KeyValueTensorInitializer(tf.constant(values), indices)
    return tf.lookup.StaticHashTable(table, MISSING)


def _again_and_again(
    rows: NDArray[np.int64],
    weight: NDArray[np.float64],
    count: int,
    draw: np.random.Generator,
) -> NDArray[np.int64]:
    """Return `count` of the rows: round by round, each time in another order.

    The heaviest are in every round, one of half their weight in every second one, and so on.
    """
    picked, found = [rows[:0]], 0
    share = weight[rows] / weight[rows].max(initial=0.0)
    reached = draw.random(len(rows))
    while found < count:
        before, reached = np.floor(reached), reached + share
        picked.append(draw.permutation(rows[np.floor(reached) > before]))
        found += len(picked[-1])
    return np.concatenate(picked)[:count]
