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
from ctc.inventory.captures import UNKNOWN, Captures, Codes, sorted_codes
from ctc.inventory.checks.texts import check_paths
from ctc.inventory.findings import Case, Finding
from ctc.inventory.splits.selection import Choice, choose_by_class, choose_by_number
from ctc.inventory.splits.splitting import Splitting, split
from ctc.inventory.table import CAPTURE_ID, IMAGES, LOCATION, TIMESTAMP, Inventory
from ctc.params import DatasetParams
from ctc.pictures.decoding import StoredForm
from ctc.tasks import RAY, check_engine

CAPTURES_A_SHARD = 256  # some 30 MB; it must not depend on the machine: same input, same bytes


@dataclass(frozen=True)
class Plan:
    """A dataset to be written.

    Attributes:
        table: the inventory's rows that take part, one a capture.
        split_of: [rows]: the place of each row's split in `splitting.names`.
        inventory: where they come from.
        root: the folder or URI that relative picture paths start from.
        params: how the dataset is written.
        splitting: how the splits came about.
        left_out: captures that do not take part: `capture_id` and `reason`.
        findings: what was noticed about the splits and the captures in them.
    """

    table: pa.Table
    split_of: Codes
    inventory: Inventory
    root: str
    params: DatasetParams
    splitting: Splitting
    left_out: pa.Table
    findings: tuple[Finding, ...]

    @property
    def skips(self) -> Iterator[Skip]:
        """Captures that do not take part, one by one."""
        ids, reasons = (self.left_out[name] for name in ("capture_id", "reason"))
        for capture_id, reason in zip(ids, reasons, strict=True):
            yield Skip(capture_id.as_py(), "", reason.as_py())

    @property
    def captures(self) -> pa.Table:
        """Return a row a capture that takes part: `capture_id`, `split` and what is known of
        `location` and `timestamp`."""
        names = pa.array(self.splitting.names, pa.string())
        columns = {CAPTURE_ID: self.table[CAPTURE_ID], "split": names.take(pa.array(self.split_of))}
        known = [name for name in (LOCATION, TIMESTAMP) if name in self.table.column_names]
        return pa.table(columns | {name: self.table[name] for name in known})

    def tasks(self, folder: Path) -> Iterator[ShardTask]:
        """Yield the shards, split by split; within one, captures are shuffled by the seed."""
        form = StoredForm(self.params.max_side, self.params.quality, self.params.min_side)
        names = self.splitting.names
        for place in sorted(np.unique(self.split_of).tolist(), key=names.__getitem__):
            name, rows = names[place], np.flatnonzero(self.split_of == place)
            order = np.random.default_rng(self.params.seed).permutation(len(rows))
            shards = math.ceil(len(rows) / CAPTURES_A_SHARD)
            for number, part in enumerate(np.array_split(rows[order], shards)):
                path = folder / f"{name}-{number:05d}-of-{shards:05d}.tfrecord"
                captures = self._captures(self.table.take(pa.array(part)))
                yield ShardTask(path, name, captures, form, self.root)

    def _captures(self, rows: pa.Table) -> tuple[Capture, ...]:
        return tuple(
            Capture(
                capture_id=row[CAPTURE_ID],
                images=tuple(row[IMAGES] or ()),
                labels=_known(row, self.inventory.labels),
                metadata=_known(row, self.inventory.metadata),
            )
            for row in rows.to_pylist()
        )


def plan_dataset(inventory: Inventory, params: DatasetParams) -> Plan:
    """Decide which captures go into which split and which stay out.

    Raises:
        BadInput: for splits that cannot be made, a selection of what does not exist, paths that
            climb out of the image root, when nothing is left to write, and for an engine that
            is not installed or would not find the pictures.
    """
    check_engine(params.engine)
    check_paths(inventory)
    captures = Captures.of(inventory)
    choice = Choice(captures)
    choose_by_class(inventory, choice, params)
    choice.leave_out(captures.several, "more than one observation")
    choice.check_any()
    splitting = split(inventory, captures, choice.taking, params, params.seed)
    choice.leave_out(splitting.of_capture == UNKNOWN, "no split")
    choose_by_number(inventory, choice, splitting.of_capture, params, params.seed)
    choice.check_any()
    return _plan(inventory, params, choice, splitting)


def _plan(
    inventory: Inventory, params: DatasetParams, choice: Choice, splitting: Splitting
) -> Plan:
    taking = choice.taking
    table = inventory.table.take(pa.array(choice.captures.first[taking])).combine_chunks()
    split_of = splitting.of_capture[taking]
    noticed = (
        *_missing_splits(split_of, splitting.names),
        *_missing_classes(table, inventory.labels, split_of, splitting.names),
        *_without_labels(inventory, table, choice.captures.first[taking]),
    )
    return Plan(
        table=table,
        split_of=split_of,
        inventory=inventory,
        root=_root(inventory, params),
        params=params,
        splitting=splitting,
        left_out=choice.left_out(),
        findings=(*splitting.findings, *noticed),
    )


def _root(inventory: Inventory, params: DatasetParams) -> str:
    root = inventory.root if params.image_root == "auto" else params.image_root
    if params.engine == RAY and not _is_everywhere(root):
        raise BadInput(
            f"image_root: found '{root}'; allowed with engine=ray: an absolute path or s3://, for "
            "workers run in other folders"
        )
    return root


def _is_everywhere(root: str) -> bool:
    return storage.is_s3(root) or storage.local_path(root).is_absolute()


def _missing_splits(split_of: Codes, names: tuple[str, ...]) -> Iterator[Finding]:
    """Splits that no capture is in: a step that asks for one would find nothing."""
    counts = np.bincount(split_of, minlength=len(names))
    if cases := [Case(name) for name, count in zip(names, counts, strict=True) if not count]:
        yield Finding.of("splits without a capture", cases)


def _without_labels(inventory: Inventory, table: pa.Table, rows: Codes) -> Iterator[Finding]:
    """Captures that take part and say nothing; `rows` are theirs in the inventory."""
    unknown = np.ones(len(rows), np.bool_)
    for label in inventory.labels:
        unknown &= pc.is_null(table[label]).to_numpy()
    ids = table[CAPTURE_ID].filter(pa.array(unknown)).to_pylist()
    places = map(inventory.place_of, rows[unknown].tolist())
    if cases := list(map(Case, ids, places)):
        yield Finding.of("captures without any label (nothing can be learnt of them)", cases)


def _missing_classes(
    table: pa.Table, labels: tuple[str, ...], split_of: Codes, names: tuple[str, ...]
) -> Iterator[Finding]:
    """Classes that cannot be learnt, or not judged, for a split has no capture of them."""
    used = np.unique(split_of)
    for label in labels:
        values, classes = sorted_codes(table[label])
        present = np.zeros((len(names), len(values) + 1), np.bool_)  # the last: UNKNOWN
        present[split_of, classes] = True
        cases = [
            Case(value, detail=f"not in {', '.join(names[place] for place in absent)}")
            for number, value in enumerate(values)
            if len(absent := used[~present[used, number]])
        ]
        if cases:
            what = f"classes of '{label}' that are in no capture of a split"
            yield Finding.of(what, cases, label)


def _known(row: dict[str, str | None], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name in names if (value := row[name]) is not None}
