"""The times of an inventory: whether they can be read."""

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc

from ctc.inventory.captures import Captures
from ctc.inventory.findings import Case, Finding
from ctc.inventory.table import CAPTURE_ID, TIMESTAMP, Inventory
from ctc.inventory.times import parse_times

NOT_READ = "times that cannot be read"


def look_at_times(inventory: Inventory) -> Inventory:
    """Return the inventory with the times that cannot be read, a case a capture.

    It takes longer than all that is noticed while reading, so it is no part of that.
    """
    if TIMESTAMP not in inventory.metadata:
        return inventory
    first = Captures.of(inventory).first
    texts = inventory.table[TIMESTAMP].take(first)
    unread = first[np.isnat(parse_times(texts)) & np.asarray(pc.is_valid(texts))]
    if not len(unread):
        return inventory
    some = inventory.table.select([TIMESTAMP, CAPTURE_ID]).take(unread).to_pylist()
    cases = [
        Case(row[TIMESTAMP], inventory.place_of(place), f"capture {row[CAPTURE_ID]}")
        for place, row in zip(unread.tolist(), some, strict=True)
    ]
    # First, for a screen shows the first few, and no burst is found without times.
    findings = (Finding.of(NOT_READ, cases, TIMESTAMP), *inventory.findings)
    return replace(inventory, findings=findings)
