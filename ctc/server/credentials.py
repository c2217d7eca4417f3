"""The keys and passwords of the servers: drawn once, kept in a file of their owner's."""

import json
import secrets
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ctc.errors import BadInput
from ctc.server.private import check_private, write_private

FILE = "credentials.json"
ADMINISTRATOR = "admin"


@dataclass(frozen=True)
class Credentials:
    """What is known to the servers and their owner alone.

    Attributes:
        access_key: of the S3 server.
        secret_key: belongs to it.
        session_key: what the tracking server signs the forms of its pages with.
        password: the administrator's, until it is changed.
    """

    access_key: str
    secret_key: str
    session_key: str
    password: str


def credentials_of(folder: Path) -> Credentials:
    """Return the credentials that are kept in a folder; draw them if there are none yet.

    Raises:
        BadInput: if the file is broken, or others can read it.
    """
    path = folder / FILE
    if path.exists():
        check_private(path)
        return _read(path)
    drawn = Credentials(
        access_key=secrets.token_hex(10),
        secret_key=secrets.token_urlsafe(30),
        session_key=secrets.token_urlsafe(30),
        password=secrets.token_urlsafe(18),
    )
    write_private(path, json.dumps(asdict(drawn), indent=1) + "\n")
    return drawn


def _read(path: Path) -> Credentials:
    with suppress(ValueError, TypeError):
        found = Credentials(**json.loads(path.read_text()))
        if all(isinstance(text, str) and text for text in asdict(found).values()):
            return found
    raise BadInput(
        f"the credentials in '{path}' cannot be read; bring the file back from a backup, or remove "
        "it to have new ones drawn (the administrator's password stays as it was)"
    )


def write_shell(path: Path, variables: Mapping[str, str]) -> None:
    """Write a file that sets variables of the shell that reads it with `. FILE`."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_private(path, "".join(lines))
