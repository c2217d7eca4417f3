"""What is said of a dataset that turns out to be damaged while it is read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import tensorflow as tf

from ctc import storage
from ctc.dataset.manifest import Dataset
from ctc.dataset.reading.batches import Reading
from ctc.dataset.shards import Shard
from ctc.errors import CannotGoOn


@contextmanager
def damage_named(*readings: Reading) -> Iterator[None]:
    """Turn TensorFlow's error about records into a sentence that names the shard.

    Raises:
        CannotGoOn: if a shard is not what the manifest says. Other errors pass.
    """
    try:
        yield
    except tf.errors.OpError as error:
        for dataset, shard in _read(readings):
            if what := _damage(dataset, shard):
                raise CannotGoOn(
                    f"dataset '{dataset.uri}': shard '{shard.name}' {what}: write the dataset "
                    "again, or put back what it was"
                ) from error
        raise


def _read(readings: Iterable[Reading]) -> Iterator[tuple[Dataset, Shard]]:
    for reading in readings:
        for part in reading.mixture.parts:
            for shard in part.dataset.shards_of(reading.splits):
                yield part.dataset, shard


def _damage(dataset: Dataset, shard: Shard) -> str | None:
    path = dataset.folder / shard.name
    try:
        return None if storage.sha256(path) == shard.sha256 else "is damaged"
    except OSError as error:
        return f"cannot be read ({storage.why_not_read(error)})"
