"""The pictures of captures, read and decoded ahead, as the network sees them."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ctc.dataset.image_spec import STACK, ImageSpec
from ctc.dataset.reading import fitted_pixels
from ctc.pictures.decoding import UnreadablePicture
from ctc.pictures.files import picture_bytes
from ctc.pictures.taken import taken_at
from ctc.prediction.answers import NO_PICTURE
from ctc.prediction.captures import PhotoCapture
from ctc.tasks import cores


@dataclass(frozen=True)
class Picture:
    """One picture of a capture.

    Attributes:
        number: its place, from 1; 0 in a capture without pictures.
        pixels: what the network is to see, [H, W, 3]: the picture, or the stack that ends with it;
            None for nothing.
        failure: why it could not be read.
        taken: when it was taken, see `ctc.pictures.taken`; None where it does not say.
        brightness: the mean of what the network sees of it, 0..255.
    """

    capture: PhotoCapture
    number: int
    pixels: NDArray[np.uint8] | None
    failure: str | None
    taken: str | None = None
    brightness: float | None = None

    @property
    def ends(self) -> bool:
        """Whether no other picture of the capture follows."""
        return self.number >= len(self.capture.images)


def read_ahead(captures: Iterable[PhotoCapture], image: ImageSpec, count: int) -> Iterator[Picture]:
    """Yield every picture in order, as the network sees it, while `count` more are being read."""
    pictures = _decoded(captures, image, count)
    return _stacked(pictures) if image.stacked else pictures


def _stacked(pictures: Iterator[Picture]) -> Iterator[Picture]:
    """Give the third picture of a capture, and each after it, a stack with the two before.

    Of fewer pictures the last is repeated. What cannot be read is left out, as in a dataset.
    """
    grey: list[NDArray[np.uint8]] = []
    for picture in pictures:
        if picture.pixels is not None:
            grey.append(picture.pixels)
        full = picture.pixels is not None and len(grey) >= STACK
        short = picture.ends and 0 < len(grey) < STACK
        yield replace(picture, pixels=_stack(grey) if full or short else None)
        if picture.ends:
            grey = []


def _stack(grey: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Make the last pictures the channels of one, [H, W, 1] each to [H, W, 3]."""
    repeated = grey[-STACK:] + [grey[-1]] * (STACK - len(grey))
    return np.concatenate(repeated, axis=-1)


def _decoded(captures: Iterable[PhotoCapture], image: ImageSpec, count: int) -> Iterator[Picture]:
    """Read pictures in threads (the decoders release the interpreter lock), in order."""
    pending: list[Future[Picture]] = []
    jobs = _jobs(captures)
    with ThreadPoolExecutor(cores()) as pool:
        while True:
            wanted = count - len(pending)
            pending += [pool.submit(_read, *job, image) for job in islice(jobs, wanted)]
            if not pending:
                return
            yield pending.pop(0).result()


def _jobs(captures: Iterable[PhotoCapture]) -> Iterator[tuple[PhotoCapture, int]]:
    """Number the pictures of each capture from 1; a capture without any has one numbered 0."""
    for capture in captures:
        for number in range(1, len(capture.images) + 1) or (0,):
            yield capture, number


def _read(capture: PhotoCapture, number: int, image: ImageSpec) -> Picture:
    if number == 0:
        return Picture(capture, number, None, NO_PICTURE)
    source = capture.images[number - 1]
    try:
        data = picture_bytes(".", source) if isinstance(source, str) else source
        pixels = fitted_pixels(data, image)
        return Picture(capture, number, pixels, None, taken_at(data), float(pixels.mean()))
    except UnreadablePicture as error:
        return Picture(capture, number, None, str(error))
