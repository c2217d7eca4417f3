"""Single files, local or on S3.

On S3 every function also raises BadInput (no credentials or wrong ones, a store that does not
answer, a missing bucket), PermissionError (access denied) and OSError (the store failed).
"""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ctc.errors import BadInput
from ctc.storage import local, s3
from ctc.storage.address import is_s3, local_path


def exists(uri: str) -> bool:
    """Say whether there is a file or a folder at `uri`; on S3 a folder has a file below it."""
    if is_s3(uri):
        return s3.has_object(uri) or s3.has_folder(uri)
    return local_path(uri).exists()


def is_folder(uri: str) -> bool:
    """Say whether there is a folder at `uri`; on S3 a bucket, or a prefix of some object."""
    return s3.has_folder(uri) if is_s3(uri) else local_path(uri).is_dir()


def list_files(folder: str) -> Iterator[str]:
    """Yield all files below `folder`, relative to it with forward slashes, sorted.

    Files and folders whose name starts with '.' are left out. Local links are followed.

    Raises:
        FileNotFoundError: there is no such folder; on S3, no object below that prefix.
        NotADirectoryError: it is a local file.
    """
    below = s3.keys_below(folder) if is_s3(folder) else local.files_below(local_path(folder))
    found = sorted(below)
    if not found and not is_folder(folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
    yield from (name for name in found if not _is_hidden(name))


def read_bytes(uri: str, at_most: int | None = None) -> bytes:
    """Return the content of a file.

    Args:
        uri: the file.
        at_most: bytes it may have; where this is given, a pipe or a device is refused too, for
            it may have no end.

    Raises:
        FileNotFoundError: there is no such file; it names `uri`.
        PermissionError: it may not be read.
        OSError: it is larger than `at_most`, or no file.
    """
    if is_s3(uri):
        return s3.read(uri, at_most)
    if at_most is not None:
        local.check_size(local_path(uri), at_most)
    return local_path(uri).read_bytes()


def read_start(uri: str, count: int) -> bytes:
    """Return the first bytes of a file, at most so many.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be read.
    """
    if is_s3(uri):
        return s3.read_start(uri, count)
    with local_path(uri).open("rb") as file:
        return file.read(count)


def write_bytes(uri: str, data: bytes) -> None:
    """Write a file that appears whole; missing parent folders are made.

    Raises:
        OSError: it cannot be written.
    """
    if is_s3(uri):
        s3.write(uri, data)
        return
    with local.atomic_file(local_path(uri)) as partial:
        partial.write_bytes(data)


def check_output(uri: str) -> None:
    """Refuse a place where no file or folder can be made, before hours of work go there.

    Raises:
        BadInput: if what would hold a local `uri` is a file, or may not be written. What is on S3
            is seen when it is written.
    """
    if is_s3(uri):
        return
    above = local_path(uri).absolute().parent
    while not above.exists() and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise BadInput(f"'{uri}' cannot be written, for '{above}' is a file; name another place")
    if not os.access(above, os.W_OK | os.X_OK):
        raise BadInput(f"'{uri}' cannot be written, for '{above}' may not be; name another place")


def fetch_file(uri: str, target: Path) -> None:
    """Copy the file at `uri` to `target`, which appears whole; its parent folders are made.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be read, or `target` cannot be written.
    """
    with local.atomic_file(target) as partial:
        fetch_to(uri, partial)


def fetch_to(uri: str, target: Path) -> None:
    """Copy the file at `uri` to `target` as `fetch_file` does, but in plain sight while it grows.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be read, or `target` cannot be written.
    """
    if is_s3(uri):
        s3.download(uri, target)
    else:
        shutil.copyfile(local_path(uri), target)


def put_file(source: Path, uri: str) -> None:
    """Copy the local file `source` to `uri`, which appears whole.

    Raises:
        FileNotFoundError: there is no file `source`.
        OSError: it cannot be read, or `uri` cannot be written.
    """
    if is_s3(uri):
        s3.upload(source, uri)
        return
    with local.atomic_file(local_path(uri)) as partial:
        shutil.copyfile(source, partial)


def put_new_file(source: Path, uri: str) -> bool:
    """Copy the local file `source` to `uri` on S3 unless there is one; return whether it did.

    Of several who do so at once, one does.

    Raises:
        FileNotFoundError: there is no file `source`.
        OSError: it cannot be read, or `uri` cannot be written.
    """
    return s3.upload_new(source, uri)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or "/." in name


def why_not_read(error: OSError) -> str:
    """Say in a few words, without the path, why a file could not be read."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return (error.strerror or str(error)).lower()
