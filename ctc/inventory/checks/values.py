"""What the different values of a column give away: rare ones, near-equal ones, stand-ins."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctc.inventory.findings import Case, Finding
from ctc.inventory.repeats import numbered
from ctc.inventory.summary import Classes, classes_of, worded
from ctc.inventory.table import CAPTURE_ID, Inventory

# A sign between digits, or one that begins a number, says something: `1-5` is not `15`.
BEFORE_NUMBER = re.compile(r"(?<![^\W\d_]|[\s_-])[\s_-]+(?=\d)")
BETWEEN_WORDS = re.compile(r"[\s_-]+")
# What spreadsheets, R, Python and people write for a value that they do not know; dashes.
STAND_IN = re.compile(r"#?n[./]?a\.?|<na>|null|nan|none|nil|[-\u2013\u2014?.]*")


@dataclass(frozen=True)
class Column:
    """A column of an inventory that holds classes or locations.

    Attributes:
        inventory: what it belongs to.
        name: of the column.
        counts: observations of each different value.
    """

    inventory: Inventory
    name: str
    counts: Counter[str]

    @classmethod
    def of(cls, inventory: Inventory, name: str) -> "Column":
        """Count the values of a column."""
        return cls(inventory, name, inventory.class_counts(name))

    @property
    def kind(self) -> str:
        """What a value of it is."""
        return "class" if self.name in self.inventory.labels else "location"

    @property
    def kinds(self) -> str:
        """What its values are, in words."""
        return f"classes of '{self.name}'" if self.kind == "class" else "locations"

    def select(self, names: Iterable[str]) -> Classes:
        """Count the captures of some values, and find their first rows."""
        wanted = pa.array(names, pa.string())
        rows = np.flatnonzero(pc.is_in(self.inventory.table[self.name], value_set=wanted))
        table = self.inventory.table.select([CAPTURE_ID, self.name]).take(rows)
        found = classes_of(table[self.name], numbered(table[CAPTURE_ID]))
        return replace(found, first=rows[found.first])


def few(column: Column, least: int) -> Iterator[Finding]:
    """Yield a finding about values with fewer captures than `least`, rarest first."""
    # Each observation but one of a capture may make the captures of a class fewer by one.
    counts = column.inventory.counts
    again = counts["observations"] - counts["captures"]
    suspects = [name for name, n in column.counts.items() if n < least + again]
    if not suspects:
        return
    found = column.select(suspects)
    cases = [_case(column, found, n) for n in _rarest_first(found) if found.captures[n] < least]
    if cases:
        what = f"{column.kinds} with fewer than {least} captures"
        yield Finding.of(what, cases, column.name)


def like_missing(column: Column) -> Iterator[Finding]:
    """Yield a finding about values such as `NA` and `?`: a missing value is an empty cell."""
    names = [name for name in column.counts if STAND_IN.fullmatch(name.strip().casefold())]
    if names:
        found = column.select(names)
        cases = [_case(column, found, n) for n in range(len(found.names))]
        what = (
            f"values of '{column.name}' that look like a missing one (kept as a {column.kind}; "
            "an empty cell is a missing one)"
        )
        yield Finding.of(what, cases, column.name)


def alike(column: Column) -> Iterator[Finding]:
    """Yield a finding about values of one `spelling`: `Zebra` and `zebra `."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in sorted(column.counts):
        spellings[spelling(name)].append(name)
    several = [names for names in spellings.values() if len(names) > 1]
    if several:
        found = column.select([name for names in several for name in names])
        at = {name: number for number, name in enumerate(found.names)}
        cases = [_spellings(column, found, [at[name] for name in names]) for names in several]
        what = f"{column.kinds} with several spellings (each is a {column.kind} of its own)"
        yield Finding.of(what, cases, column.name)


def spelling(name: str) -> str:
    """Return what names share that differ in case, accents, blanks, '_' and '-' alone.

    A sign that begins a number or stands between two stays one, for `1-5` is not `15`; behind a
    letter it is none: `A-1` is `A1`.
    """
    letters = unicodedata.normalize("NFKD", name.strip()).casefold()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return BETWEEN_WORDS.sub("", BEFORE_NUMBER.sub("~", plain))


def _rarest_first(found: Classes) -> list[int]:
    return sorted(range(len(found.names)), key=lambda n: (found.captures[n], found.names[n]))


def _case(column: Column, found: Classes, number: int) -> Case:
    place = column.inventory.place_of(int(found.first[number]))
    return Case(found.names[number], place, worded(int(found.captures[number])))


def _spellings(column: Column, found: Classes, numbers: list[int]) -> Case:
    """All spellings, with where the rarest is first, for that one is likely to be wrong."""
    rarest = min(numbers, key=lambda number: found.captures[number])
    quoted = [f"'{found.names[number]}'" for number in numbers]
    captures = [worded(int(found.captures[number])) for number in numbers]
    counts = ", ".join(f"{name} {count}" for name, count in zip(quoted, captures, strict=True))
    place = column.inventory.place_of(int(found.first[rarest]))
    return Case(" and ".join(quoted), place, counts)
