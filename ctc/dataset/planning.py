"""What goes into which shard, decided before any picture is read."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctc import storage
from ctc.dataset.shards import Capture, ShardTask, Skip
from ctc.errors import BadInput
from ctc.inventory.splits import assign
from ctc.inventory.table import CAPTURE_ID, IMAGES, Inventory
from ctc.params import DatasetParams
from ctc.pictures.decoding import StoredForm

CAPTURES_A_SHARD = 256  # some 30 MB; it must not depend on the machine: same input, same bytes
SPLIT = "\0split"  # no column of an inventory has this name


@dataclass(frozen=True)
class Plan:
    """A dataset to be written.

    Attributes:
        table: the inventory's rows that take part, with their split.
        inventory: where they come from.
        root: the folder or URI that relative picture paths start from.
        skips: captures that do not take part.
    """

    table: pa.Table
    inventory: Inventory
    root: str
    params: DatasetParams
    skips: tuple[Skip, ...]

    def tasks(self, folder: Path) -> Iterator[ShardTask]:
        """Yield the shards, split by split; within one, captures are shuffled by the seed."""
        form = StoredForm(self.params.max_side, self.params.quality)
        for split in sorted(self.table[SPLIT].unique().to_pylist()):
            rows = self.table.filter(pc.equal(self.table[SPLIT], split))
            order = np.random.default_rng(self.params.seed).permutation(rows.num_rows)
            shards = math.ceil(rows.num_rows / CAPTURES_A_SHARD)
            for number, part in enumerate(np.array_split(order, shards)):
                path = folder / f"{split}-{number:05d}-of-{shards:05d}.tfrecord"
                yield ShardTask(path, split, self._captures(rows.take(part)), form)

    def _captures(self, rows: pa.Table) -> tuple[Capture, ...]:
        return tuple(
            Capture(
                capture_id=row[CAPTURE_ID],
                images=tuple(storage.join(self.root, image) for image in row[IMAGES]),
                labels=_known(row, self.inventory.labels),
                metadata=_known(row, self.inventory.metadata),
            )
            for row in rows.to_pylist()
        )


def plan_dataset(inventory: Inventory, params: DatasetParams) -> Plan:
    """Decide which captures go into which split and which stay out.

    Raises:
        BadInput: for splits that cannot be made, paths that climb out of the image root, and
            when nothing is left to write.
    """
    _check_paths(inventory)
    _check_one_split(inventory, params.split_by)
    split = assign(inventory, params.split_by, params.splits, params.seed)
    table = inventory.table.append_column(SPLIT, split)
    several = _is_repeated(table[CAPTURE_ID])
    unassigned = pc.is_null(table[SPLIT])
    keep = pc.and_(pc.invert(several), pc.invert(unassigned))
    skips = (
        *_skips(table.filter(several), "more than one observation"),
        *_skips(table.filter(pc.and_(unassigned, pc.invert(several))), "no split"),
    )
    if not pc.any(keep).as_py():
        raise BadInput(f"no capture is left to write: {skips[0].reason}, and so are all others")
    root = inventory.root if params.image_root == "auto" else params.image_root
    return Plan(table.filter(keep), inventory, root, params, skips)


def _check_one_split(inventory: Inventory, split_by: str | None) -> None:
    for finding in inventory.findings:
        if finding.column and finding.column == split_by:
            raise BadInput(
                f"{finding.count} {finding.what}, such as {finding.example}; a capture belongs to "
                "one split"
            )


def _check_paths(inventory: Inventory) -> None:
    paths = inventory.table[IMAGES].combine_chunks().flatten()
    climbing = paths.filter(pc.match_substring_regex(paths, r"(^|[/\\])\.\.([/\\]|$)"))
    if len(climbing):
        raise BadInput(
            f"picture '{climbing[0].as_py()}' climbs out of the image root; paths without '..' "
            "are allowed"
        )


def _is_repeated(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    counts = pc.value_counts(ids)
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return pc.is_in(ids, value_set=repeated)


def _skips(rows: pa.Table, reason: str) -> Iterator[Skip]:
    ids = dict.fromkeys(rows[CAPTURE_ID].to_pylist())
    return (Skip(capture_id, "", reason) for capture_id in ids)


def _known(row: dict[str, str | None], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := row[name]) is not None}
