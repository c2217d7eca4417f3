"""Where the tracking server keeps runs and versions: an SQLite file, or PostgreSQL."""

import os
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ctc.errors import BadInput

VARIABLE = "MLFLOW_BACKEND_STORE_URI"  # MLflow's own name for it
SCHEME = "postgresql"
DRIVER = f"{SCHEME}+psycopg2"  # named, for which one is meant otherwise depends on SQLAlchemy
ANSWERS_WITHIN_S = 5


def database_of(folder: Path, asked: str | None) -> str:
    """Return the URI of the database as SQLAlchemy reads it; look first that it can be used.

    Args:
        folder: where an SQLite file goes.
        asked: as `ServerParams.database`.

    Raises:
        BadInput: if it is no PostgreSQL, would show its password to others, or does not answer.
            No sentence has the password.
    """
    uri = os.environ.get(VARIABLE) or None if asked == "auto" else asked
    if uri is None:
        return f"sqlite:///{folder / 'mlflow.db'}"
    parts = _split(uri)
    if asked != "auto" and parts.password is not None:
        raise BadInput(
            "database: everybody on this machine can read a password on a command line; give it in "
            f"the variable {VARIABLE} or in ~/.pgpass"
        )
    _connect(uri, parts)
    return parts._replace(scheme=DRIVER).geturl()


def _split(uri: str) -> SplitResult:
    """Take a URI apart; one that has a password in a place of its own only is understood."""
    parts = urlsplit(uri)
    if parts.scheme != SCHEME:
        scheme = f" with '{parts.scheme}:'" if parts.scheme else ""
        raise BadInput(
            f"database: found an address{scheme}; allowed: {SCHEME}://USER@HOST/NAME, or none"
        )
    rest = f"{parts.path}?{parts.query}#{parts.fragment}"
    misplaced = parts.netloc.count("@") > 1 or "@" in rest or "password" in parts.query
    try:
        _ = parts.port
    except ValueError:  # it is no number
        misplaced = True
    if misplaced:
        raise BadInput(_unreadable())
    return parts


def _unreadable() -> str:
    return (
        f"database: the address cannot be read; allowed: {SCHEME}://USER:PASSWORD@HOST:PORT/NAME, "
        "with special characters of the password written as %40 and the like"
    )


def _connect(uri: str, parts: SplitResult) -> None:
    try:
        import psycopg2
    except ImportError as error:
        raise BadInput(
            "database: psycopg2 is not installed; `make server` installs it, and so does "
            "`pip install '.[server]'`"
        ) from error
    try:
        psycopg2.connect(uri, connect_timeout=ANSWERS_WITHIN_S).close()
    except psycopg2.OperationalError as error:
        why = " ".join(str(error).split())
        raise BadInput(f"database '{_without_password(parts)}' cannot be used: {why}") from None
    except psycopg2.ProgrammingError:
        # Its text would have what it could not read, which may be the password.
        raise BadInput(_unreadable()) from None


def _without_password(parts: SplitResult) -> str:
    where = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{where}{parts.path}"
