"""The tracking server: MLflow's, which passes artifacts on to the S3 server."""

import sys
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ctc.errors import BadInput
from ctc.server.asking import answer
from ctc.server.credentials import ADMINISTRATOR, Credentials
from ctc.server.parts import Part
from ctc.server.ports import LOOPBACK
from ctc.server.private import write_private
from ctc.server.seaweedfs import BUCKET

ARTIFACTS = f"s3://{BUCKET}/artifacts"
# Members may log runs and versions. Comparing a password with its hash takes a tenth of a second,
# so one that was right counts for a while; a change through the server, which is one process,
# counts at once.
AUTH = """\
[mlflow]
default_permission = EDIT
grant_default_workspace_access = true
database_uri = sqlite:///{users}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""


def tracking_part(
    folder: Path,
    port: int,
    database: str,
    environment: Mapping[str, str],
    auth: bool = False,
    artifacts: str = ARTIFACTS,
) -> Part:
    """Return how the tracking server of a folder is run.

    Args:
        folder: where it writes.
        port: it listens on.
        database: SQLAlchemy's URI; it may hold a password, so it is in no command.
        environment: what it has besides; how the S3 server is reached is a part of it.
        auth: whether it asks for a name and a password; see `with_auth`.
        artifacts: where it keeps artifacts, as a URI or a folder.
    """
    own = {
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # it would start processes that wait
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return Part(
        name="the tracking server",
        command=(sys.executable, "-m", "mlflow", *words(port, auth, artifacts)),
        environment={**environment, **own},
        log=folder / "tracking.log",
        is_ready=partial(_is_ready, port),
    )


def words(
    port: int, auth: bool, artifacts: str = ARTIFACTS, host: str = LOOPBACK
) -> tuple[str, ...]:
    """Return what `mlflow` is told."""
    return (
        "server",
        f"--host={host}",
        f"--port={port}",
        "--workers=1",  # answers many at once; each further one takes 300 MB
        f"--artifacts-destination={artifacts}",
        "--uvicorn-opts=--no-access-log",
        *(("--app-name=basic-auth",) if auth else ()),
    )


def with_auth(folder: Path, credentials: Credentials) -> dict[str, str]:
    """Write how names and passwords are kept; return the variables that go with it.

    Raises:
        BadInput: if what it needs is not installed.
    """
    if find_spec("flask_wtf") is None:
        raise BadInput(
            "auth: Flask-WTF is not installed; `make server` installs it, and so does "
            "`pip install '.[server]'`"
        )
    path = folder / "auth.ini"
    write_private(path, AUTH.format(users=folder / "users.db"))
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(path),
        "MLFLOW_AUTH_ADMIN_USERNAME": ADMINISTRATOR,
        "MLFLOW_AUTH_ADMIN_PASSWORD": credentials.password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": credentials.session_key,
    }


def _is_ready(port: int) -> bool:
    return answer(f"http://{LOOPBACK}:{port}/health") is not None
