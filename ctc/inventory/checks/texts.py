"""What a person should look at before hours are spent: paths, labels and locations."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctc.errors import BadInput
from ctc.inventory.checks.values import Column, alike, few, like_missing
from ctc.inventory.findings import Case, Finding
from ctc.inventory.table import CAPTURE_ID, IMAGES, LOCATION, Inventory
from ctc.params import InventoryParams
from ctc.pictures.files import is_url

CLIMBING = re.compile(r"(^|[/\\])\.\.([/\\]|$)")


def checked(inventory: Inventory, params: InventoryParams) -> Inventory:
    """Return the inventory with what its paths, labels and locations make one suspicious of.

    Raises:
        BadInput: for a path that climbs out of the image root.
    """
    check_paths(inventory)
    found = (
        *_urls(inventory),
        *_of_labels(inventory, params.few_captures),
        *_of_locations(inventory),
    )
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


def _of_labels(inventory: Inventory, few_captures: int) -> Iterator[Finding]:
    columns = [Column.of(inventory, label) for label in inventory.labels]
    none = [Case(column.name) for column in columns if not column.counts]
    if none:
        yield Finding.of("labels without any value", none)
    one = [Case(c.name, "", f"'{next(iter(c.counts))}'") for c in columns if len(c.counts) == 1]
    if one:
        yield Finding.of("labels with one class, of which nothing can be learnt", one)
    for column in columns:
        yield from like_missing(column)
        yield from few(column, few_captures)
        yield from alike(column)


def _of_locations(inventory: Inventory) -> Iterator[Finding]:
    if LOCATION in inventory.metadata:
        column = Column.of(inventory, LOCATION)
        yield from like_missing(column)
        yield from alike(column)
