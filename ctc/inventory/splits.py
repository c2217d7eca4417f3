"""Which split a capture belongs to."""

import hashlib
import math
import re

import pyarrow as pa

from ctc.errors import BadInput
from ctc.inventory.table import CAPTURE_ID, Inventory
from ctc.parameter import Words

# A split's name is a part of file names and of metric names.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def assign(inventory: Inventory, split_by: str | None, splits: Words, seed: int) -> pa.Array:
    """Return the split of each row of the inventory, null where its column is empty.

    Raises:
        BadInput: for a column that does not exist, shares that do not add up to 1, and names
            that cannot be part of a file's name.
    """
    if split_by == "auto":
        split_by = "split_name" if "split_name" in inventory.table.column_names else None
    if split_by is None:
        return _by_hash(inventory, shares(splits), seed)
    if split_by not in inventory.table.column_names or split_by in (CAPTURE_ID, "images"):
        has = ", ".join((*inventory.metadata, *inventory.labels))
        raise BadInput(
            f"split_by: the inventory has no column '{split_by}'; it has: {has}; "
            "none draws the splits by the shares of `splits`"
        )
    column = inventory.table[split_by].combine_chunks()
    for name in column.unique().drop_null().to_pylist():
        _check(name)
    return column


def shares(splits: Words) -> dict[str, float]:
    """Read `train=0.7 val=0.15 test=0.15`.

    Raises:
        BadInput: unless each is NAME=SHARE, every share is positive and they add up to 1.
    """
    parsed: dict[str, float] = {}
    for text in splits:
        name, _, share = text.partition("=")
        _check(name)
        try:
            parsed[name] = float(share)
        except ValueError as error:
            raise BadInput(f"splits: found '{text}'; allowed: NAME=SHARE") from error
    total = sum(parsed.values())
    if len(parsed) != len(splits) or not math.isclose(total, 1) or min(parsed.values()) <= 0:
        found = " ".join(splits)
        raise BadInput(f"splits: found '{found}'; allowed: positive shares that add up to 1")
    return parsed


def _check(name: str) -> None:
    if not NAME.fullmatch(name):
        raise BadInput(
            f"split '{name}': a split's name starts with a letter or digit and holds letters, "
            "digits, '_', '-' and '.' only"
        )


def _by_hash(inventory: Inventory, wanted: dict[str, float], seed: int) -> pa.Array:
    """Each capture's place depends on its own id alone: added captures move no other."""
    ids = inventory.table[CAPTURE_ID].to_pylist()
    return pa.array([_drawn(capture_id, wanted, seed) for capture_id in ids], pa.string())


def _drawn(capture_id: str, wanted: dict[str, float], seed: int) -> str:
    text = f"{seed}:{capture_id}".encode()
    place = int.from_bytes(hashlib.sha256(text).digest()[:8]) / 2**64
    upto = 0.0
    for name, share in wanted.items():
        upto += share
        if place < upto:
            return name
    return name
