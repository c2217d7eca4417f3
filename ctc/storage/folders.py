"""Whole folders, local or on S3, several files at once.

On S3 every function also raises what `ctc.storage.files` says.
"""

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from ctc.errors import BadInput
from ctc.storage import local, s3
from ctc.storage.address import below, is_inside, is_s3, local_path
from ctc.storage.files import fetch_to, list_files, put_file
from ctc.storage.s3_client import FILES_AT_ONCE


def put_folder(
    source: Path, uri: str, last: str, elsewhere: Mapping[str, str] | None = None
) -> None:
    """Make the folder at `uri` hold the files of the local folder `source` and no others.

    The files are those of `list_files`: hidden ones are left out. On S3 the file `last`, the
    manifest, is written only after all others, and what is below `uri` but not in `source` is
    deleted in the end. A former manifest stays until then: who reads by it meanwhile must
    verify what it gets. Locally the folder is filled beside, as `<uri>.partial`, and put in
    place by a rename; a former one is removed after it.

    Args:
        source: a local folder.
        uri: the folder to make.
        last: the manifest, relative to `source`.
        elsewhere: files that it is to hold besides, by their names, and where they lie; on S3
            alone, whose store copies them.

    Raises:
        FileNotFoundError: `source` is missing or does not hold `last`.
        BadInput: there is a file, not a folder, at a local `uri`.
        OSError: a file cannot be read or written.
    """
    names = list(list_files(str(source)))
    if last not in names:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source / last))
    if is_s3(uri):
        _upload(source, uri, names, last, elsewhere or {})
    else:
        _swap_in(source, local_path(uri), names)


def fetch_folder(
    uri: str, target: Path, names: Iterable[str], verify: Callable[[Path, str], bool]
) -> None:
    """Copy files of the folder at `uri` into the local folder `target`, each appearing whole.

    Args:
        uri: the folder to read.
        target: the local folder; made where it is missing.
        names: the files to copy, relative to the folder. Other files in `target` stay.
        verify: says whether the file at a path is whole, by its path and its name. It is called
            from several threads. A file that is there and whole is not copied.

    Raises:
        BadInput: a file is not whole after the copy (it does not appear), or a name leads out
            of the folder.
        FileNotFoundError: there is no such file.
        OSError: a file cannot be read or written.
    """
    wanted = list(names)
    for name in wanted:
        if not is_inside(name):
            raise BadInput(f"'{name}' leads out of the folder {uri}; a name must stay inside it")
    _at_once(lambda name: _fetch_missing(below(uri, name), target / name, name, verify), wanted)


def _upload(
    source: Path, uri: str, names: list[str], last: str, elsewhere: Mapping[str, str]
) -> None:
    _at_once(lambda name: s3.copy(elsewhere[name], below(uri, name)), elsewhere)
    others = [name for name in names if name != last]
    _at_once(lambda name: put_file(source / name, below(uri, name)), others)
    put_file(source / last, below(uri, last))
    stale = set(s3.keys_below(uri)) - {*names, *elsewhere}
    _at_once(lambda name: s3.delete(below(uri, name)), stale)


def _swap_in(source: Path, target: Path, names: list[str]) -> None:
    local.check_replaceable(target)
    partial = target.with_name(f"{target.name}.partial")
    local.remove_folder(partial)  # of a copy that was cut off
    try:
        _at_once(lambda name: put_file(source / name, below(str(partial), name)), names)
        local.replace_folder(partial, target)
    finally:
        local.remove_folder(partial)


def _fetch_missing(uri: str, target: Path, name: str, verify: Callable[[Path, str], bool]) -> None:
    if target.is_file() and verify(target, name):
        return
    with local.atomic_file(target) as partial:
        fetch_to(uri, partial)
        if not verify(partial, name):
            raise BadInput(f"{uri} was damaged on the way or in store; write it there again")


def _at_once(work: Callable[[str], None], names: Iterable[str]) -> None:
    """Do `work` for each name in threads; the first error ends it, and what waits is not begun."""
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        running = [pool.submit(work, name) for name in names]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
