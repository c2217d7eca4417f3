"""Whether the quotes of a table match: a reader takes all that follows an open one as one value."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ctc.inventory.sources.texts import Text

QUOTE = ord('"')
BLOCK = 1 << 22  # bytes looked at together


def unmatched_quote(text: Text, delimiter: str) -> int | None:
    """Return the number of the row (0 = header) whose quotes do not match, None for none.

    Args:
        text: the table.
        delimiter: the mark between values.
    """
    return None if _all_at_edges(text, delimiter) else _by_reading(text, delimiter)


def _all_at_edges(text: Text, delimiter: str) -> bool:
    """Whether every other quote opens a value and the next one closes it: then all is well.

    Where it is not so, a quote can still be a character of a value, as in `6" duck`.
    """
    is_edge = np.zeros(256, np.bool_)
    is_edge[list(f'"{delimiter}\r\n'.encode())] = True
    opens = True
    with text.open() as stream:
        for block in _blocks(stream):
            quotes = np.flatnonzero(block[1:-1] == QUOTE) + 1
            opening, closing = quotes[not opens :: 2], quotes[opens::2]
            if not (is_edge[block[opening - 1]].all() and is_edge[block[closing + 1]].all()):
                return False
            opens ^= bool(len(quotes) % 2)
    return opens


def _blocks(stream: BinaryIO) -> Iterator[NDArray[np.uint8]]:
    """Pieces of the text, with the byte before and the byte behind each; an end is a new line."""
    held = b"\n"
    while block := stream.read(BLOCK):
        yield np.frombuffer(held + block, np.uint8)
        held = (held + block)[-2:]
    yield np.frombuffer(held + b"\n", np.uint8)


def _by_reading(text: Text, delimiter: str) -> int | None:
    number = 0
    with io.TextIOWrapper(text.open(), "utf-8", "replace", newline="") as lines:
        try:
            for row in csv.reader(lines, delimiter=delimiter, strict=True):
                number += bool(row)
        except csv.Error:
            return number
    return None
