"""Captures to be labelled: one at a time, or all that a source names, in a table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.inventory.findings import Finding
from ctc.inventory.repeats import numbered
from ctc.inventory.table import CAPTURE_ID, IMAGES, RESERVED, Inventory
from ctc.labels import Label
from ctc.pictures.files import picture_uri

AT_ONCE = 1_000  # captures that are objects of Python at a time; the others are rows of a table


@dataclass(frozen=True)
class PhotoCapture:
    """One capture and its pictures.

    Attributes:
        capture_id: its name.
        images: encoded pictures, or URIs where they can be read.
        truth: known labels; a missing one is not in it.
        metadata: what else is known, such as its location.
        given_names: how the source names the pictures, where that is known.
    """

    capture_id: str
    images: tuple[bytes | str, ...]
    truth: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    given_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the pictures: as given, or where they can be read, or their numbers."""
        return self.given_names or tuple(
            one if isinstance(one, str) else str(number)
            for number, one in enumerate(self.images, start=1)
        )

    def meant(self, labels: Iterable[Label]) -> dict[str, str]:
        """Return what is known of some labels, as they merge classes."""
        known = self.truth
        return {one.name: one.meant(known[one.name]) for one in labels if one.name in known}


@dataclass(frozen=True)
class Captures:
    """All captures that a source names.

    A million of them are rows of a table, made into objects a few at a time.

    Attributes:
        inventory: a row a capture, without labels; its root is where relative paths start from.
        kind: the kind of source that it was read from.
    """

    inventory: Inventory
    kind: str

    @classmethod
    def of(cls, inventory: Inventory, kind: str) -> "Captures":
        """Take each capture once, whatever was observed of it."""
        captures = numbered(inventory.table[CAPTURE_ID])
        first = np.sort(np.unique(captures, return_index=True)[1])
        kept = inventory.table.select([*RESERVED, *inventory.metadata])
        table = kept if len(first) == len(captures) else kept.take(pa.array(first))
        found = Inventory(table, (), inventory.source, inventory.root, inventory.findings)
        return cls(found, kind)

    def __len__(self) -> int:
        return int(self.inventory.table.num_rows)

    def __iter__(self) -> Iterator[PhotoCapture]:
        return self.between(0, len(self))

    @property
    def root(self) -> str:
        """The folder or URI that the names of pictures start from, unless they are whole."""
        return self.inventory.root

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed while reading the source, such as files that are no pictures."""
        return self.inventory.findings

    @property
    def pictures(self) -> int:
        """Number of pictures, of all captures together."""
        return self.inventory.counts["images"]

    def between(self, start: int, end: int) -> Iterator[PhotoCapture]:
        """Yield the captures from number `start` up to, and without, number `end`."""
        for first in range(start, end, AT_ONCE):
            rows = self.inventory.table.slice(first, min(AT_ONCE, end - first)).to_pylist()
            yield from (self._capture(row) for row in rows)

    def _capture(self, row: dict[str, Any]) -> PhotoCapture:
        name, names = row.pop(CAPTURE_ID), tuple(row.pop(IMAGES))
        metadata = {key: value for key, value in row.items() if value is not None}
        images = tuple(picture_uri(self.root, one) for one in names)
        return PhotoCapture(name, images, {}, metadata, given_names=names)


def captures_of_dataset(
    dataset: Dataset | Mixture, splits: tuple[str, ...]
) -> Iterator[PhotoCapture]:
    """Yield the captures of some splits with their true labels."""
    for record in dataset.records(splits):
        yield PhotoCapture(record.capture_id, record.images, record.labels, record.metadata)
