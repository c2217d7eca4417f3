"""Files and folders that only their owner can read."""

import os
from pathlib import Path
from typing import IO, Any

from ctc.errors import BadInput
from ctc.storage import atomic_file

FOR_OTHERS = 0o077


def private_folder(folder: Path) -> None:
    """Make a folder if it is missing, and close it for others.

    Raises:
        BadInput: if it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise BadInput(_not_usable(folder, error.strerror or str(error))) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput(_not_usable(folder, "it may not be written"))


def _not_usable(folder: Path, why: str) -> str:
    return f"the folder '{folder}' cannot hold the server's data: {why}; name another place"


def private_file(path: Path, mode: str) -> IO[Any]:
    """Open a file, which is closed for others from the moment that it is there."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def write_private(path: Path, text: str) -> None:
    """Write a file that appears whole, closed for others.

    Raises:
        OSError: if it cannot be written.
    """
    with atomic_file(path) as partial, private_file(partial, "x") as file:
        file.write(text)


def check_private(path: Path) -> None:
    """Refuse a file that others can read.

    Raises:
        BadInput: with the command that closes it.
    """
    if path.stat().st_mode & FOR_OTHERS:
        raise BadInput(f"others can read '{path}', which holds passwords; `chmod 600 {path}`")
