"""A CSV: a row a capture and label, the columns of the 2019 tool first and ours behind them."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctc.prediction.formats.columns import (
    OF_2019,
    as_text,
    metadata_columns,
    own_columns,
    values_of_2019,
)
from ctc.prediction.formats.writing import Add, whole_file
from ctc.prediction.meaning.judged import Asked, Judged

# How the file begins; what was written before those of 2019 were first began with ours.
STARTS = (",".join(OF_2019).encode() + b",", b"capture_id,label,prediction,")


@contextmanager
def write(uri: str, asked: Asked) -> Iterator[Add]:
    """Take captures and write the file, which appears whole."""
    own, metadata = own_columns(asked), metadata_columns(asked)
    with whole_file(uri) as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*OF_2019, *own, *metadata.values()])

        def add(judged: Judged) -> None:
            for row in judged.rows.values():
                ours = [as_text(getattr(row, name)) for name in own]
                known = [row.metadata.get(name) for name in metadata]
                writer.writerow([*values_of_2019(row).values(), *ours, *known])

        yield add


def is_own(path: Path) -> bool:
    """Return whether a file was written here."""
    with path.open("rb") as file:
        return file.read(200).startswith(STARTS)
