"""From shards to batches, by tf.data: the host decodes, resizes and batches, nothing else.

A batch is `(uint8 [B, H, W, 3], {label: int32 [B]}, {label: float32 weight [B]})`; a missing
label has index 0 and weight 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from ctc.dataset.image_spec import STACK, ImageSpec
from ctc.dataset.mixture import Mixture
from ctc.dataset.reading.fitted import pixels_of, views
from ctc.dataset.reading.mixing import Stored, mixed_records, seeds_of
from ctc.dataset.reading.sampling import Places, class_table, drawn, places, records_at
from ctc.dataset.reading.sharing import ALL, Share
from ctc.dataset.records import CAPTURE_ID, IMAGES, label_field
from ctc.labels import MISSING, Label

Take = Literal["random", "first"]

# From the number of an epoch to its records, still encoded, each with a number that changes which
# of its pictures is taken.
RecordsOfEpoch = Callable[[tf.Tensor], tf.data.Dataset]


@dataclass(frozen=True)
class Reading:
    """What is read: some splits of a mixture, as a network with these heads wants them.

    Attributes:
        steps_per_epoch: batches an epoch of training; 0: as many as show every capture as often
            as its dataset weighs.
        sampled: label whose classes an epoch of training shows equally often; None: captures
            come as they are.
        take: what an epoch of training shows of each capture: one of its pictures, or stacks of
            three, drawn anew each time, or the first.
        shuffle_buffer: captures that are shuffled among each other where they come as they are.
            Two times as many are held as they are stored: some 100 kB each.
        workers: threads that decode; 0: one a core.
        share: the part of every batch that is read here, where several hosts read.
    """

    mixture: Mixture
    splits: tuple[str, ...]
    labels: tuple[Label, ...]
    image: ImageSpec
    batch_size: int
    steps_per_epoch: int = 0
    sampled: Label | None = None
    take: Take = "random"
    shuffle_buffer: int = 1024
    workers: int = 0
    share: Share = ALL

    @property
    def captures(self) -> int:
        """Number of captures, each counted once."""
        return sum(part.captures(self.splits) for part in self.mixture.parts)

    @property
    def shown(self) -> int:
        """Number of captures that an epoch of training shows."""
        return sum(part.shown(self.splits) for part in self.mixture.parts)

    @property
    def images(self) -> int:
        """Number of pictures."""
        shards = (part.dataset.shards_of(self.splits) for part in self.mixture.parts)
        return sum(shard.images for of_part in shards for shard in of_part)

    @cached_property
    def views(self) -> int:
        """Number of pictures, or of stacks of three, that a round of validation shows."""
        if not self.image.stacked:
            return self.images
        lengths = (part.dataset.burst_lengths(self.splits) for part in self.mixture.parts)
        return sum(max(count - STACK + 1, 1) for of_part in lengths for count in of_part)

    @property
    def steps(self) -> int:
        """Batches an epoch of training."""
        return self.steps_per_epoch or -(-self.shown // self.batch_size)

    @property
    def validation_steps(self) -> int:
        """Batches a round of validation."""
        return -(-self.views // self.batch_size)

    def knows(self, label: Label) -> bool:
        """Tell whether any capture has one of the label's classes."""
        return not {*self.mixture.counts(label.name, self.splits)}.isdisjoint(label.classes)

    @property
    def stored(self) -> tuple[Stored, ...]:
        """Where the captures of each dataset are."""
        return tuple(Stored.of(part, self.splits) for part in self.mixture.parts)

    @property
    def files(self) -> list[str]:
        """Paths of the shards, one dataset after the other, in the order of the manifests."""
        return [path for one in self.stored for path in one.files]

    @cached_property
    def places(self) -> Places:
        """Where each capture stands and its class of `sampled`: every record is read, once."""
        assert self.sampled
        return places(self.files, self.sampled, self.captures)


def training_batches(
    reading: Reading, epochs: int, seed: int, first: int = 0, step: int = 0
) -> tf.data.Dataset:
    """Yield `reading.steps` batches an epoch, each capture with one of its pictures (or stacks).

    From batch `step` of epoch `first` (both counted from 0) up to, and without, epoch `epochs`.

    The order of captures and the choice of pictures are a pure function of (seed, epoch), and
    have to stay one: a training that goes on in the middle of an epoch leaves out the records
    that it has seen, while they are still encoded. The last batch of an epoch is filled up with
    its first captures: every batch has the same shape, for which the step is compiled once.
    """
    return _shown(reading, reading.labels, range(first, epochs), seed, step)


def first_batch(reading: Reading, labels: tuple[Label, ...], seed: int) -> tuple[Any, Any, Any]:
    """Return the first batch of a training, with what is known of `labels` for its captures."""
    batch: tuple[Any, Any, Any] = next(iter(_shown(reading, labels, range(1), seed).take(1)))
    return batch


def _shown(
    reading: Reading, labels: tuple[Label, ...], epochs: range, seed: int, step: int = 0
) -> tf.data.Dataset:
    records = _balanced if reading.sampled else _natural
    of_epoch = records(reading, seed)

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        choice = seeds_of(seed, epoch)[1]
        seen = tf.where(epoch == epochs.start, tf.constant(step * reading.batch_size, tf.int64), 0)
        return reading.share.kept(of_epoch(epoch).skip(seen), reading.batch_size).map(
            lambda turn, record: _one_view(_parse(record, labels), reading, choice, turn),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    parsed = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(epoch_batches)
    return _batched(parsed, replace(reading, labels=labels))


def _natural(reading: Reading, seed: int) -> RecordsOfEpoch:
    """Every capture as often as its dataset weighs, then the first again to fill the last batch."""
    stored = reading.stored

    def records(epoch: tf.Tensor) -> tf.data.Dataset:
        mixed = mixed_records(stored, seed, epoch, reading.shuffle_buffer)
        return mixed.repeat().take(reading.steps * reading.batch_size)

    return records


def _balanced(reading: Reading, seed: int) -> RecordsOfEpoch:
    """Every class of the sampled label equally often; a capture may come up again."""
    found = reading.places
    parts = reading.mixture.parts
    weight = np.repeat(
        [part.weight for part in parts], [part.captures(reading.splits) for part in parts]
    )
    count = reading.steps * reading.batch_size

    def records(epoch: tf.Tensor) -> tf.data.Dataset:
        rows = tf.numpy_function(
            lambda number: drawn(found.of_class, weight, count, seed, int(number)),
            [epoch],
            tf.int64,
        )
        # Its turn gives a capture that comes up again another of its pictures.
        return records_at(found, tf.ensure_shape(rows, [count])).enumerate()

    return records


def validation_batches(reading: Reading) -> tf.data.Dataset:
    """Yield every picture (or stack) of every capture, in order, again and again.

    `reading.validation_steps` batches are one round. The last of them is filled up with black
    pictures of which nothing is known: every batch has the same shape, which several devices can
    share.
    """
    parsed = tf.data.TFRecordDataset(reading.files).flat_map(
        lambda record: _every_view(_parse(record, reading.labels), reading.image)
    )
    size, share = reading.batch_size, reading.share
    rest = reading.validation_steps * share.of_batch(size) - share.of_all(reading.views, size)
    return _batched(share.kept(parsed, size), reading, rest).repeat()


def _parse(record: tf.Tensor, labels: Sequence[Label]) -> dict[str, tf.Tensor]:
    spec: dict[str, Any] = {
        label_field(label.name): tf.io.FixedLenFeature([], tf.string, "") for label in labels
    }
    spec[IMAGES] = tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True)
    spec[CAPTURE_ID] = tf.io.FixedLenFeature([], tf.string)
    parsed: dict[str, tf.Tensor] = tf.io.parse_single_example(record, spec)
    return parsed


def _one_view(
    parsed: dict[str, tf.Tensor], reading: Reading, seed: tf.Tensor, turn: tf.Tensor
) -> dict[str, tf.Tensor]:
    found = views(parsed[IMAGES], reading.image)
    if reading.take == "first":
        return {**parsed, IMAGES: found[0]}
    own = tf.strings.to_hash_bucket_fast(parsed[CAPTURE_ID], 2**31 - 1)
    place = tf.random.stateless_uniform(
        [], tf.stack([seed[0], seed[1] + own + turn]), 0, tf.shape(found)[0], tf.int32
    )
    return {**parsed, IMAGES: found[place]}


def _every_view(parsed: dict[str, tf.Tensor], image: ImageSpec) -> tf.data.Dataset:
    found = tf.data.Dataset.from_tensor_slices(views(parsed[IMAGES], image))
    return found.map(lambda view: {**parsed, IMAGES: view})


def _batched(parsed: tf.data.Dataset, reading: Reading, rest: int = 0) -> tf.data.Dataset:
    """Decode and batch; `rest` more are needed to fill the last batch."""
    tables = [class_table(label) for label in reading.labels]

    def example(one: dict[str, tf.Tensor]) -> tuple[Any, Any, Any]:
        pixels = pixels_of(one[IMAGES], reading.image)
        names = [label.name for label in reading.labels]
        indices = [
            table.lookup(one[label_field(name)]) for name, table in zip(names, tables, strict=True)
        ]
        known = [tf.cast(index != MISSING, tf.float32) for index in indices]
        classes = [tf.maximum(index, 0) for index in indices]
        return pixels, dict(zip(names, classes, strict=True)), dict(zip(names, known, strict=True))

    examples = parsed.map(example, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    nothing = tf.nest.map_structure(lambda s: tf.zeros(s.shape, s.dtype), examples.element_spec)
    filled = examples.concatenate(tf.data.Dataset.from_tensors(nothing).repeat(rest))
    own = reading.share.of_batch(reading.batch_size)
    batches = filled.batch(own, drop_remainder=True).prefetch(tf.data.AUTOTUNE)
    return batches.with_options(_options(reading))


def _options(reading: Reading) -> tf.data.Options:
    options = tf.data.Options()
    if reading.workers:
        options.threading.private_threadpool_size = reading.workers
        options.autotune.cpu_budget = reading.workers
    return options
