"""Which captures stay together: those of a location, or of a time burst at a location."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ctc.errors import BadInput
from ctc.inventory.captures import UNKNOWN, Captures, Codes, Mask
from ctc.inventory.findings import Finding
from ctc.inventory.table import RESERVED, TIMESTAMP, Inventory
from ctc.inventory.times import Times, parse_times
from ctc.parameter import SECONDS, YEAR

BURST = re.compile(r"(?P<column>.+)\+(?P<number>\d+(\.\d+)?)(?P<unit>[smh])")
WITHOUT_UNIT = re.compile(r".+\+\d+(\.\d+)?")


@dataclass(frozen=True)
class GroupBy:
    """What keeps captures together: the value of a column, within a gap of time if one is given.

    Attributes:
        column: of the inventory, such as location.
        seconds: the longest gap between two captures of a burst that follow each other.
    """

    column: str
    seconds: float | None = None

    def __str__(self) -> str:
        return self.column if self.seconds is None else f"{self.column}+{self.number}s"

    @property
    def number(self) -> str:
        """The seconds as a person writes them: no digit is lost, and 31536000 is not 3.1536e+07."""
        return "" if self.seconds is None else np.format_float_positional(self.seconds, trim="-")


@dataclass(frozen=True)
class Groups:
    """Captures that stay together.

    Attributes:
        of_capture: [captures]: the number of each one's group.
        count: how many groups there are.
        findings: captures whose place or time is not known.
    """

    of_capture: Codes
    count: int
    findings: tuple[Finding, ...]


def read_group_by(text: str, inventory: Inventory) -> GroupBy:
    """Read `location` or `location+60s` (seconds, or minutes `m`, or hours `h`).

    Raises:
        BadInput: for a column that does not exist, the column of times included, and for a gap
            without a unit or of more than a year.
    """
    burst = BURST.fullmatch(text)
    if text in inventory.table.column_names or burst is None:
        return GroupBy(_column(text, inventory))
    seconds = _gap(text, float(burst["number"]) * SECONDS[burst["unit"]])
    if TIMESTAMP not in inventory.table.column_names:
        raise BadInput(
            f"group_by: '{text}' needs the column '{TIMESTAMP}', which the inventory does not "
            "have; the step `inventory` keeps a column under this name by timestamp=COLUMN"
        )
    return GroupBy(_column(burst["column"], inventory), seconds)


def _gap(text: str, seconds: float) -> float:
    if seconds > YEAR:
        raise BadInput(f"group_by: found '{text}'; allowed: a gap of at most a year, {YEAR:.0f}s")
    return seconds


def _column(name: str, inventory: Inventory) -> str:
    if name not in inventory.table.column_names and WITHOUT_UNIT.fullmatch(name):
        raise BadInput(
            f"group_by: '{name}' has no unit; write {name}s for seconds, or m for minutes, or h "
            "for hours"
        )
    if name not in inventory.table.column_names or name in RESERVED:
        has = ", ".join((*inventory.metadata, *inventory.labels))
        raise BadInput(
            f"group_by: the inventory has no column '{name}'; it has: {has}; such a column, or "
            "bursts in one such as location+60s, or none, are allowed"
        )
    return name


def group(inventory: Inventory, captures: Captures, by: GroupBy) -> Groups:
    """Put captures into groups. Those whose column is empty form one group together.

    Raises:
        BadInput: if times are asked for and none can be read.
    """
    _, places = captures.codes(inventory.table[by.column])
    findings = _not_known(captures, places == UNKNOWN, by.column)
    if by.seconds is not None:
        times = _times(inventory, captures)
        unread = np.isnat(times) & (places != UNKNOWN)
        findings += _not_known(captures, unread, TIMESTAMP)
        places = bursts(places, times, by.seconds)
    numbers, of_capture = np.unique(places, return_inverse=True)
    return Groups(of_capture.astype(np.int64), len(numbers), findings)


def bursts(places: Codes, times: Times, seconds: float) -> Codes:
    """Number the bursts: captures of a place, each at most `seconds` after the one before.

    The chain has no longest length. Captures of a place without a time are one burst, and so
    are all captures without a place.

    Args:
        places: [captures], `UNKNOWN` where it is not known.
        times: [captures], NaT where it is not known.
        seconds: the longest gap.

    Returns:
        The number of each capture's burst, [captures].
    """
    times = np.where(places == UNKNOWN, np.datetime64("NaT"), times)
    order = np.lexsort((times, places))
    place, time = places[order], times[order]
    gap = np.diff(time) > np.timedelta64(round(seconds * 1e9), "ns")  # False beside a NaT
    begins = (np.diff(place) != 0) | gap | (np.diff(np.isnat(time).astype(np.int8)) != 0)
    numbers = np.empty(len(places), np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(begins)])[: len(places)]
    return numbers


def _times(inventory: Inventory, captures: Captures) -> Times:
    texts = inventory.table[TIMESTAMP].combine_chunks().take(pa.array(captures.first))
    times = parse_times(texts)
    if np.isnat(times).all():
        found = next(filter(None, texts.to_pylist()), "")
        raise BadInput(
            f"no time of the column '{TIMESTAMP}' can be read, the first is '{found}'; times with "
            "the year first are allowed, such as 2024-05-03 10:15:00"
        )
    return times


def _not_known(captures: Captures, which: Mask, column: str) -> tuple[Finding, ...]:
    """Captures that stay together for want of knowledge; all take part, so none is listed."""
    if not which.any():
        return ()
    where = " of a location" if column == TIMESTAMP else ""
    what = f"captures whose '{column}' is not known (those{where} stay together in one split)"
    example = captures.ids[int(which.argmax())].as_py()
    return (Finding(what, int(which.sum()), example, column),)
