"""Writes a dataset: shards by tasks on all cores, the manifest from what they report."""

import csv
import hashlib
import io
import shutil
import tempfile
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from ctc import storage
from ctc.dataset.manifest import MANIFEST, SKIPPED, Counts, Dataset
from ctc.dataset.planning import Plan
from ctc.dataset.shards import Skip, WrittenShard, write_shard
from ctc.errors import BadInput
from ctc.parameter import as_text
from ctc.progress import Progress
from ctc.tasks import run_tasks


def write_dataset(plan: Plan, output: str) -> Dataset:
    """Write all shards, `skipped.csv` and, last, `dataset.json`.

    The folder is made beside `output` and put in its place when it is complete; a dataset that
    was there before stays until then.

    Raises:
        BadInput: if `output` is something else than a dataset, or no capture could be read.
    """
    check_output(output)
    partial = _partial_folder(output)
    try:
        dataset = _write_into(partial, plan)
        return replace(_publish(dataset, output), uri=output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_output(output: str) -> None:
    """Refuse to write over something that is not a dataset.

    Raises:
        BadInput: naming the folder.
    """
    if storage.exists(output) and not storage.exists(storage.join(output, MANIFEST)):
        raise BadInput(f"'{output}' exists and is no dataset; name a new folder")


def _partial_folder(output: str) -> Path:
    if storage.is_s3(output):
        return Path(tempfile.mkdtemp(prefix="ctc-dataset-"))
    target = storage.local_path(output)
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))


def _publish(dataset: Dataset, output: str) -> Dataset:
    if storage.is_s3(output):
        storage.put_folder(dataset.folder, output, last=MANIFEST)
        return dataset
    target = storage.local_path(output)
    dataset.folder.chmod(0o755)  # mkdtemp made it private
    storage.replace_folder(dataset.folder, target)
    return replace(dataset, folder=target)


def _write_into(folder: Path, plan: Plan) -> Dataset:
    written: list[WrittenShard] = []
    with Progress("dataset", plan.table.num_rows, "captures") as progress:
        for task, result in run_tasks(write_shard, plan.tasks(folder), plan.params.workers):
            written.append(result)
            progress.advance(len(task.captures))
    skips = [*plan.skips, *(skip for result in written for skip in result.skips)]
    dataset = _describe(folder, plan, sorted(written, key=lambda w: w.shard.name), skips)
    if not any(shard.captures for shard in dataset.shards):
        raise BadInput(
            f"no picture could be read; the first: '{skips[0].image}', {skips[0].reason}"
        )
    storage.write_bytes(str(folder / SKIPPED), _as_csv(skips))
    dataset.write()
    return dataset


def _describe(folder: Path, plan: Plan, written: list[WrittenShard], skips: list[Skip]) -> Dataset:
    shards = tuple(result.shard for result in written)
    content = "".join(f"{shard.name} {shard.sha256}\n" for shard in shards)
    left_out = {"output", "workers", "inventory", "image_root"}  # do not change the content
    return Dataset(
        folder=folder,
        uri=str(folder),
        parameters={k: as_text(v) for k, v in asdict(plan.params).items() if k not in left_out},
        labels=_class_counts(plan.inventory.labels, written),
        locations=_locations_of_splits(written),
        shards=shards,
        skipped=dict(sorted(Counter(skip.reason for skip in skips).items())),
        digest=hashlib.sha256(content.encode()).hexdigest()[:32],
        inventory_digest=plan.inventory.digest,
    )


def _class_counts(labels: tuple[str, ...], written: list[WrittenShard]) -> Counts:
    counts: Counts = {label: {} for label in labels}
    for result in written:
        for (label, name), captures in sorted(result.classes.items()):
            of_split = counts[label].setdefault(result.shard.split, {})
            of_split[name] = of_split.get(name, 0) + captures
    return counts


def _locations_of_splits(written: list[WrittenShard]) -> dict[str, list[str]]:
    splits: dict[str, set[str]] = {}
    for result in written:
        splits.setdefault(result.shard.split, set()).update(result.locations)
    return {split: sorted(locations) for split, locations in splits.items()}


def _as_csv(skips: list[Skip]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("capture_id", "image", "reason"))
    rows = sorted((skip.capture_id, skip.image, skip.reason) for skip in skips)
    writer.writerows(rows)
    return text.getvalue().encode()
