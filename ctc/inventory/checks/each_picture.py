"""The pictures of an inventory one by one, with where each comes from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctc.inventory.captures import Captures
from ctc.inventory.findings import Case
from ctc.inventory.table import CAPTURE_ID, IMAGES, Inventory
from ctc.pictures.files import is_url


@dataclass(frozen=True)
class Pictures:
    """Each picture of each capture, less those named by a URL, which cannot be read.

    Attributes:
        inventory: what they belong to.
        paths: text [pictures], as the inventory has them.
        rows: int64 [pictures]: the first row of the picture's capture.
    """

    inventory: Inventory
    paths: pa.ChunkedArray
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, inventory: Inventory) -> "Pictures":
        """Take them from an inventory, in the order of its captures."""
        first = Captures.of(inventory).first
        lists = inventory.table[IMAGES].take(first)
        rows = np.repeat(first, pc.list_value_length(lists).to_numpy())
        paths = pc.list_flatten(lists)
        with_scheme = np.flatnonzero(pc.match_substring(paths, "://"))
        urls = [n for n in with_scheme.tolist() if is_url(paths[n].as_py())]
        if urls:
            kept = np.delete(np.arange(len(rows)), urls)
            paths, rows = paths.take(kept), rows[kept]
        return cls(inventory, paths, rows)

    def __len__(self) -> int:
        return len(self.rows)

    def capture(self, place: int) -> str:
        """Return the id of the capture of a picture."""
        return str(self.inventory.table[CAPTURE_ID][int(self.rows[place])].as_py())

    def case(self, place: int, detail: str = "") -> Case:
        """Return a picture as a case of a finding, with its capture and where the source has it."""
        at = self.inventory.place_of(int(self.rows[place]))
        capture = f"capture {self.capture(place)}"
        detail = f"{capture}: {detail}" if detail else capture
        return Case(self.paths[place].as_py(), at, detail)
