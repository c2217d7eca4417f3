"""The captures among the rows of an inventory, by number."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctc.inventory.table import CAPTURE_ID, Inventory

Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNKNOWN = -1  # code of a missing value


@dataclass(frozen=True)
class Captures:
    """The captures of an inventory, numbered in the order of their first rows.

    Attributes:
        ids: strings [captures].
        of_row: [rows]: the number of each row's capture.
        first: [captures]: the first row of each.
    """

    ids: pa.Array
    of_row: Codes
    first: Codes

    @classmethod
    def of(cls, inventory: Inventory) -> "Captures":
        """Number the captures of an inventory."""
        encoded = pc.dictionary_encode(inventory.table[CAPTURE_ID].combine_chunks())
        of_row = encoded.indices.to_numpy().astype(np.int64)
        first = np.empty(len(encoded.dictionary), np.int64)
        rows = np.arange(len(of_row))
        first[of_row[::-1]] = rows[::-1]
        return cls(encoded.dictionary, of_row, first)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def several(self) -> Mask:
        """Which captures have more than one observation, [captures]."""
        return np.bincount(self.of_row, minlength=len(self)) > 1

    def codes(self, column: pa.ChunkedArray) -> tuple[tuple[str, ...], Codes]:
        """Return the values of a column at the first rows of the captures.

        Returns:
            The different values, sorted, and for each capture the place of its value among them,
            `UNKNOWN` where it is missing.
        """
        values, of_row = sorted_codes(column)
        return values, of_row[self.first]

    def drawn(self, salt: str) -> NDArray[np.uint64]:
        """Return a number for each capture that depends on its id and `salt` alone, [captures].

        Captures that are added change no other's: SHA-256 of "salt:id", its first 8 bytes.
        """
        start = f"{salt}:".encode()
        digests = [
            hashlib.sha256(start + name.encode()).digest()[:8] for name in self.ids.to_pylist()
        ]
        return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def sorted_codes(column: pa.ChunkedArray) -> tuple[tuple[str, ...], Codes]:
    """Return the different values of a column, sorted, and each row's place among them.

    A missing value is `UNKNOWN`.
    """
    encoded = pc.dictionary_encode(column.combine_chunks())
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=values.__getitem__)
    rank = np.empty(len(values) + 1, np.int64)
    rank[order] = np.arange(len(values))
    rank[-1] = UNKNOWN
    indices = pc.fill_null(encoded.indices, len(values)).to_numpy()
    return tuple(values[place] for place in order), rank[indices]
