"""Which split a capture belongs to."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ctc.errors import BadInput
from ctc.inventory.captures import Captures, Codes, Mask
from ctc.inventory.findings import Finding
from ctc.inventory.splits.assigning import assign_groups
from ctc.inventory.splits.grouping import GroupBy, group, read_group_by
from ctc.inventory.table import LOCATION, RESERVED, Inventory
from ctc.parameter import NONE, Words
from ctc.params import DatasetSplits

SPLIT_NAME = "split_name"
AUTO = "auto"

# A split's name is a part of file names and of metric names.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Splitting:
    """The splits of captures, and how they came about.

    Attributes:
        names: of the splits.
        of_capture: [captures]: the place of each one's split in `names`, `UNKNOWN` for none.
        split_by: the column that names the splits, or none.
        by: what stays on one side, where something does.
        groups: how many groups that makes.
        reached: the share of the captures taking part in each of `names`, where groups are drawn.
        findings: what was noticed.
    """

    names: tuple[str, ...]
    of_capture: Codes
    split_by: str = NONE
    by: GroupBy | None = None
    groups: int = 0
    reached: tuple[float, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def group_by(self) -> str:
        """What stays on one side, as the parameter `group_by` says it."""
        return NONE if self.by is None else str(self.by)

    @property
    def sentence(self) -> str:
        """Say how the captures were divided."""
        if self.split_by != NONE:
            return f"the splits are those of column '{self.split_by}'"
        if self.by is None:
            return "the splits are drawn capture by capture, blind to locations and times"
        same = f"captures with the same '{self.by.column}'"
        if self.by.seconds is not None:
            same += f" that follow each other within {self.by.number} seconds"
        pairs = zip(self.names, self.reached, strict=True)
        shares = ", ".join(f"{name} {share * 100:.0f} %" for name, share in pairs)
        return f"the splits are drawn; {same} stay on one side ({self.groups:,} groups): {shares}"


def split(
    inventory: Inventory, captures: Captures, taking: Mask, params: DatasetSplits, seed: int
) -> Splitting:
    """Give each capture its split.

    Args:
        inventory: the rows.
        captures: their captures.
        taking: [captures]: which of them take part; shares and classes are counted among these.
        params: how to divide.
        seed: of what is drawn.

    Raises:
        BadInput: for a column that does not exist, splits that contradict each other, shares
            that do not add up to 1, names that cannot be part of a file's name, and fewer
            groups than splits.
    """
    column = _split_column(inventory, params)
    if column is not None:
        return _by_column(inventory, captures, column)
    wanted = shares(params.splits)
    by = _group_by(inventory, params.group_by)
    if by is None:
        return Splitting(tuple(wanted), _by_hash(captures, wanted, seed))
    return _by_group(inventory, captures, taking, wanted, by, seed)


def _split_column(inventory: Inventory, params: DatasetSplits) -> str | None:
    column = params.split_by
    if column == AUTO:
        column = SPLIT_NAME if _has_values(inventory, SPLIT_NAME) else None
    if column is not None and params.group_by not in (AUTO, None):
        raise BadInput(
            f"group_by: '{params.group_by}' cannot be kept together, for column '{column}' names "
            "the splits; split_by=none draws them"
        )
    if column is not None and params.splits != DatasetSplits().splits:
        raise BadInput(
            f"splits: {' '.join(params.splits)} cannot be drawn, for column '{column}' names the "
            "splits; split_by=none draws them"
        )
    return column


def _has_values(inventory: Inventory, column: str) -> bool:
    table = inventory.table
    return column in table.column_names and table[column].null_count < table.num_rows


def _by_column(inventory: Inventory, captures: Captures, column: str) -> Splitting:
    if column not in inventory.table.column_names or column in RESERVED:
        has = ", ".join((*inventory.metadata, *inventory.labels))
        raise BadInput(
            f"split_by: the inventory has no column '{column}'; it has: {has}; "
            "none draws the splits by the shares of `splits`"
        )
    _check_one_split(inventory, column)
    names, of_capture = captures.codes(inventory.table[column])
    _check_names(names)
    return Splitting(names, of_capture, split_by=column)


def _check_one_split(inventory: Inventory, column: str) -> None:
    for finding in inventory.findings:
        if finding.what.startswith(f"captures with several values of '{column}'"):
            raise BadInput(
                f"{finding.count} {finding.what}, such as {finding.example}; a capture belongs to "
                "one split"
            )


def shares(splits: Words) -> dict[str, float]:
    """Read `train=0.7 val=0.15 test=0.15`.

    Raises:
        BadInput: unless each is NAME=SHARE, names differ in more than case, every share is
            positive and they add up to 1.
    """
    parsed: dict[str, float] = {}
    for text in splits:
        name, _, share = text.partition("=")
        _check_names((*parsed, name))
        try:
            parsed[name] = float(share)
        except ValueError as error:
            raise BadInput(f"splits: found '{text}'; allowed: NAME=SHARE") from error
    total = sum(parsed.values())
    if len(parsed) != len(splits) or not math.isclose(total, 1) or min(parsed.values()) <= 0:
        found = " ".join(splits)
        raise BadInput(f"splits: found '{found}'; allowed: positive shares that add up to 1")
    return parsed


def _check_names(names: Sequence[str]) -> None:
    spelled: dict[str, str] = {}
    for name in names:
        if not NAME.fullmatch(name):
            raise BadInput(
                f"split '{name}': a split's name starts with a letter or digit and holds letters, "
                "digits, '_', '-' and '.' only"
            )
        other = spelled.setdefault(name.lower(), name)
        if other != name:
            raise BadInput(
                f"splits '{other}' and '{name}' differ in case only: on some disks their files "
                "are the same; spell them alike, or name one otherwise"
            )


def _by_hash(captures: Captures, wanted: dict[str, float], seed: int) -> Codes:
    """Each capture's place depends on its own id alone: added captures move no other."""
    place = captures.drawn(str(seed)).astype(np.float64) / 2**64
    upto = np.cumsum(list(wanted.values()))
    found = np.searchsorted(upto, place, side="right")
    return np.minimum(found, len(wanted) - 1).astype(np.int64)


def _group_by(inventory: Inventory, group_by: str | None) -> GroupBy | None:
    if group_by == AUTO:
        return GroupBy(LOCATION) if _has_values(inventory, LOCATION) else None
    return None if group_by is None else read_group_by(group_by, inventory)


def _by_group(
    inventory: Inventory,
    captures: Captures,
    taking: Mask,
    wanted: dict[str, float],
    by: GroupBy,
    seed: int,
) -> Splitting:
    groups = group(inventory, captures, by)
    used, members = np.unique(groups.of_capture[taking], return_inverse=True)
    if taking.any() and len(used) < len(wanted):
        raise BadInput(
            f"group_by: {len(used)} {'group' if len(used) == 1 else 'groups'} by '{by}' cannot "
            f"fill {len(wanted)} splits; name fewer `splits`, or smaller groups such as "
            f"{LOCATION}+60s, or none"
        )
    classes = [captures.codes(inventory.table[label])[1][taking] for label in inventory.labels]
    dealt = assign_groups(members.astype(np.int64), classes, list(wanted.values()), seed)
    split_of = np.zeros(groups.count, np.int64)  # groups in which no capture takes part: anywhere
    split_of[used] = dealt
    return Splitting(
        names=tuple(wanted),
        of_capture=split_of[groups.of_capture],
        by=by,
        groups=len(used),
        reached=_reached(dealt[members], len(wanted)),
        findings=groups.findings,
    )


def _reached(split_of: Codes, splits: int) -> tuple[float, ...]:
    """The share of the captures that each split has, by the split of each, [captures]."""
    counts = np.bincount(split_of, minlength=splits)
    return tuple((counts / max(1, len(split_of))).tolist())
