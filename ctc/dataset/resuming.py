"""Where a dataset is written until it is complete, so that a run that was stopped can go on.

All of it has names that follow from the output and from what decides the content, and lies beside
the output (for one on S3: in the cache of this machine):

    .NAME.KEY.partial/dataset/   the finished shards; becomes the output by a rename
    .NAME.KEY.partial/reports/   see `ctc.dataset.reports`
    .NAME.KEY.partial/begun.json the `Origin`, for those who find the folder
    .NAME.former                 the former output, between the two renames that replace it
    .NAME.lock                   held by the run that writes
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import PIL

from ctc import storage
from ctc.dataset.manifest import MANIFEST, SCHEMA_VERSION, Dataset, read_manifest
from ctc.dataset.planning import Plan
from ctc.dataset.reports import REPORTS
from ctc.errors import BadInput
from ctc.parameter import as_text
from ctc.pictures.fingerprints import VERSION

BEGUN = "begun.json"
KEY_DIGITS = 12
# Parameters that change no byte of a dataset; the image root stands there as it was resolved.
NOT_IN_CONTENT = {
    "output", "workers", "inventory", "image_root", "private", "resume", "burst_seconds",
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """What decides every byte of a dataset: parameters, inventory, versions."""

    parameters: dict[str, Any]
    inventory_digest: str
    written_by: str

    @property
    def key(self) -> str:
        """A name for it, 12 hexadecimal digits."""
        content = json.dumps(asdict(self), sort_keys=True).encode()
        return hashlib.sha256(content).hexdigest()[:KEY_DIGITS]

    def differences(self, now: "Origin") -> str:
        """Say in which parts `now` is another, as in `quality=85 (now 90)`."""
        here, there = self._flat(), now._flat()
        names = [name for name in {**here, **there} if here.get(name) != there.get(name)]
        return ", ".join(f"{n}={here.get(n, '')} (now {there.get(n, '')})" for n in names)

    def _flat(self) -> dict[str, Any]:
        own = {"inventory": f"digest {self.inventory_digest}", "written by": self.written_by}
        return {**self.parameters, **own}


def origin_of(plan: Plan) -> Origin:
    """Return what decides the bytes of a planned dataset."""
    given = {k: as_text(v) for k, v in asdict(plan.params).items() if k not in NOT_IN_CONTENT}
    # Another version of the library may encode the same picture in other bytes.
    formats = f"format {SCHEMA_VERSION}, fingerprints {VERSION}"
    written_by = f"{formats}, Pillow {PIL.__version__}"
    return Origin({**given, "image_root": plan.root}, plan.inventory.digest, written_by)


@dataclass(frozen=True)
class Place:
    """Where the work for an output is done.

    Attributes:
        output: the dataset, a folder or an s3:// URI.
        home: the folder that holds the work.
        name: what names in it begin with, after a dot.
    """

    output: str
    home: Path
    name: str

    @property
    def target(self) -> Path:
        """Where an output that is no s3:// URI lies."""
        return self.home / self.name

    @property
    def lock(self) -> Path:
        """The file that the run that writes holds locked."""
        return self.home / f".{self.name}.lock"

    @property
    def former(self) -> Path:
        """Where a former output is while it is replaced."""
        return self.home / f".{self.name}.former"

    def work(self, key: str) -> Path:
        """Return the folder of the work with this key."""
        return self.home / f".{self.name}.{key}.partial"

    def unfinished(self) -> list[Path]:
        """Return the folders of all work for this output."""
        own = re.compile(rf"\.{re.escape(self.name)}\.[0-9a-f]{{{KEY_DIGITS}}}\.partial")
        found = self.home.iterdir() if self.home.is_dir() else ()
        return sorted(path for path in found if own.fullmatch(path.name))


def place_of(output: str) -> Place:
    """Return where the work for an output is done; for a link, where that points."""
    if storage.is_s3(output):
        digest = hashlib.sha256(output.rstrip("/").encode()).hexdigest()[:KEY_DIGITS]
        return Place(output, storage.cache_folder() / "unfinished", digest)
    target = storage.local_path(output).resolve()
    return Place(output, target.parent, target.name)


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Hold the lock of a place in this block.

    The lock goes with the process, so one that was killed leaves none that counts. It is one of
    this machine; on S3, runs on other machines are not seen.

    Raises:
        BadInput: if another run holds it.
    """
    place.home.mkdir(parents=True, exist_ok=True)
    handle = _locked(place)
    try:
        yield
    finally:
        place.lock.unlink(missing_ok=True)
        os.close(handle)


def _locked(place: Place) -> int:
    while True:
        handle = os.open(place.lock, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(place.lock).st_ino == os.fstat(handle).st_ino:  # noqa: PTH116
                return handle
        except BlockingIOError as error:
            os.close(handle)
            raise BadInput(
                f"another run is writing '{place.output}'; wait until it ends"
            ) from error
        except FileNotFoundError:
            pass  # the run that held it has just ended and taken the file away
        os.close(handle)


def settle(place: Place) -> None:
    """Finish the replacing of a former output where a run was killed in the middle of it."""
    if storage.is_s3(place.output) or not os.path.lexists(place.former):
        return
    if os.path.lexists(place.target):
        storage.remove_folder(place.former)
    else:
        place.former.rename(place.target)


def begin(place: Place, origin: Origin, resume: bool) -> Path:
    """Make the folder for the work, or find it as an earlier run left it."""
    work = place.work(origin.key)
    if not resume:
        storage.remove_folder(work)
    (work / "dataset").mkdir(parents=True, exist_ok=True)
    sweep(work / "dataset")
    storage.write_bytes(str(work / BEGUN), json.dumps(asdict(origin), indent=1).encode())
    return work


def sweep(folder: Path) -> None:
    """Remove what tasks that were killed left in a folder; see `storage.atomic_file`."""
    for path in folder.glob(".*"):
        path.unlink(missing_ok=True)


def give_up(work: Path) -> None:
    """Leave the work to the next run, if there is anything worth it."""
    if not any((work / REPORTS).glob("[!.]*")):
        storage.remove_folder(work)


def remarks(place: Place, origin: Origin) -> Iterator[str]:
    """Yield a sentence on each dataset and unfinished work of another origin at this place."""
    former = _former_origin(place)
    if isinstance(former, str):
        yield f"{former}; it is replaced"
    elif former and former != origin:
        what = f"the dataset at '{place.output}' was written with {former.differences(origin)}"
        yield f"{what}; it is replaced"
    for work in place.unfinished():
        if work != place.work(origin.key):
            begun = f"with {other.differences(origin)}" if (other := _begun(work)) else "otherwise"
            yield (
                f"unfinished work that was begun {begun} lies at '{work}'; it is kept: write that "
                "dataset to its end, or delete the folder"
            )


def origin_in(dataset: Dataset) -> Origin:
    """Return what decided the bytes of a dataset, as its manifest says it."""
    return Origin(dataset.parameters, dataset.inventory_digest, dataset.written_by)


def _former_origin(place: Place) -> Origin | str | None:
    try:
        return origin_in(read_manifest(place.output))
    except BadInput as error:
        return str(error) if storage.exists(storage.join(place.output, MANIFEST)) else None


def _begun(work: Path) -> Origin | None:
    try:
        return Origin(**json.loads((work / BEGUN).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
