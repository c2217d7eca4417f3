"""Pictures that are there several times: the same file, maybe under another name."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctc.inventory.checks.each_picture import Pictures
from ctc.inventory.findings import Case, Finding
from ctc.inventory.table import CAPTURE_ID, Inventory

SAME = "pictures with the same content in several captures"
LABELS_DIFFER = "pictures with the same content in several captures whose labels differ"
WITHIN = "pictures with the same content twice in a capture"

Labels = dict[str, frozenset[str]]  # the known classes of a capture, per label


def duplicates(pictures: Pictures, contents: NDArray[np.uint64]) -> Iterator[Finding]:
    """Yield findings about pictures with the same content as an earlier one.

    Args:
        pictures: the pictures of an inventory.
        contents: uint64 [pictures]: the same for the same content, 0 where it is not known.
    """
    groups = _groups(contents)
    labels = _labels(pictures.inventory, {pictures.capture(n) for group in groups for n in group})
    cases: dict[str, list[Case]] = {SAME: [], LABELS_DIFFER: [], WITHIN: []}
    for first, *others in groups:
        for other in others:
            what, detail = _relation(pictures, labels, first, other)
            cases[what].append(pictures.case(other, detail))
    yield from (Finding.of(what, found) for what, found in cases.items() if found)


def _groups(contents: NDArray[np.uint64]) -> list[list[int]]:
    """Places that have the same content, in their order; only groups of several."""
    order = np.argsort(contents, kind="stable")
    order = order[contents[order] != 0]
    starts = np.flatnonzero(np.diff(contents[order])) + 1
    groups = [group.tolist() for group in np.split(order, starts) if len(group) > 1]
    return sorted(groups)


def _labels(inventory: Inventory, captures: set[str]) -> dict[str, Labels]:
    """Return the classes of some captures, over all their observations."""
    names = [CAPTURE_ID, *inventory.labels]
    wanted = pc.is_in(
        inventory.table[CAPTURE_ID], value_set=pa.array(sorted(captures), pa.string())
    )
    rows = inventory.table.select(names).filter(wanted).to_pylist()
    found: dict[str, Labels] = {capture: {} for capture in captures}
    for row in rows:
        of_capture = found[row[CAPTURE_ID]]
        for label in inventory.labels:
            known = {row[label]} - {None}
            of_capture[label] = of_capture.get(label, frozenset()) | known
    return found


def _relation(
    pictures: Pictures, labels: dict[str, Labels], first: int, other: int
) -> tuple[str, str]:
    """Say which finding a picture belongs to that has the content of an earlier one."""
    path = pictures.paths[first].as_py()
    one, two = pictures.capture(first), pictures.capture(other)
    if one == two:
        return WITHIN, f"the same as {path}"
    same = f"the same as {path} of capture {one}"
    differing = [_contrast(name, labels[one][name], labels[two][name]) for name in labels[one]]
    contrasts = ", ".join(filter(None, differing))
    return (LABELS_DIFFER, f"{same}; {contrasts}") if contrasts else (SAME, same)


def _contrast(label: str, there: frozenset[str], here: frozenset[str]) -> str:
    """Say how two captures contradict each other; a label that is missing contradicts nothing."""
    if there == here or not there or not here:
        return ""
    return f"{label} is {' and '.join(sorted(here))} here and {' and '.join(sorted(there))} there"
