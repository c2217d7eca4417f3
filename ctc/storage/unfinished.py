"""Where an output is made until it is complete, so that a run that was stopped can go on.

All of it has names that follow from the output and from what decides its content, and lies beside
the output (for one on S3: in the cache of this machine):

    .NAME.KEY.partial   what is finished so far
    .NAME.former        the former output, between the two renames that replace a folder
    .NAME.lock          held by the run that writes
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctc.errors import BadInput
from ctc.storage.address import is_s3, local_path
from ctc.storage.local import cache_folder, remove_folder

KEY_DIGITS = 12


def key_of(content: Any) -> str:
    """Return a name for what decides a content, 12 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:KEY_DIGITS]


def differences(here: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what is another now, as in `quality=85 (now 90)`."""
    names = [name for name in {**here, **now} if here.get(name) != now.get(name)]
    return ", ".join(f"{n}={here.get(n, '')} (now {now.get(n, '')})" for n in names)


@dataclass(frozen=True)
class Place:
    """Where the work for an output is done.

    Attributes:
        output: what is made: a file, a folder or an s3:// URI.
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
    if is_s3(output):
        digest = hashlib.sha256(output.rstrip("/").encode()).hexdigest()[:KEY_DIGITS]
        return Place(output, cache_folder() / "unfinished", digest)
    target = local_path(output).resolve()
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
    if is_s3(place.output) or not os.path.lexists(place.former):
        return
    if os.path.lexists(place.target):
        remove_folder(place.former)
    else:
        place.former.rename(place.target)


def sweep(folder: Path) -> None:
    """Remove what tasks that were killed left in a folder; see `atomic_file`."""
    for path in folder.glob(".*"):
        path.unlink(missing_ok=True)
