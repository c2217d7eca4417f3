"""Answers in files of a few hundred captures each; a file is there whole or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ctc import storage
from ctc.labels import Label
from ctc.prediction.answers import Answer

TEXTS = pa.map_(pa.string(), pa.string())
FIELDS = {
    "capture_id": pa.string(),
    "images": pa.list_(pa.string()),
    "faults": pa.list_(pa.string()),
    "truth": TEXTS,
    "metadata": TEXTS,
    "taken": pa.list_(pa.string()),
    "brightness": pa.list_(pa.float64()),
}
PROBABILITIES = pa.list_(pa.list_(pa.float64()))


def write_part(path: Path, answers: Iterable[Answer], labels: Sequence[Label]) -> None:
    """Write answers; not a bit of them is lost."""
    names = {_column(label): pa.field(_column(label), PROBABILITIES) for label in labels}
    schema = pa.schema([*(pa.field(*one) for one in FIELDS.items()), *names.values()])
    table = pa.Table.from_pylist([_row(one, labels) for one in answers], schema)
    with storage.atomic_file(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def read_part(path: Path, labels: Sequence[Label]) -> Iterator[Answer]:
    """Yield what `write_part` wrote."""
    for row in pq.read_table(path).to_pylist():
        yield _answer(row, labels)


def holds(path: Path, captures: int) -> bool:
    """Say whether a file is there, sound, and of so many captures."""
    try:
        return bool(pq.read_metadata(path).num_rows == captures)
    except (pa.ArrowException, OSError):
        return False


def _column(label: Label) -> str:
    return f"probabilities/{label.name}"


def _row(answer: Answer, labels: Sequence[Label]) -> dict[str, Any]:
    said = {_column(label): answer.probabilities[label.name].tolist() for label in labels}
    return {name: getattr(answer, name) for name in FIELDS} | said


def _answer(row: dict[str, Any], labels: Sequence[Label]) -> Answer:
    said = {
        label.name: np.asarray(row[_column(label)], np.float64).reshape(-1, len(label.classes))
        for label in labels
    }
    return Answer(
        capture_id=row["capture_id"],
        probabilities=said,
        images=tuple(row["images"]),
        faults=tuple(row["faults"]),
        truth=dict(row["truth"]),
        metadata=dict(row["metadata"]),
        taken=tuple(row["taken"]),
        brightness=tuple(row["brightness"]),
    )
