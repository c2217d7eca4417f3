"""`images.parquet`: a row a stored picture of a dataset, with what pictures are compared by."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ctc.dataset.records import printable
from ctc.dataset.shards import StoredPicture, WrittenShard
from ctc.pictures.fingerprints import Fingerprint

IMAGES_FILE = "images.parquet"
ROWS_AT_ONCE = 10_000  # in memory; a row group of the file
SCHEMA = pa.schema(
    [
        ("capture_id", pa.string()),
        ("split", pa.string()),
        ("image", pa.string()),
        ("content", pa.binary()),
        ("perceptual", pa.binary()),
    ]
)


def write_images(path: Path, shards: Iterable[WrittenShard]) -> None:
    """Write the pictures of shards in their order; the same ones give the same bytes.

    The columns are capture_id, split, image (its path as the inventory has it), content and
    perceptual (of `ctc.pictures.fingerprints.Fingerprint`).
    """
    rows = ((shard.shard.split, picture) for shard in shards for picture in shard.pictures)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        while some := list(islice(rows, ROWS_AT_ONCE)):
            writer.write_table(_table(some))


def read_images(path: Path) -> pa.Table:
    """Read what `write_images` wrote.

    Raises:
        OSError: if there is no such file, or it is damaged.
    """
    return pq.ParquetFile(path).read()


def pictures_of(table: pa.Table) -> Iterator[StoredPicture]:
    """Yield the rows of a table as they were before `write_images`."""
    for row in table.to_pylist():
        seen = Fingerprint(row["content"], row["perceptual"])
        yield StoredPicture(row["capture_id"], row["image"], seen)


def _table(rows: list[tuple[str, StoredPicture]]) -> pa.Table:
    columns = zip(*(_values(split, picture) for split, picture in rows), strict=True)
    return pa.table([list(column) for column in columns], schema=SCHEMA)


def _values(split: str, picture: StoredPicture) -> tuple[str, str, str, bytes, bytes]:
    seen = picture.fingerprint
    names = (printable(picture.capture_id), printable(split), printable(picture.image))
    return (*names, seen.content, seen.perceptual)
