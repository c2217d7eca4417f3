"""Files and folders of this machine that appear whole or not at all."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ctc.errors import NO_ROOM, BadInput


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which becomes `path` when the block ends.

    The folder is made where it is missing. The temporary name is hidden and keeps the ending
    of `path`, because some writers choose the format by it. When the block raises, the
    temporary file is removed and what was at `path` stays.

    Raises:
        OSError: the folder cannot be written, or the block wrote nothing. It names `path` where
            there was no room for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(path)
    try:
        yield partial
        _to_disk(partial)
        partial.replace(path)
    except OSError as error:
        if error.errno in NO_ROOM and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def sweep_beside(path: Path) -> None:
    """Remove what `atomic_file` has left beside `path` where its process was killed.

    For those who know that nobody else writes `path` meanwhile.
    """
    left = re.compile(rf"\.[0-9a-f]{{12}}\.{re.escape(path.name)}")
    found = path.parent.iterdir() if path.parent.is_dir() else ()
    for one in found:
        if left.fullmatch(one.name) and one.is_file():
            one.unlink(missing_ok=True)


def replace_folder(new: Path, target: Path, aside: Path | None = None) -> None:
    """Put the folder `new` in the place of `target` by renames, on one file system.

    The former folder is removed only when the new one is in place; when that fails, the
    former one is put back.

    Args:
        new: the folder.
        target: where it goes.
        aside: a free path beside `target`, where the former folder is meanwhile, so that it can
            be found if this process is killed; a new one if not given.

    Raises:
        BadInput: `target` exists and is not a folder.
        OSError: there is no folder `new`, or it cannot be renamed to `target`.
    """
    check_replaceable(target)
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        new.rename(target)
        return
    former = aside or _beside(target.absolute())
    target.rename(former)
    try:
        new.rename(target)
    except BaseException:
        former.rename(target)
        raise
    remove_folder(former)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if missing, until the block or this process ends.

    Only processes of this machine that ask in this way are kept out.

    Raises:
        BlockingIOError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # some file systems have no locks
            pass
        yield
    finally:
        os.close(descriptor)


def check_replaceable(target: Path) -> None:
    """Raise where a folder cannot be put at `target`.

    Raises:
        BadInput: `target` exists and is not a folder.
    """
    if os.path.lexists(target) and not target.is_dir():
        raise BadInput(f"'{target}' is not a folder; name a folder or a path that is free")


def remove_folder(folder: Path) -> None:
    """Remove `folder` and all below it, or only the link where it is one; missing is fine."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def check_size(path: Path, at_most: int) -> None:
    """Raise where `path` is no file of at most so many bytes; a folder passes, reading it fails.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it is larger, or it is a pipe, a socket or a device.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))
    if found.st_size > at_most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))


def files_below(folder: Path) -> Iterator[str]:
    """Yield all files below `folder`, unsorted, relative to it with forward slashes.

    Links to folders are followed, except those that lead back to a folder above them.

    Raises:
        OSError: there is no such folder, or one below cannot be read.
    """
    for here, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        folders[:] = [name for name in folders if not _leads_back(Path(here), name)]
        for name in files:
            yield (Path(here) / name).relative_to(folder).as_posix()


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file at `path` as 64 hex digits, read piece by piece.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _beside(path: Path) -> Path:
    return path.with_name(f".{uuid.uuid4().hex[:12]}.{path.name}")


def _to_disk(path: Path) -> None:
    # Without this a power cut after the rename can leave the name with no content.
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _leads_back(here: Path, name: str) -> bool:
    link = here / name
    return link.is_symlink() and here.resolve().is_relative_to(link.resolve())


def _raise(error: OSError) -> None:
    raise error


def cache_folder() -> Path:
    """Return where fetched files are kept: `CTC_CACHE`, or `~/.cache/ctc`."""
    return Path(os.environ.get("CTC_CACHE", "~/.cache/ctc")).expanduser()
