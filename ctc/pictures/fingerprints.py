"""What two pictures are compared by: the bytes of the file, and how the picture looks.

A worker process that writes shards imports this: no pandas, no pyarrow.
"""

from dataclasses import dataclass

import google_crc32c
import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION = 2  # of how fingerprints are taken: those of different versions cannot be compared
PERCEPTUAL_BYTES = 32
FEATURELESS = bytes(PERCEPTUAL_BYTES)  # a picture that shows too little to be compared

SIDE = 32  # greys a side that the picture is shrunk to
RIM = 0.08  # cameras write the same bar with brand and date above or below every picture
PRECISION = 4096.0  # of the cosines, as whole numbers
# A black frame, with noise or a vignette, has at most 25 waves stronger than one grey, the faintest
# of the project's real and drawn pictures 197.
FAINT, FEW = 1.0, 64


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of a picture to find its copies.

    Attributes:
        content: 8 bytes, the same for the same encoded file; among three million pictures the
            chance of one false pair is 1 in 4 million.
        perceptual: 32 bytes; few bits differ for pictures that look alike; all zero
            (`FEATURELESS`) for one that shows too little to be compared, such as a black frame.
    """

    content: bytes
    perceptual: bytes


def content_of(data: bytes) -> bytes:
    """Return what an encoded file is known by, `Fingerprint.content`: the CRC-32C of its halves.

    A SHA-256 would take a twentieth of the time of writing shards. What a checksum lacks is
    safety from forgers. Copies that were edited in one half alone, a time in the metadata say,
    are taken for the same file by a chance of 1 in 4 thousand million.
    """
    middle = len(data) // 2
    return b"".join(google_crc32c.value(one).to_bytes(4) for one in (data[:middle], data[middle:]))


def fingerprint(data: bytes, image: Image.Image) -> Fingerprint:
    """Return the fingerprint of a picture.

    Args:
        data: the encoded file, as it was read.
        image: the picture, upright, RGB, already shrunk for storing.
    """
    return Fingerprint(content_of(data), perceptual_hash(image))


def perceptual_hash(image: Image.Image) -> bytes:
    """Return the signs of a picture's 256 longest waves, the longest first.

    This is the hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash
    Functions" (2010) (pHash: the signs of a discrete cosine transform), with more bits and
    without the rims. Krawetz's difference hash was tried and left: as few of its 256 bits (18 %)
    differed between two cameras with the same bar below as between some copies.
    """
    waves = _WAVES @ _greys(image) @ _WAVES.T / PRECISION**2
    longest = waves[_LONGEST]
    if np.count_nonzero(np.abs(longest) > FAINT) < FEW:
        return FEATURELESS
    return np.packbits(longest > 0).tobytes()


def _greys(image: Image.Image) -> NDArray[np.float64]:
    width, height = image.size
    middle = (0.0, height * RIM, float(width), height * (1 - RIM))
    small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX, middle)
    return np.asarray(small, dtype=np.float64)


def _cosines() -> NDArray[np.float64]:
    """The rows of an orthonormal DCT-II, as whole numbers.

    Sums of whole numbers are exact in any order: every machine gives the same bits.
    """
    wave, place = np.arange(SIDE)[:, None], np.arange(SIDE)
    angle = np.pi * wave * (2 * place + 1) / (2 * SIDE)
    waves: NDArray[np.float64] = np.round(np.cos(angle) * np.sqrt(2 / SIDE) * PRECISION)
    return waves


def _longest() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the waves of least frequency, without the mean brightness."""
    row, column = np.indices((SIDE, SIDE)).reshape(2, -1)
    order = np.lexsort((row, row + column))[1 : 8 * PERCEPTUAL_BYTES + 1]
    return row[order], column[order]


_WAVES = _cosines()
_LONGEST = _longest()
