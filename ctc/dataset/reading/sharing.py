"""What one of several hosts reads: its part of every batch, and decodes nothing else.

The hosts go through the same captures in the same order, still encoded, and each keeps those that
stand in its part of a batch. So together they see the batches that one host would, whatever their
number is, and a training goes on on another number of hosts where it stopped. (Whole shards for
each would show the captures of the smaller part more often, and other batches.)
"""

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Share:
    """The part of every batch that one of several hosts reads.

    Attributes:
        number: of the host, from 0.
        hosts: how many there are; the size of a batch is a multiple of it.
    """

    number: int = 0
    hosts: int = 1

    def of_batch(self, batch_size: int) -> int:
        """Return the pictures of a batch that are read here."""
        return batch_size // self.hosts

    def of_all(self, count: int, batch_size: int) -> int:
        """Return how many of so many are read here; the last batch may lack some."""
        own = self.of_batch(batch_size)
        whole, rest = divmod(count, batch_size)
        return whole * own + min(max(rest - self.number * own, 0), own)

    def kept(self, elements: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
        """Yield those of the elements, which begin with a batch, that are read here."""
        if self.hosts == 1:
            return elements
        own = self.of_batch(batch_size)
        numbered = elements.enumerate()
        here = numbered.filter(lambda place, _: place % batch_size // own == self.number)
        return here.map(lambda _, element: element)


ALL = Share()
