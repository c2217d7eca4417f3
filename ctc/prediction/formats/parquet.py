"""Parquet: a row a capture and label, every column of its own type."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ctc.prediction.formats.columns import FILES, metadata_columns, own_columns
from ctc.prediction.formats.writing import Add, whole_file
from ctc.prediction.meaning.judged import Asked, Judged

ROWS = 10_000  # of a row group: memory stays flat
ABOUT = b"ctc.predictions"  # what is known of all rows, among the metadata of the schema
TYPES = {
    "confidence": pa.float64(),
    "accepted": pa.bool_(),
    "probabilities": pa.map_(pa.string(), pa.float64()),
    "allowed_share": pa.float64(),
    "images": pa.int32(),
}


@contextmanager
def write(uri: str, asked: Asked) -> Iterator[Add]:
    """Take captures and write the file, which appears whole."""
    schema, metadata = _schema(asked), metadata_columns(asked)
    own = [name for name in schema.names if name not in (*metadata.values(), FILES)]
    waiting: list[dict[str, Any]] = []
    with whole_file(uri) as path, pq.ParquetWriter(path, schema) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema))
            waiting.clear()

        def add(judged: Judged) -> None:
            for row in judged.rows.values():
                known = {column: row.metadata.get(name) for name, column in metadata.items()}
                said = {name: getattr(row, name) for name in own}
                waiting.append({**said, **known, FILES: judged.answer.images})
            if len(waiting) >= ROWS:
                flush()

        yield add
        if waiting:
            flush()


def is_own(path: Path) -> bool:
    """Return whether a file was written here."""
    try:
        return ABOUT in (pq.read_schema(path).metadata or {})
    except (pa.ArrowInvalid, OSError):
        return False


def _schema(asked: Asked) -> pa.Schema:
    own = own_columns(asked)
    names = [own[0], "label", *own[1:], FILES, *metadata_columns(asked).values()]
    types = {**TYPES, FILES: pa.list_(pa.string())}
    about = {
        "model": asked.model,
        "aggregate": asked.aggregate,
        "classes": {label.name: asked.left(label).classes for label in asked.labels},
    }
    fields = [pa.field(name, types.get(name, pa.string())) for name in names]
    return pa.schema(fields, {ABOUT: json.dumps(about, ensure_ascii=False).encode()})
