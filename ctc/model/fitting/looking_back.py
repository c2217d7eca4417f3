"""What a training has learnt from, for those who will compare new pictures with it."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from ctc.dataset.fitting import fitted_pixels
from ctc.dataset.reading import Reading
from ctc.model.seen import Seen
from ctc.pictures.decoding import UnreadablePicture

LOOKED_AT = 256  # pictures: they tell each decile to within 6 % of all, 95 times of 100


def seen_in(reading: Reading) -> Seen:
    """Return what the splits that are learnt from hold.

    Captures were shuffled when their dataset was written, so the first of each split stand for it.
    """
    classes = {
        label.name: {
            name: count
            for name, count in reading.mixture.counts(label.name, reading.splits).items()
            if name in label.classes
        }
        for label in reading.labels
    }
    brightness = list(islice(_brightness(reading), LOOKED_AT))
    deciles = np.quantile(brightness, np.arange(1, 10) / 10).tolist() if brightness else []
    return Seen(classes, len(brightness), tuple(deciles))


def _brightness(reading: Reading) -> Iterator[float]:
    """Yield the mean of what the network sees of a capture's first picture, of all in turns."""
    places = [
        iter(part.dataset.records((split,)))
        for part in reading.mixture.parts
        for split in reading.splits
        if split in part.dataset.splits
    ]
    while places:
        for records in tuple(places):
            record = next(records, None)
            if record is None:
                places.remove(records)
                continue
            try:
                yield float(fitted_pixels(record.images[0], reading.image).mean())
            except UnreadablePicture:
                continue
