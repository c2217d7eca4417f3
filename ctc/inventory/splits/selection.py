"""Which captures take part, by their classes, and why the others do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctc.errors import BadInput
from ctc.inventory.captures import UNKNOWN, Captures, Codes, Mask, sorted_codes
from ctc.inventory.table import Inventory
from ctc.parameter import Words, as_text
from ctc.params import Selection

SHOWN = 40  # classes that a sentence names

Reasons = NDArray[np.object_]


@dataclass
class Choice:
    """Captures that take part, and the reason of each that does not.

    Attributes:
        captures: all of them.
        reasons: [captures]: why it is left out; empty for one that takes part.
    """

    captures: Captures
    reasons: Reasons = field(init=False)

    def __post_init__(self) -> None:
        self.reasons = np.full(len(self.captures), "", object)

    @property
    def taking(self) -> Mask:
        """Which captures take part, [captures]."""
        return np.asarray(self.reasons == "")

    def leave_out(self, which: Mask, reason: str) -> None:
        """Leave captures out; one that is out already keeps its first reason."""
        self.reasons[which & self.taking] = reason

    def left_out(self) -> pa.Table:
        """Return a row a capture that is left out: `capture_id` and `reason`."""
        out = np.flatnonzero(~self.taking)
        ids = self.captures.ids.take(pa.array(out))
        return pa.table({"capture_id": ids, "reason": pa.array(self.reasons[out], pa.string())})

    def check_any(self) -> None:
        """Refuse to go on with nothing.

        Raises:
            BadInput: if no capture takes part, with the reasons.
        """
        if self.taking.any():
            return
        reasons, counts = np.unique(self.reasons.astype(str), return_counts=True)
        why = ", ".join(f"{n} x {reason}" for reason, n in zip(reasons, counts, strict=True))
        raise BadInput(f"no capture is left to write: {why}")


def choose_by_class(inventory: Inventory, choice: Choice, params: Selection) -> None:
    """Leave out the captures that `remove` names, and those that `keep` does not.

    A capture goes when any of its observations has a class to be removed. It stays when, for
    every label that `keep` names, one of its observations has one of the classes kept.

    Raises:
        BadInput: for a label or class that does not exist, with those that do.
    """
    for label, name, rows in _rows_of_classes("remove", params.remove, inventory):
        choice.leave_out(_any_row(rows, choice.captures), f"removed: {label}={name}")
    kept: dict[str, Mask] = {}
    for label, _, rows in _rows_of_classes("keep", params.keep, inventory):
        kept[label] = kept.get(label, np.zeros(len(rows), np.bool_)) | rows
    for label, rows in kept.items():
        choice.leave_out(~_any_row(rows, choice.captures), f"not kept: {label}")


def choose_by_number(
    inventory: Inventory, choice: Choice, split_of: Codes, params: Selection, seed: int
) -> None:
    """Leave out captures of classes that have too many, split by split.

    `balance` leaves every class of a label as many captures as the least frequent one of the
    split has, and leaves out captures without that label; `cap` leaves a class at most the given
    number. Which captures stay is drawn by a hash of the seed and the capture's id: the more are
    wanted, the more stay, and captures that are added displace few.

    Args:
        inventory: the rows.
        choice: what takes part so far, one observation a capture.
        split_of: [captures]: the number of each one's split.
        params: what is asked for.
        seed: of the draw.

    Raises:
        BadInput: for a label that does not exist, and a number that is none.
    """
    caps = _caps(params.cap, inventory)
    if params.balance is None and not caps:
        return
    draw = choice.captures.drawn(f"{seed}:choice")
    if params.balance is not None:
        _balance(inventory, choice, split_of, params.balance, draw)
    for label, most in caps.items():
        classes = choice.captures.codes(inventory.table[label])[1]
        rank = _ranks(split_of, classes, choice.taking & (classes != UNKNOWN), draw)
        choice.leave_out(rank >= most, f"capped: {label}")


def _balance(
    inventory: Inventory, choice: Choice, split_of: Codes, label: str, draw: NDArray[np.uint64]
) -> None:
    _check_label("balance", label, inventory)
    names, classes = choice.captures.codes(inventory.table[label])
    choice.leave_out(classes == UNKNOWN, f"balanced: {label} is missing")
    taking = choice.taking
    rank = _ranks(split_of, classes, taking, draw)
    for split in np.unique(split_of[taking]):
        here = taking & (split_of == split)
        counts = np.bincount(classes[here], minlength=len(names))
        fewest = counts[counts > 0].min()
        choice.leave_out(here & (rank >= fewest), f"balanced: {label}")


def _ranks(split_of: Codes, classes: Codes, among: Mask, draw: NDArray[np.uint64]) -> Codes:
    """Number the captures of each split and class from 0 in the order drawn; others have -1."""
    ranks = np.full(len(classes), -1, np.int64)
    rows = np.flatnonzero(among)
    if len(rows):
        key = split_of[rows] * (classes.max() + 1) + classes[rows]
        order = np.lexsort((draw[rows], key))
        starts = np.flatnonzero(np.diff(key[order], prepend=-2))
        sizes = np.diff(starts, append=len(rows))
        ranks[rows[order]] = np.arange(len(rows)) - np.repeat(starts, sizes)
    return ranks


def _any_row(rows: Mask, captures: Captures) -> Mask:
    """Turn a mask of rows into one of the captures that have such a row."""
    return np.bincount(captures.of_row[rows], minlength=len(captures)) > 0


def _rows_of_classes(
    what: str, words: Words, inventory: Inventory
) -> Iterator[tuple[str, str, Mask]]:
    """Read LABEL=CLASS and yield label, class, and which rows have it."""
    for word in words:
        label, equals, name = word.partition("=")
        if not equals:
            raise BadInput(f"{what}: found '{word}'; allowed: LABEL=CLASS")
        _check_label(what, label, inventory)
        names, classes = sorted_codes(inventory.table[label])
        if name not in names:
            hint = _hint(what, label, name, names)
            raise BadInput(
                f"{what}: '{label}' has no class '{name}'; it has: {_shown(names)}{hint}"
            )
        yield label, name, classes == names.index(name)


def _caps(words: Words, inventory: Inventory) -> dict[str, int]:
    """Read LABEL=NUMBER."""
    caps: dict[str, int] = {}
    for word in words:
        label, _, number = word.partition("=")
        if not (number.isascii() and number.isdigit() and int(number) > 0) or label in caps:
            raise BadInput(
                f"cap: found '{word}'; allowed: LABEL=NUMBER with a number from 1, each label once"
            )
        _check_label("cap", label, inventory)
        caps[label] = int(number)
    return caps


def _check_label(what: str, label: str, inventory: Inventory) -> None:
    if label not in inventory.labels:
        has = ", ".join(inventory.labels) or "none"
        raise BadInput(f"{what}: the inventory has no label '{label}'; it has: {has}")


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(as_text((name,)) for name in names[:SHOWN]) or "none") + more


def _hint(what: str, label: str, name: str, names: Sequence[str]) -> str:
    """Say how to write a class of which a word is but the beginning; empty where none is."""
    for mark, called in ((" ", "blank"), (",", "comma")):
        meant = next((each for each in names if name and each.startswith(name + mark)), None)
        if meant is not None:
            quoted = as_text((f"{label}={meant}",))
            return f'; a class with a {called} stands in quotes: {what}="{quoted}"'
    return ""
