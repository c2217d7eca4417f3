"""What a run logs, on this machine, until its store has it: entries in order, each a file.

A folder holds them:

    facts.json      what is known of the run: its id, its model
    000012.json     an entry: its kind and its content
    000012/         the files that belong to it, there before it is

An entry is there whole or not at all, and goes when it has been sent. A process that is killed
leaves what was not, for the run that goes on and for the step `sync`.
"""

import json
import os
import shutil
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ctc import storage

FACTS = "facts.json"
PACKING = ".packing-"  # begins the name of a folder that is no entry's yet
Files = Mapping[str, Path | bytes]  # by name: what is copied, or written


@dataclass(frozen=True)
class Entry:
    """One call of a run.

    Attributes:
        number: its place in the order.
        kind: what is to be done with it, see `ctc.tracking.sending.delivering`.
        content: what was logged, as JSON.
        files: the folder with its files, if it has any.
    """

    number: int
    kind: str
    content: dict[str, Any]
    files: Path


class Journal:
    """The journal of one run; several threads may write it, one process at a time does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._last = max((int(path.stem) for path in self._paths()), default=0)
        file = folder / FACTS
        self.facts: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}

    @classmethod
    def new(cls, home: Path) -> "Journal":
        """Make an empty one below a folder, which is made if missing."""
        now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        folder = home / f"{now}-{uuid.uuid4().hex[:8]}"
        while not folder.is_dir():
            with suppress(FileNotFoundError):  # another run has just removed the empty folder
                folder.mkdir(parents=True)
        return cls(folder)

    @property
    def key(self) -> str:
        """What it is called, which no other is."""
        return self.folder.name

    @property
    def run_id(self) -> str | None:
        """Id of the run; None if the server has not been told of it yet."""
        return self.facts.get("run_id")

    def note(self, **facts: Any) -> None:
        """Keep what is known of the run from now on."""
        with self._lock:
            self.facts = {**self.facts, **facts}
            storage.write_bytes(str(self.folder / FACTS), json.dumps(self.facts).encode())

    def add(self, kind: str, content: Mapping[str, Any], files: Files | None = None) -> int:
        """Add an entry; return its number."""
        packed = self._packed(files) if files else None
        return self.add_packed(kind, content, packed)

    def add_packed(self, kind: str, content: Mapping[str, Any], packed: Path | None) -> int:
        """Add an entry that gets what `packing` has filled."""
        with self._lock:
            number = self._last + 1
            if packed is not None:
                packed.rename(self._files(number))
            text = json.dumps({"kind": kind, "content": content})
            storage.write_bytes(str(self._path(number)), text.encode())
            self._last = number
        return number

    @contextmanager
    def packing(self) -> Iterator[Path]:
        """Yield an empty folder for files of an entry; it goes, if no entry has taken it."""
        folder = self._free()
        folder.mkdir()
        try:
            yield folder
        finally:
            storage.remove_folder(folder)

    def numbers(self) -> list[int]:
        """Return the numbers of the entries, in order."""
        return sorted(int(path.stem) for path in self._paths())

    def entry(self, number: int) -> Entry:
        """Return an entry."""
        read = json.loads(self._path(number).read_text())
        return Entry(number, read["kind"], read["content"], self._files(number))

    def drop(self, number: int) -> None:
        """Remove an entry; one that is gone is fine."""
        self._path(number).unlink(missing_ok=True)
        storage.remove_folder(self._files(number))

    def remove(self) -> None:
        """Remove the journal, and the folder of journals that it was the last of."""
        storage.remove_folder(self.folder)
        with suppress(OSError):
            self.folder.parent.rmdir()

    def sweep(self) -> None:
        """Remove what a process that was killed has left half done; for those who hold it."""
        kept = {FACTS, *(name for n in self.numbers() for name in (f"{n:06}.json", f"{n:06}"))}
        for path in self.folder.iterdir():
            if path.name not in kept:
                storage.remove_folder(path) if path.is_dir() else path.unlink()

    def _packed(self, files: Files) -> Path:
        folder = self._free()
        for name, source in files.items():
            if isinstance(source, bytes):
                storage.write_bytes(str(folder / name), source)
            else:
                _take(source, folder / name)
        return folder

    def _free(self) -> Path:
        """Return where files may be put before they are an entry's."""
        return self.folder / f"{PACKING}{uuid.uuid4().hex[:8]}"

    def _paths(self) -> list[Path]:
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return [path for path in found if path.suffix == ".json" and path.stem.isdigit()]

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}.json"

    def _files(self, number: int) -> Path:
        return self.folder / f"{number:06}"


def _take(source: Path, target: Path) -> None:
    """Keep a file as it is now, by a second name where the disk has such, which costs nothing.

    For files that are replaced and never changed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # some file systems have no links, and none reaches into another
        shutil.copyfile(source, target)
