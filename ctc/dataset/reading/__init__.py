"""From shards to batches, by tf.data: the only TensorFlow that is not behind Keras."""

from ctc.dataset.reading.batches import (
    Reading,
    first_batch,
    training_batches,
    validation_batches,
)
from ctc.dataset.reading.damage import damage_named
from ctc.dataset.reading.sharing import ALL, Share
from ctc.dataset.reading.waiting import Waiting

__all__ = [
    "ALL",
    "Reading",
    "Share",
    "Waiting",
    "damage_named",
    "first_batch",
    "training_batches",
    "validation_batches",
]
