"""What a person should look at before hours are spent."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from ctc.inventory.findings import Finding
from ctc.inventory.table import Inventory


def checked(inventory: Inventory) -> Inventory:
    """Return the inventory with what its labels make one suspicious of."""
    found = [one for label in inventory.labels for one in _alike(inventory, label)]
    return replace(inventory, findings=(*inventory.findings, *found))


def _alike(inventory: Inventory, label: str) -> Iterator[Finding]:
    """Classes that differ in blanks or in case alone: `Zebra` and `zebra `."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in sorted(inventory.class_counts(label)):
        spellings["".join(name.split()).casefold()].append(name)
    alike = [names for names in spellings.values() if len(names) > 1]
    if alike:
        what = f"classes of '{label}' with several spellings (each is a class of its own)"
        example = " and ".join(f"'{name}'" for name in alike[0])
        yield Finding(what, len(alike), example, column=label)
