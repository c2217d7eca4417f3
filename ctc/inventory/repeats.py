"""Which texts of a column are there more than once.

That ten million names are all different is seen by sorting one number each. A table of the names
themselves, as `dictionary_encode` and `group_by` make it, takes some ten times as long.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

WORD = 8  # bytes that are mixed in at once
BLOCK = 1 << 15  # texts that are looked at together: what fits into the processor's cache
# Keeps the lowest bytes of a word, by their number.
KEEP = np.array([(1 << 8 * kept) - 1 for kept in range(WORD + 1)], np.uint64)
# The multiplier of xorshift64*: S. Vigna, doi 10.1145/2845077.
MULTIPLIER = np.uint64(0x2545F4914F6CDD1D)
SHIFT = np.uint64(32)
SEEN = np.uint64((1 << 24) - 1)  # bits by which repeated texts are looked up: 16 MiB of marks


def numbered(texts: pa.ChunkedArray) -> Numbers:
    """Return a number for each text, the same for equal ones, from 0 in order of appearance.

    A null has -1.
    """
    if not texts.null_count and not len(repeated(texts)):
        return np.arange(len(texts))
    return coded(texts)


def coded(texts: pa.ChunkedArray) -> Numbers:
    """Return what `numbered` does, for a column that is expected to have few different texts."""
    codes = [_codes(chunk) for chunk in texts.dictionary_encode().chunks]
    return np.concatenate([np.zeros(0, np.int64), *codes])


def _codes(chunk: pa.DictionaryArray) -> Numbers:
    return np.asarray(pc.fill_null(chunk.indices, -1), np.int64)


def repeated(texts: pa.ChunkedArray) -> Numbers:
    """Return, in their order, the places of all texts that are there more than once.

    Where there are such texts, a few others are among them: those that share `SEEN` bits with one.
    """
    marks = fingerprints(texts)
    ordered = np.sort(marks)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(again):
        return np.zeros(0, np.int64)
    seen = np.zeros(int(SEEN) + 1, np.bool_)
    seen[again & SEEN] = True
    return np.flatnonzero(seen[marks & SEEN])


def first_of_each(*columns: Numbers) -> Numbers:
    """Return, in their order, the places of the first of each different row of numbers (>= -1)."""
    return np.sort(np.unique(rows_coded(*columns), return_index=True)[1])


def rows_coded(*columns: Numbers) -> Numbers:
    """Return a number from 0 for each row of numbers (>= -1), the same for equal ones."""
    rows = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        rows = rows * (column.max(initial=0) + 2) + column + 1
        rows = np.unique(rows, return_inverse=True)[1]  # small again: the product never overflows
    return rows


def fingerprints(texts: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return 64 bits a text (a null counts as empty), the same for equal texts."""
    marks = [_of_block(block) for chunk in texts.chunks for block in _blocks(chunk)]
    return np.concatenate([np.zeros(0, np.uint64), *marks])


def _blocks(chunk: pa.StringArray) -> Iterator[pa.StringArray]:
    for start in range(0, len(chunk), BLOCK):
        yield chunk.slice(start, BLOCK)


def _of_block(texts: pa.StringArray) -> NDArray[np.uint64]:
    starts, ends, data = layout(texts)
    lengths = ends - starts
    marks = _mixed(lengths.astype(np.uint64))
    # A word at each byte, wherever it stands; behind the last text there is room for one.
    data = np.concatenate([data, np.zeros(WORD, np.uint8)])
    words = np.ndarray((len(data) - WORD + 1,), "<u8", data, strides=(1,))
    for done in range(0, int(lengths.max(initial=0)), WORD):
        rows = slice(None) if done < lengths.min() else np.flatnonzero(lengths > done)
        word = words[starts[rows] + done] & KEEP[np.minimum(lengths[rows] - done, WORD)]
        marks[rows] = _mixed(marks[rows] ^ word)
    return marks


def _mixed(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Let every bit act on others; different words stay different."""
    word = (word ^ (word >> SHIFT)) * MULTIPLIER
    return word ^ (word >> SHIFT)


def layout(texts: pa.StringArray) -> tuple[Numbers, Numbers, NDArray[np.uint8]]:
    """Return where each text starts and ends in the bytes, and the bytes; a null is empty."""
    if texts.null_count:
        texts = texts.fill_null("")
    _, offsets, data = texts.buffers()
    edges = np.frombuffer(offsets or bytes(4), np.int32)[texts.offset :][: len(texts) + 1]
    used = np.frombuffer(data or b"", np.uint8)[edges[0] : edges[-1]]
    edges = edges.astype(np.int64) - edges[0]
    return edges[:-1], edges[1:], used
