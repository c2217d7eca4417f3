"""Asks the network, as many pictures at once as the memory allows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctc.model.classifier import Classifier
from ctc.model.devices import NO_MEMORY, memory_for

Said = dict[str, NDArray[np.float64]]  # {label: [pictures, classes]}


@dataclass
class Asking:
    """A classifier, and how many pictures it is asked about at once.

    Attributes:
        classifier: what is asked.
        batch_size: pictures at once.
        halves: whether fewer are tried where the memory is not enough.
    """

    classifier: Classifier
    batch_size: int
    halves: bool = False

    def ask(self, pixels: NDArray[np.uint8]) -> Said:
        """Return what is said of pictures, [pictures, H, W, 3].

        Raises:
            CannotGoOn: if the memory is not enough.
        """
        while self.halves and self.batch_size > 1:
            try:
                return self._in_batches(pixels)
            except NO_MEMORY:
                self.batch_size //= 2
        with memory_for(self.batch_size, 1):
            return self._in_batches(pixels)

    def _in_batches(self, pixels: NDArray[np.uint8]) -> Said:
        starts = range(0, len(pixels), self.batch_size)
        said = [
            self.classifier.probabilities(pixels[start : start + self.batch_size], self.batch_size)
            for start in starts
        ]
        if len(said) == 1:
            return said[0]
        return {label: np.concatenate([one[label] for one in said]) for label in said[0]}
