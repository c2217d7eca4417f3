"""What may lie where a dataset is to be written: nothing of anybody else's."""

import json
from collections.abc import Iterator
from typing import Any

from ctc import storage
from ctc.dataset.images import IMAGES_FILE
from ctc.dataset.manifest import MANIFEST, SKIPPED
from ctc.errors import BadInput
from ctc.storage.unfinished import alone, place_of

UNFINISHED = ".unfinished"  # an object that is on S3 while the others are put there
DOCUMENTS = {MANIFEST, SKIPPED, IMAGES_FILE, UNFINISHED}


def check_output(output: str) -> None:
    """Refuse a place that cannot be written, holds something else, or is being written.

    Raises:
        BadInput: naming the folder.
    """
    place = place_of(output)
    if not storage.is_s3(output):
        storage.check_output(str(place.target))
        if place.target.is_mount():
            raise BadInput(f"'{output}' is a mounted volume, which stays; name a folder in it")
    if place.lock.exists():
        with alone(place):
            pass
    check_content(output)


def check_content(output: str) -> None:
    """Refuse a place that holds files that are not of a dataset: they would be deleted.

    A folder without any file is fine, and so is a dataset of an older schema version.

    Raises:
        BadInput: naming such a file.
    """
    if not storage.exists(output):
        return
    shards = _shards(output) if storage.is_folder(output) else None
    if shards is None:
        raise BadInput(f"'{output}' exists and is no dataset; name a new folder")
    for name in _files(output):
        if name not in shards | DOCUMENTS:
            raise BadInput(
                f"'{output}' holds files that are not of the dataset, such as '{name}'; move them "
                "or name another folder"
            )


def _shards(output: str) -> set[str] | None:
    """Return what may be shards in a folder, none if it is neither empty nor a dataset's."""
    manifest = storage.join(output, MANIFEST)
    listed = _listed(storage.read_bytes(manifest)) if storage.exists(manifest) else set[str]()
    if listed is None:
        return None
    if storage.exists(storage.join(output, UNFINISHED)):  # a manifest comes after its shards
        return listed | {name for name in _files(output) if name.endswith(".tfrecord")}
    is_empty = not any(True for _ in _files(output))
    return listed if is_empty or storage.exists(manifest) else None


def _listed(manifest: bytes) -> set[str] | None:
    """Return the names of the shards in a manifest of any version, none if it is no manifest."""
    try:
        about: dict[str, Any] = json.loads(manifest)
        int(about["schema_version"]), str(about["digest"])
        return {str(shard["name"]) for shard in about["shards"]}
    except (ValueError, KeyError, TypeError):
        return None


def _files(folder: str) -> Iterator[str]:
    """Yield the files below a folder, locally the hidden ones too, relative to it."""
    if storage.is_s3(folder):
        # A store may have an object of no name for the folder itself.
        yield from (name for name in storage.list_files(folder) if name and name[-1] != "/")
        return
    top = storage.local_path(folder).resolve()
    for path in top.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(top).as_posix()
