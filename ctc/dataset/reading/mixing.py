"""Which captures an epoch shows by nature, and their order: each dataset as often as it weighs.

A dataset is gone through once, again where its weight is 2 or more, and once more for a share of
its captures where the weight is no whole number. What is passed over is read, but not decoded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ctc.dataset.mixture import Part

Read = Callable[[tf.Tensor, tf.Tensor], tf.data.Dataset]


@dataclass(frozen=True)
class Stored:
    """The shards of some splits of one dataset, and how often an epoch shows their captures.

    Attributes:
        files: paths.
        firsts: place of the first capture of each among all of them.
        captures: how many there are.
        shown: how many an epoch shows.
    """

    files: tuple[str, ...]
    firsts: tuple[int, ...]
    captures: int
    shown: int

    @classmethod
    def of(cls, part: Part, splits: tuple[str, ...]) -> "Stored":
        """Look up a part of a mixture."""
        shards = part.dataset.shards_of(splits)
        ends = np.cumsum([shard.captures for shard in shards])
        return cls(
            files=tuple(str(part.dataset.folder / shard.name) for shard in shards),
            firsts=(0, *ends[:-1].tolist()),
            captures=part.captures(splits),
            shown=part.shown(splits),
        )

    @property
    def whole(self) -> int:
        """How many times an epoch shows all of them."""
        return self.shown // self.captures

    def kept(self, seed: int, epoch: int) -> NDArray[np.bool_]:
        """Return which captures an epoch shows once more than the others.

        The captures of one drawn order take turns: epoch by epoch, the next ones. So each is
        shown before any is shown again, and an epoch follows from its number alone.
        """
        count = self.shown % self.captures
        order = np.random.default_rng(seed).permutation(self.captures)
        kept = np.zeros(self.captures, np.bool_)
        kept[np.roll(order, -epoch * count)[:count]] = True
        return kept


def seeds_of(seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """Two seeds of an epoch: for the order of the files; for that of captures, and pictures."""
    return tf.random.split(tf.stack([tf.cast(seed, tf.int64), epoch]), 2)


def mixed_records(
    stored: Sequence[Stored], seed: int, epoch: tf.Tensor, buffer: int
) -> tf.data.Dataset:
    """Yield the captures that an epoch shows, still encoded, each with the number of its round.

    The datasets are mixed evenly, also where one has few shards, and the captures then shuffled,
    `buffer` of them among each other.
    """
    of_files, of_captures = tf.unstack(seeds_of(seed, epoch))
    streams = [
        _of_epoch(one, seed, epoch, tf.random.fold_in(of_files, place))
        for place, one in enumerate(stored)
    ]
    whose = tf.data.Dataset.from_tensor_slices(evenly([one.shown for one in stored]))
    mixed = tf.data.Dataset.choose_from_datasets(streams, whose) if streams[1:] else streams[0]
    # Shuffled block by block, for tf.data's own shuffle takes no seed that depends on the
    # epoch; while still encoded, for a place costs kilobytes then, not a picture.
    blocks = mixed.batch(buffer)
    return blocks.map(lambda *block: _shuffled(block, of_captures)).unbatch()


def evenly(counts: Sequence[int]) -> NDArray[np.int64]:
    """Return so many 0s, 1s and so on, each kind spread evenly over the whole."""
    place = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    return np.repeat(np.arange(len(counts)), counts)[np.argsort(place, kind="stable")]


def _of_epoch(stored: Stored, seed: int, epoch: tf.Tensor, of_files: tf.Tensor) -> tf.data.Dataset:
    """Go through a dataset as many times as an epoch does."""
    paths = tf.constant(stored.files)
    firsts = tf.constant(stored.firsts, tf.int64)

    def in_order(turn: tf.Tensor, read: Read) -> tf.data.Dataset:
        files = _shuffled((paths, firsts), tf.random.fold_in(of_files, turn))
        records = tf.data.Dataset.from_tensor_slices(files).interleave(
            read, cycle_length=4, num_parallel_calls=4, deterministic=True
        )
        return tf.data.Dataset.zip(tf.data.Dataset.from_tensors(turn).repeat(), records)

    def every(path: tf.Tensor, _: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(path)

    def some(path: tf.Tensor, first: tf.Tensor) -> tf.data.Dataset:
        records = tf.data.TFRecordDataset(path).enumerate(first)
        return records.filter(lambda place, _: kept[place]).map(lambda _, record: record)

    rounds = tf.data.Dataset.range(stored.whole).flat_map(lambda turn: in_order(turn, every))
    if stored.shown == stored.whole * stored.captures:
        return rounds
    kept = tf.numpy_function(lambda number: stored.kept(seed, int(number)), [epoch], tf.bool)
    return rounds.concatenate(in_order(tf.constant(stored.whole, tf.int64), some))


def _shuffled(columns: tuple[tf.Tensor, ...], seed: tf.Tensor) -> tuple[tf.Tensor, ...]:
    rows = tf.range(tf.size(columns[0]))
    order = tf.random.experimental.stateless_shuffle(rows, seed=seed)
    return tuple(tf.gather(column, order) for column in columns)
