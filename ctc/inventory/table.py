"""The inventory: one table, a row is one observation of one capture."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Finding
from ctc.inventory.repeats import layout, numbered

CAPTURE_ID, IMAGES = "capture_id", "images"
LOCATION, TIMESTAMP = "location", "timestamp"  # metadata that the project itself looks at
RESERVED = (CAPTURE_ID, IMAGES)
SCHEMA_KEY = b"ctc.inventory"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Inventory:
    """Captures, their pictures, labels and metadata.

    Attributes:
        table: columns `capture_id` (string), `images` (list of strings: paths or URIs in the
            order taken), a column a label and a column a piece of metadata (strings, null =
            missing). Two animals in one capture are two rows.
        labels: names of the columns that are labels.
        source: what it was read from.
        root: the folder or URI that relative picture paths start from.
        findings: what was noticed while reading.
        places: where the source has each row of the table, as numbers that `place` words; None
            where it has no rows, and in an inventory read back from its file.
        place: how a number of `places` is worded.
    """

    table: pa.Table
    labels: tuple[str, ...]
    source: str
    root: str
    findings: tuple[Finding, ...] = ()
    places: NDArray[np.int64] | None = field(default=None, compare=False, repr=False)
    place: str = field(default="data row {}", compare=False)

    @property
    def metadata(self) -> tuple[str, ...]:
        """Names of the columns that are neither labels nor `capture_id` and `images`."""
        taken = {*RESERVED, *self.labels}
        return tuple(name for name in self.table.column_names if name not in taken)

    def place_of(self, row: int) -> str:
        """Say where the source has a row of the table; empty where that is not known."""
        number = -1 if self.places is None else int(self.places[row])
        return self.place.format(number) if number >= 0 else ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, 32 hexadecimal digits (MLflow takes at most 36 characters)."""
        content = hashlib.sha256(json.dumps([self.table.column_names, self.labels]).encode())
        for column in self.table.columns:
            _update(content, column.chunks)
        return content.hexdigest()[:32]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Numbers of captures, images and observations."""
        capture = numbered(self.table[CAPTURE_ID])
        images = np.zeros(capture.max(initial=-1) + 1, np.int64)
        images[capture] = pc.list_value_length(self.table[IMAGES])
        return {
            "captures": len(images),
            "images": int(images.sum()),
            "observations": self.table.num_rows,
        }

    def class_counts(self, label: str) -> Counter[str]:
        """Observations of each class of a label, the missing ones left out."""
        found = pc.value_counts(self.table[label].drop_null())
        return Counter({row["values"]: row["counts"] for row in found.to_pylist()})

    def write(self, uri: str) -> None:
        """Write one Parquet file, whole or not at all."""
        about = {
            "schema_version": SCHEMA_VERSION,
            "labels": self.labels,
            "source": self.source,
            "root": self.root,
            "digest": self.digest,
            "findings": [finding.summary for finding in self.findings],
            **self.counts,
        }
        table = self.table.replace_schema_metadata({SCHEMA_KEY: json.dumps(about).encode()})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        storage.write_bytes(uri, sink.getvalue().to_pybytes())

    @classmethod
    def read(cls, uri: str) -> "Inventory":
        """Read what `write` wrote.

        Raises:
            BadInput: if there is no such file or it is not an inventory.
        """
        table, about = _read(uri)
        return cls(
            table=table,
            labels=tuple(about["labels"]),
            source=about["source"],
            root=about["root"],
            findings=tuple(Finding(**finding) for finding in about["findings"]),
        )


def check_output(uri: str) -> None:
    """Refuse to write an inventory over something else, before any work.

    Raises:
        BadInput: if there is a folder, or a file that is no inventory, or none can be made.
    """
    storage.check_output(uri)
    if storage.is_folder(uri):
        raise BadInput(f"output: '{uri}' is a folder; name a file")
    if storage.exists(uri) and not _is_inventory(uri):
        raise BadInput(f"output: '{uri}' exists and is no inventory; name a new file")


def _is_inventory(uri: str) -> bool:
    source = pa.BufferReader(storage.read_bytes(uri)) if storage.is_s3(uri) else None
    try:
        metadata = pq.read_schema(source or storage.local_path(uri)).metadata or {}
    except (pa.ArrowException, OSError):
        return False
    return SCHEMA_KEY in metadata


def _read(uri: str) -> tuple[pa.Table, dict[str, Any]]:
    try:
        data = storage.read_bytes(uri)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(f"no inventory at '{uri}'; the step `inventory` writes one") from error
    try:
        table = pq.ParquetFile(pa.BufferReader(data)).read()
        about = json.loads(table.schema.metadata[SCHEMA_KEY])
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"'{uri}' is not an inventory; the step `inventory` writes one") from error
    if about["schema_version"] != SCHEMA_VERSION:
        found = about["schema_version"]
        raise BadInput(f"'{uri}' has schema version {found}; allowed: {SCHEMA_VERSION}")
    return table.replace_schema_metadata(None), about


def _update(content: Any, chunks: Sequence[pa.Array]) -> None:
    """Hash a column's values, independent of how Arrow happens to have laid them out."""
    if chunks and pa.types.is_list(chunks[0].type):
        for chunk in chunks:
            content.update(pc.list_value_length(chunk).to_numpy())
        chunks = [chunk.flatten() for chunk in chunks]
    for chunk in chunks:
        content.update(pc.fill_null(pc.binary_length(chunk), -1).to_numpy())
    for chunk in chunks:
        content.update(layout(chunk.drop_null())[2])
