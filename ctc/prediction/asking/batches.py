"""Asks the network, as many pictures at once as the memory allows."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ctc.model.classifier import Classifier
from ctc.model.devices import NO_MEMORY, asked_on, copied_to, memory_for

Said = dict[str, NDArray[np.float64]]  # {label: [pictures, classes]}


@dataclass(frozen=True)
class Seat:
    """A classifier on a device; None: the one that TensorFlow takes unasked."""

    classifier: Classifier
    device: str | None = None


@dataclass
class Asking:
    """A classifier, and how many pictures it is asked about at once.

    Attributes:
        classifier: what is asked.
        batch_size: pictures at once.
        halves: whether fewer are tried where the memory is not enough.
        others: devices, besides the one that TensorFlow takes unasked, that take batches too.
    """

    classifier: Classifier
    batch_size: int
    halves: bool = False
    others: tuple[str, ...] = ()

    @cached_property
    def seats(self) -> tuple[Seat, ...]:
        """The classifier on each device, to be asked at the same time."""
        one = self.classifier
        copies = ((replace(one, network=copied_to(one.network, on)), on) for on in self.others)
        return (Seat(one), *(Seat(*copy) for copy in copies))

    def ask(self, pixels: NDArray[np.uint8], seat: Seat | None = None) -> Said:
        """Return what is said of pictures, [pictures, H, W, 3], in a seat or the first one.

        Raises:
            CannotGoOn: if the memory is not enough.
        """
        seat = seat or self.seats[0]
        with asked_on(seat.device):
            while self.halves and self.batch_size > 1:
                size = self.batch_size
                try:
                    return _in_batches(seat.classifier, pixels, size)
                except NO_MEMORY:  # in another seat too, perhaps: then it is halved once
                    self.batch_size = min(self.batch_size, size // 2)
            with memory_for(self.batch_size, 1):
                return _in_batches(seat.classifier, pixels, self.batch_size)


def _in_batches(classifier: Classifier, pixels: NDArray[np.uint8], size: int) -> Said:
    starts = range(0, len(pixels), size)
    said = [classifier.probabilities(pixels[start : start + size], size) for start in starts]
    if len(said) == 1:
        return said[0]
    return {label: np.concatenate([one[label] for one in said]) for label in said[0]}
