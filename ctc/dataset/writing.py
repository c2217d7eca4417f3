"""Writes a dataset: shards by tasks on all cores, the manifest from what they report."""

import csv
import hashlib
import io
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ctc import storage
from ctc.dataset.elsewhere import finish_elsewhere
from ctc.dataset.images import IMAGES_FILE, write_images
from ctc.dataset.lending import Lender, lender_at
from ctc.dataset.manifest import MANIFEST, SKIPPED, Counts, Dataset
from ctc.dataset.outputs import UNFINISHED, check_content, check_output
from ctc.dataset.period import periods_of
from ctc.dataset.planning import Plan
from ctc.dataset.records import printable
from ctc.dataset.reports import finish_shard, read_report
from ctc.dataset.resuming import (
    Origin,
    begin,
    give_up,
    origin_of,
    remarks,
)
from ctc.dataset.shards import Shard, ShardTask, Skip, WrittenShard
from ctc.errors import BadInput
from ctc.params import DatasetParams
from ctc.progress import Progress
from ctc.storage.unfinished import Place, alone, place_of, settle, sweep
from ctc.tasks import LOCAL, run_tasks

NAMED = 3  # damaged files in a note


def write_dataset(plan: Plan, output: str) -> Dataset:
    """Write all shards, `images.parquet`, `skipped.csv` and, last, `dataset.json`.

    The folder is made beside `output` and put in its place when it is complete; a dataset that
    was there before stays until then. A run that is stopped leaves its finished shards to the
    next one of the same origin (see `ctc.dataset.resuming`), which verifies and keeps them, as it
    does with those of a complete dataset at `output`. A shard that lacks a picture which can be
    read now is written anew; pictures that are in a shard are not looked at again.

    Returns:
        The dataset, with `kept` and `notes`.

    Raises:
        BadInput: as `check_output` does, or if no picture could be read.
    """
    check_output(output)
    place = place_of(output)
    with alone(place):
        settle(place)
        origin = origin_of(plan)
        notes = tuple(remarks(place, origin))
        lender = lender_at(output, origin) if plan.params.resume else None
        work = begin(place, origin, plan.params.resume)
        store = _store(place, origin, plan, lender)
        try:
            dataset = _write_into(work / "dataset", plan, origin, lender, store)
            put = _put(dataset, place, lender, store)
        except BaseException:
            give_up(work)
            raise
        storage.remove_folder(work)
    return replace(put, uri=output, notes=(*notes, *put.notes))


def _store(place: Place, origin: Origin, plan: Plan, lender: Lender | None) -> str | None:
    """Return the folder on S3 that a cluster puts its shards into; None: they are written here.

    It is hidden below the output, and goes with all else there that is not of the dataset.
    """
    # What a dataset lends is on this machine then, and so is the little that it may lack.
    if lender or plan.params.engine == LOCAL or not storage.is_s3(place.output):
        return None
    return storage.join(place.output, f".{origin.key}.partial")


def _write_into(
    folder: Path, plan: Plan, origin: Origin, lender: Lender | None, store: str | None
) -> Dataset:
    finished = _finish_shards(folder, plan, lender, store)
    sums = _Sums(plan)
    for written in _reports(finished):
        sums.add(written)
    if not any(shard.captures for shard in sums.shards):
        shutil.rmtree(folder.parent)
        first = min(sums.skips, key=lambda skip: (not skip.image, skip.capture_id))
        at = storage.join(plan.root, first.image)
        raise BadInput(f"no picture could be read; the first: '{at}', {first.reason}")
    write_images(folder / IMAGES_FILE, _reports(finished))
    storage.write_bytes(str(folder / SKIPPED), _as_csv(sums.skips))
    dataset = _describe(folder, origin, sums, sum(finished.values()))
    dataset.write()
    kept = {path.name for path, is_kept in finished.items() if is_kept}
    return replace(dataset, notes=tuple(_on_damages(lender, kept)))


def _on_damages(lender: Lender | None, kept: set[str]) -> Iterator[str]:
    if lender and (damages := lender.found_damaged(kept)):
        more = f", and {len(damages) - NAMED} more" if len(damages) > NAMED else ""
        found = f"{', '.join(damages[:NAMED])}{more}"
        yield f"the dataset at '{lender.dataset.uri}' is damaged ({found}); it is written anew"


def _finish_shards(
    folder: Path, plan: Plan, lender: Lender | None, store: str | None
) -> dict[Path, bool]:
    """Return the shards, with whether each was kept."""
    tasks = plan.tasks(folder)
    finished: dict[Path, bool] = {}
    go_on = "run again to go on" if plan.params.resume else "run again with resume=yes to go on"
    with Progress("dataset", plan.table.num_rows, "captures", if_stopped=go_on) as progress:
        lent = lender.lending(tasks) if lender else tasks
        for task, kept in _finish(lent, plan.params, store):
            finished[task.path] = kept
            (progress.keep if kept else progress.advance)(len(task.captures))
    return finished


def _finish(
    tasks: Iterable[ShardTask], params: DatasetParams, store: str | None
) -> Iterator[tuple[ShardTask, bool]]:
    here = storage.is_s3(params.output) and store is None
    if params.engine == LOCAL or here:
        return run_tasks(finish_shard, tasks, params.workers)
    return finish_elsewhere(tasks, params, store)


def _reports(finished: dict[Path, bool]) -> Iterator[WrittenShard]:
    return (read_report(path) for path in sorted(finished))


@dataclass
class _Sums:
    """What the reports on all shards come to."""

    plan: Plan
    shards: list[Shard] = field(default_factory=list)
    labels: Counts = field(default_factory=dict)
    locations: dict[str, set[str]] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.labels = {label: {} for label in self.plan.inventory.labels}
        self.skips = [*self.plan.skips]

    def add(self, written: WrittenShard) -> None:
        split = written.shard.split
        self.shards.append(written.shard)
        self.skips.extend(written.skips)
        self.locations.setdefault(split, set()).update(written.locations)
        for (label, name), captures in sorted(written.classes.items()):
            of_split = self.labels[label].setdefault(split, {})
            of_split[name] = of_split.get(name, 0) + captures

    @property
    def left_out(self) -> set[str]:
        """Captures that are in no shard."""
        return {skip.capture_id for skip in self.skips if not skip.image}


def _describe(folder: Path, origin: Origin, sums: _Sums, kept: int) -> Dataset:
    content = "".join(f"{shard.name} {shard.sha256}\n" for shard in sums.shards)
    return Dataset(
        folder=folder,
        uri=str(folder),
        parameters=origin.parameters,
        labels=sums.labels,
        locations={split: sorted(names) for split, names in sums.locations.items()},
        shards=tuple(sums.shards),
        skipped=dict(sorted(Counter(skip.reason for skip in sums.skips).items())),
        digest=hashlib.sha256(content.encode()).hexdigest()[:32],
        inventory_digest=origin.inventory_digest,
        written_by=origin.written_by,
        checksums={name: storage.sha256(folder / name) for name in (IMAGES_FILE, SKIPPED)},
        periods=periods_of(sums.plan.captures, sums.left_out),
        kept=kept,
    )


def _as_csv(skips: list[Skip]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("capture_id", "image", "reason"))
    rows = sorted((skip.capture_id, skip.image, skip.reason) for skip in skips)
    writer.writerows(rows)
    return printable(text.getvalue()).encode()


def _put(dataset: Dataset, place: Place, lender: Lender | None, store: str | None) -> Dataset:
    """Put a finished dataset in its place, unless it is there; note what was kept."""
    if lender and lender.is_same(dataset) and not dataset.notes and not _is_half_put(place.output):
        note = f"the dataset at '{place.output}' was complete; it was verified and kept"
        return replace(dataset, folder=lender.dataset.folder, notes=(note,))
    kept = f"{dataset.kept} of {len(dataset.shards)} shards of an earlier run"
    notes = (f"{kept} were verified and kept",) if dataset.kept else ()
    elsewhere = {one.name: storage.join(store, one.name) for one in dataset.shards} if store else {}
    folder = _publish(dataset.folder, place, dataset.digest, elsewhere)
    return replace(dataset, folder=folder, notes=(*dataset.notes, *notes))


def _is_half_put(output: str) -> bool:
    return storage.exists(storage.join(output, UNFINISHED))


def _publish(folder: Path, place: Place, digest: str, elsewhere: Mapping[str, str]) -> Path:
    """Return where the files of the dataset can be read; `elsewhere` are shards on S3, by name."""
    sweep(folder)
    check_content(place.output)  # again, for it may have taken hours
    if not storage.is_s3(place.output):
        storage.replace_folder(folder, place.target, aside=place.former)
        return storage.local_path(place.output)
    # Who is killed while files are put there finds by this that the place is a dataset's. It is
    # deleted last, as all that does not belong to the dataset.
    storage.write_bytes(storage.join(place.output, UNFINISHED), b"a dataset is being put here\n")
    storage.put_folder(folder, place.output, MANIFEST, elsewhere)
    # Where `open_dataset` would fetch them to.
    kept = storage.cache_folder() / digest
    storage.replace_folder(folder, kept)
    return kept
