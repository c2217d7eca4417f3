"""The pictures of captures, read and decoded ahead, as the network sees them."""

from collections import deque
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ctc.dataset.fitting import enough, seen
from ctc.dataset.image_spec import STACK, ImageSpec
from ctc.pictures.decoding import UnreadablePicture, decode
from ctc.pictures.files import picture_bytes
from ctc.pictures.taken import taken_by
from ctc.prediction.answers import NO_PICTURE
from ctc.prediction.photos.captures import PhotoCapture
from ctc.tasks import cores

Job = tuple[PhotoCapture, int, bool]  # a picture's capture, its number, and whether it closes


@dataclass(frozen=True)
class Picture:
    """One picture of a capture.

    Attributes:
        number: its place, from 1; 0 in a capture without pictures.
        pixels: what the network is to see, [H, W, 3]: the picture, or the stack that ends with it;
            None for nothing.
        failure: why it could not be read.
        closes: whether the network is asked about it before any picture that follows.
        taken: when it was taken, see `ctc.pictures.taken`; None where it does not say.
        brightness: the mean of what the network sees of it, 0..255.
    """

    capture: PhotoCapture
    number: int
    pixels: NDArray[np.uint8] | None
    failure: str | None
    closes: bool = False
    taken: str | None = None
    brightness: float | None = None

    @property
    def ends(self) -> bool:
        """Whether no other picture of the capture follows."""
        return self.number >= len(self.capture.images)


def read_ahead(
    captures: Iterable[PhotoCapture],
    image: ImageSpec,
    count: int,
    ends: Container[int] = (),
    threads: int = 0,
) -> Iterator[Picture]:
    """Yield every picture in order, as the network sees it, while `count` more are being read.

    Args:
        captures: read as they are needed.
        image: what the network sees.
        count: how many decoded pictures wait at most.
        ends: numbers of captures, from 0, whose last picture `closes`.
        threads: that read; 0: one a core.
    """
    pictures = _decoded(_jobs(captures, ends), image, count, threads or cores())
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


def _decoded(jobs: Iterator[Job], image: ImageSpec, count: int, threads: int) -> Iterator[Picture]:
    """Read pictures in threads (the decoders release the interpreter lock), in order."""
    pending: deque[Future[Picture]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        while True:
            wanted = count - len(pending)
            pending.extend(pool.submit(_read, *job, image) for job in islice(jobs, wanted))
            if not pending:
                return
            yield pending.popleft().result()


def _jobs(captures: Iterable[PhotoCapture], ends: Container[int]) -> Iterator[Job]:
    """Number the pictures of each capture from 1; a capture without any has one numbered 0."""
    for place, capture in enumerate(captures):
        last = len(capture.images)
        for number in range(1, last + 1) or (0,):
            yield capture, number, number == last and place in ends


def _read(capture: PhotoCapture, number: int, closes: bool, image: ImageSpec) -> Picture:
    return replace(_picture(capture, number, image), closes=closes)


def _picture(capture: PhotoCapture, number: int, image: ImageSpec) -> Picture:
    if number == 0:
        return Picture(capture, number, None, NO_PICTURE)
    source = capture.images[number - 1]
    try:
        data = picture_bytes(".", source) if isinstance(source, str) else source
        decoded = decode(data, enough(image))
        pixels = seen(decoded.pixels, image)
        taken, brightness = taken_by(decoded.exif), float(pixels.mean())
        return Picture(capture, number, pixels, None, taken=taken, brightness=brightness)
    except UnreadablePicture as error:
        return Picture(capture, number, None, str(error))
