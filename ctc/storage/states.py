"""What stands in the way of reading files, told for millions of them without reading any.

On S3 every function also raises what `ctc.storage.files` says.
"""

import os
import stat
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

from ctc.storage import s3
from ctc.storage.address import is_s3, join, local_path

FINE, MISSING, EMPTY = "", "no such file", "empty file"
FOLDER, DENIED, NO_FILE = "a folder", "permission denied", "not a file"
NO_NAME = "its name cannot be that of a file"
FOR_ALL_TO_READ = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH

BLOCK = 2_000  # names looked at together
THREADS = 32  # they wait, for a disk in a network or for a store
SLOW_S = 50e-6  # for one file; one on a disk of this machine takes some 3 microseconds
A_PAGE = 1_000  # objects that one answer of S3 lists


def file_states(root: str, names: Iterable[str], how_many: int) -> Iterator[str]:
    """Say of each file whether it can be read: `FINE`, or in a few words why not.

    Args:
        root: the folder or URI that relative names start from.
        names: paths or URIs; read as they are needed.
        how_many: names there are, about: below an S3 root it decides whether each is asked for
            or all that is there is listed.

    Yields:
        The state of each name, in their order. Of an S3 root it is as it was in the beginning.
    """
    listed = is_s3(root) and how_many > A_PAGE
    look = _Listing(root).state if listed else partial(_state, root)
    slow = is_s3(root) and not listed
    rest = iter(names)
    with ThreadPoolExecutor(THREADS) as pool:
        while block := list(islice(rest, BLOCK)):
            began = time.monotonic()
            found = list(pool.map(look, block) if slow else map(look, block))
            # Threads make looking at a fast disk slower, as each waits for the interpreter.
            slow = slow or time.monotonic() - began > SLOW_S * len(block)
            yield from found


def _state(root: str, name: str) -> str:
    try:
        if ":" in root or ":" in name:
            uri = join(root, name)
            return _state_on_s3(uri) if is_s3(uri) else _local_state(local_path(uri))
        return _local_state(os.path.join(root, name))  # noqa: PTH118 - a Path takes twice the time
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except PermissionError:
        return DENIED
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _local_state(path: str | Path) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116 - see above
    except ValueError:  # a zero byte, say, or half a Unicode character
        return NO_NAME
    if not stat.S_ISREG(found.st_mode):
        return FOLDER if stat.S_ISDIR(found.st_mode) else NO_FILE
    if not found.st_size:
        return EMPTY
    for_all = found.st_mode & FOR_ALL_TO_READ == FOR_ALL_TO_READ
    return FINE if for_all or os.access(path, os.R_OK, effective_ids=True) else DENIED


def _state_on_s3(uri: str) -> str:
    size = s3.size_of(uri)
    if size is None:
        return FOLDER if s3.has_folder(uri) else MISSING
    return FINE if size else EMPTY


class _Listing:
    """The objects below an S3 root, listed once; a thousand an answer instead of one."""

    def __init__(self, root: str) -> None:
        self._root = f"{root.rstrip('/')}/"
        self._empty: set[str] = set()
        full = array("q")  # the names themselves would take ten times the memory
        for name, size in s3.sizes_below(root):
            if size:
                full.append(hash(name))
            else:
                self._empty.add(name)
        self._full = array("q", sorted(full))

    def state(self, name: str) -> str:
        """Say whether a file can be read; one that is not below the root is asked for."""
        below = name.removeprefix(self._root)
        if is_s3(below) or below.startswith(("/", "file:")):
            return _state(self._root, below)
        place = bisect_left(self._full, hash(below))
        if place < len(self._full) and self._full[place] == hash(below):
            return FINE
        return EMPTY if below in self._empty else MISSING
