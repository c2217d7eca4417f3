"""Observations that lack a label, for those who want none of them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.noticed import SEVERAL, several_observations
from ctc.inventory.repeats import numbered
from ctc.inventory.table import CAPTURE_ID, Inventory


def without_missing(inventory: Inventory) -> Inventory:
    """Leave out the observations that lack one of the labels, and list them.

    A capture that keeps an observation keeps all its pictures.

    Raises:
        BadInput: if every observation lacks one.
    """
    known = [np.asarray(inventory.table[label].is_valid()) for label in inventory.labels]
    complete = np.logical_and.reduce(known)
    if complete.all():
        return inventory
    if not complete.any():
        labels = ", ".join(inventory.labels)
        raise BadInput(
            f"drop_missing: every observation of '{inventory.source}' lacks one of the labels "
            f"{labels}; name fewer labels"
        )
    left_out = _left_out(inventory, np.flatnonzero(~complete))
    rest = replace(
        inventory,
        table=inventory.table.filter(pa.array(complete)),
        places=None if inventory.places is None else inventory.places[complete],
    )
    return replace(rest, findings=(*_findings(rest), left_out))


def _findings(rest: Inventory) -> Iterator[Finding]:
    """Yield the findings; of captures with several observations some may have one now."""
    for finding in rest.findings:
        if finding.what != SEVERAL:
            yield finding
            continue
        names = rest.table[CAPTURE_ID]
        yield from several_observations(names, numbered(names), rest.place_of)


def _left_out(inventory: Inventory, rows: NDArray[np.int64]) -> Finding:
    some = inventory.table.select([CAPTURE_ID, *inventory.labels]).take(pa.array(rows))
    cases = [
        Case(found.pop(CAPTURE_ID), inventory.place_of(row), f"no {_lacking(found)}")
        for row, found in zip(rows, some.to_pylist(), strict=True)
    ]
    return Finding.of("observations that lack a label (left out: drop_missing)", cases)


def _lacking(values: dict[str, str | None]) -> str:
    return ", ".join(label for label, value in values.items() if value is None)
