"""Reports on finished shards: what lets a second run keep them, and what the manifest is made of.

The report on `<folder>/<shard>` lies beside that folder, at `reports/<shard>.json`, so that it is
not published. A worker process imports this: no pandas, no pyarrow.
"""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ctc import storage
from ctc.dataset.shards import (
    Shard,
    ShardTask,
    Skip,
    StoredPicture,
    WrittenShard,
    write_shard,
)
from ctc.pictures.decoding import UnreadablePicture, shrunk, to_jpeg
from ctc.pictures.files import picture_bytes
from ctc.pictures.fingerprints import Fingerprint

REPORTS = "reports"


def finish_shard(task: ShardTask) -> bool:
    """Write a shard and then its report, unless both are there and right.

    Returns:
        Whether the shard of an earlier run was kept.
    """
    if _is_finished(task):
        return True
    write_report(task.path, write_shard(task))
    return False


def report_path(shard: Path) -> Path:
    """Return where the report on a shard lies."""
    return shard.parent.parent / REPORTS / f"{shard.name}.json"


def write_report(shard: Path, written: WrittenShard) -> None:
    """Write the report on a shard, whole or not at all."""
    about = {
        "shard": asdict(written.shard),
        "classes": [[*pair, count] for pair, count in written.classes.items()],
        "locations": sorted(written.locations),
        "skips": [[skip.capture_id, skip.image, skip.reason] for skip in written.skips],
        "pictures": [_flat(picture) for picture in written.pictures],
    }
    storage.write_bytes(str(report_path(shard)), json.dumps(about).encode())


def read_report(shard: Path) -> WrittenShard:
    """Read what `write_report` wrote.

    Raises:
        OSError: if there is none.
        ValueError: if it is damaged.
    """
    about = json.loads(report_path(shard).read_bytes())
    return WrittenShard(
        shard=Shard(**about["shard"]),
        classes=Counter({(label, name): count for label, name, count in about["classes"]}),
        locations=frozenset(about["locations"]),
        skips=tuple(Skip(*skip) for skip in about["skips"]),
        pictures=tuple(_picture(*values) for values in about["pictures"]),
    )


def _flat(picture: StoredPicture) -> list[Any]:
    seen = picture.fingerprint
    return [picture.capture_id, picture.image, seen.content.hex(), seen.perceptual.hex()]


def _picture(capture_id: str, image: str, content: str, perceptual: str) -> StoredPicture:
    seen = Fingerprint(bytes.fromhex(content), bytes.fromhex(perceptual))
    return StoredPicture(capture_id, image, seen)


def _is_finished(task: ShardTask) -> bool:
    try:
        written = read_report(task.path)
        # Another version of the code may deal captures to shards of the same names otherwise.
        if written.shard.task != task.digest:
            return False
        if storage.sha256(task.path) != written.shard.sha256:
            return False
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or a disk failed
        return False
    return all(_is_still_true(skip, task) for skip in written.skips)


def _is_still_true(skip: Skip, task: ShardTask) -> bool:
    """Say whether a picture that was left out would be left out again for the same reason."""
    if not skip.image:
        return True  # the whole capture: its pictures decide
    try:
        to_jpeg(shrunk(picture_bytes(task.root, skip.image), task.form), task.form.quality)
    except UnreadablePicture as error:
        return str(error) == skip.reason
    return False
