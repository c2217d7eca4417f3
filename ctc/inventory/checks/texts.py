"""What a person should look at before hours are spent: what the paths and the labels give away."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.repeats import numbered
from ctc.inventory.summary import Classes, classes_of, worded
from ctc.inventory.table import CAPTURE_ID, IMAGES, Inventory
from ctc.params import InventoryParams
from ctc.pictures.files import is_url

CLIMBING = re.compile(r"(^|[/\\])\.\.([/\\]|$)")
BEFORE_NUMBER = re.compile(r"[\s_-]+(?=\d)")
BETWEEN_WORDS = re.compile(r"[\s_-]+")


def checked(inventory: Inventory, params: InventoryParams) -> Inventory:
    """Return the inventory with what its paths and labels make one suspicious of.

    Raises:
        BadInput: for a path that climbs out of the image root.
    """
    check_paths(inventory)
    found = (*_urls(inventory), *_of_labels(inventory, params.few_captures))
    return replace(inventory, findings=(*inventory.findings, *found))


def check_paths(inventory: Inventory) -> None:
    """Refuse paths that climb out of the image root.

    Raises:
        BadInput: naming the source, the row and the picture.
    """
    for row, path in _images_like(inventory, b"..", CLIMBING.search):
        where = ", ".join(filter(None, (f"'{inventory.source}'", inventory.place_of(row))))
        raise BadInput(
            f"{where}: picture '{path}' climbs out of the image root; paths without '..' are "
            "allowed"
        )


def spelling(name: str) -> str:
    """Return what classes share that differ in case, accents, blanks, '_' and '-' alone.

    A sign between or before digits stays one, for `1-5` is not `15`.
    """
    letters = unicodedata.normalize("NFKD", name.strip()).casefold()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return BETWEEN_WORDS.sub("", BEFORE_NUMBER.sub("~", plain))


def _images_like(
    inventory: Inventory, part: bytes, is_one: Callable[[str], object]
) -> Iterator[tuple[int, str]]:
    """Yield row and path of the pictures that are such; all of them hold `part`."""
    before = 0
    for lists in inventory.table[IMAGES].chunks:
        paths = lists.flatten()
        if _holds(paths, part):
            places = np.flatnonzero(pc.match_substring(paths, part.decode()))
            rows = lists.value_parent_indices().take(places).to_pylist()
            for row, path in zip(rows, paths.take(places).to_pylist(), strict=True):
                if is_one(path):
                    yield before + row, path
        before += len(lists)


def _holds(texts: pa.StringArray, part: bytes) -> bool:
    """Say whether some text may hold a part: a search of all the bytes, a fifth of the time."""
    data = texts.buffers()[2]
    return data is not None and re.search(re.escape(part), memoryview(data)) is not None


def _urls(inventory: Inventory) -> Iterator[Finding]:
    cases: dict[tuple[str, str], Case] = {}
    for row, path in _images_like(inventory, b"://", is_url):
        capture = inventory.table[CAPTURE_ID][row].as_py()
        case = Case(path, inventory.place_of(row), f"capture {capture}")
        cases.setdefault((path, capture), case)  # its other observations have the same pictures
    if cases:
        yield Finding.of("pictures named by a URL that cannot be read", list(cases.values()))


def _of_labels(inventory: Inventory, few: int) -> Iterator[Finding]:
    counts = {label: inventory.class_counts(label) for label in inventory.labels}
    none = [Case(label) for label in counts if not counts[label]]
    if none:
        yield Finding.of("labels without any value", none)
    one = [Case(label, "", f"'{next(iter(c))}'") for label, c in counts.items() if len(c) == 1]
    if one:
        yield Finding.of("labels with one class, of which nothing can be learnt", one)
    for label in inventory.labels:
        yield from _few(inventory, label, counts[label], few)
        yield from _alike(inventory, label, counts[label])


def _few(inventory: Inventory, label: str, counts: dict[str, int], few: int) -> Iterator[Finding]:
    """Classes with few captures, rarest first."""
    # Each observation but one of a capture may make the captures of a class fewer by one.
    again = inventory.counts["observations"] - inventory.counts["captures"]
    suspects = [name for name, n in counts.items() if n < few + again]
    if not suspects:
        return
    found = _select(inventory, label, suspects)
    rare = [n for n in np.argsort(found.captures, kind="stable") if found.captures[n] < few]
    cases = [
        Case(
            found.names[n],
            inventory.place_of(int(found.first[n])),
            worded(int(found.captures[n])),
        )
        for n in rare
    ]
    if cases:
        yield Finding.of(f"classes of '{label}' with fewer than {few} captures", cases, label)


def _alike(inventory: Inventory, label: str, counts: dict[str, int]) -> Iterator[Finding]:
    """Classes that differ in case, accents, blanks, '_' and '-' alone: `Zebra` and `zebra `."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in sorted(counts):
        spellings[spelling(name)].append(name)
    alike = [names for names in spellings.values() if len(names) > 1]
    if alike:
        found = _select(inventory, label, [name for names in alike for name in names])
        at = {name: number for number, name in enumerate(found.names)}
        cases = [_spellings(inventory, found, at, names) for names in alike]
        what = f"classes of '{label}' with several spellings (each is a class of its own)"
        yield Finding.of(what, cases, label)


def _spellings(inventory: Inventory, found: Classes, at: dict[str, int], names: list[str]) -> Case:
    """All spellings, with where the rarest is first, for that one is likely to be wrong."""
    rarest = min(names, key=lambda name: found.captures[at[name]])
    counts = ", ".join(f"'{name}' {worded(int(found.captures[at[name]]))}" for name in names)
    place = inventory.place_of(int(found.first[at[rarest]]))
    return Case(" and ".join(f"'{name}'" for name in names), place, counts)


def _select(inventory: Inventory, label: str, names: Iterable[str]) -> Classes:
    """Count some classes of a label."""
    wanted = pa.array(names, pa.string())
    rows = np.flatnonzero(pc.is_in(inventory.table[label], value_set=wanted))
    table = inventory.table.select([CAPTURE_ID, label]).take(rows)
    found = classes_of(table[label], numbered(table[CAPTURE_ID]))
    return replace(found, first=rows[found.first])
