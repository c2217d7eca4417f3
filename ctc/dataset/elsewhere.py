"""Shards that other machines write: to a folder that all of them see, or to S3."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ctc import storage
from ctc.dataset.reports import REPORTS, finish_shard, report_path
from ctc.dataset.shards import ShardTask
from ctc.errors import CannotGoOn
from ctc.params import DatasetParams
from ctc.tasks import RAY, run_tasks


@dataclass(frozen=True)
class PutTask:
    """A shard to be written and put on S3, with its report.

    Attributes:
        shard: what is asked for; its path is that of the machine that asks.
        store: the folder on S3 for the unfinished work.
        keep: whether what an earlier run has put there is kept.
    """

    shard: ShardTask
    store: str
    keep: bool


def finish_elsewhere(
    tasks: Iterable[ShardTask], params: DatasetParams, store: str | None
) -> Iterator[tuple[ShardTask, bool]]:
    """Let a cluster do what `finish_shard` does; yield each task, and whether it was kept.

    Args:
        tasks: read as they are needed.
        params: of the step.
        store: the folder on S3 that shards are put into; None: to their paths. Their reports are
            here in the end in both cases.

    Raises:
        BadInput: if there is no cluster.
        CannotGoOn: if a machine does not see the folder of the shards, or the cluster is lost.
    """
    if store is None:
        yield from run_tasks(finish_shared_shard, tasks, params.workers, RAY)
        return
    to_put = (PutTask(task, store, params.resume) for task in tasks)
    for task, (kept, report) in run_tasks(put_shard, to_put, params.workers, RAY):
        storage.write_bytes(str(report_path(task.shard.path)), report)
        yield task.shard, kept


def finish_shared_shard(task: ShardTask) -> bool:
    """Finish a shard in a folder of the machine that asks.

    Raises:
        CannotGoOn: if this machine has no such folder.
    """
    if not task.path.parent.is_dir():
        raise CannotGoOn(
            f"a machine of the cluster does not see '{task.path.parent}'; name an output that all "
            "of them share, or an s3:// URI"
        )
    return finish_shard(task)


def put_shard(task: PutTask) -> tuple[bool, bytes]:
    """Finish a shard on S3, unless it is there and right; return whether it was, and its report."""
    name = task.shard.path.name
    stored = storage.join(task.store, name), storage.join(task.store, REPORTS, f"{name}.json")
    with TemporaryDirectory() as folder:
        shard = replace(task.shard, path=Path(folder) / "dataset" / name)
        here = shard.path, report_path(shard.path)
        there = [storage.exists(uri) for uri in stored]
        if task.keep and all(there):
            for uri, path in zip(stored, here, strict=True):
                storage.fetch_file(uri, path)
        kept = finish_shard(shard)
        if not kept:
            _put(shard.path, stored[0], anew=there[0])
            storage.put_file(here[1], stored[1])
        return kept, here[1].read_bytes()


def _put(shard: Path, uri: str, anew: bool) -> None:
    """Put a shard where none is, or in the place of one that is not right.

    Where two machines write the same shard, for one was given up too early, the first one's stays:
    who reads it by its report meanwhile finds no other. Both have the same bytes.
    """
    if anew:
        storage.put_file(shard, uri)
    else:
        storage.put_new_file(shard, uri)
