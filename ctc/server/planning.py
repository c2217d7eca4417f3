"""What is looked at before a server is started: everything that cannot work is said then."""

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from ctc.errors import BadInput
from ctc.params import ServerParams
from ctc.server.credentials import ADMINISTRATOR, Credentials, credentials_of, write_shell
from ctc.server.database import VARIABLE, database_of
from ctc.server.parts import Part
from ctc.server.ports import LOOPBACK, Ports, ports_of
from ctc.server.seaweedfs import BUCKET, s3_part, weed
from ctc.server.tracking_server import tracking_part, with_auth

# Variables of a client are not for the servers, which are told theirs.
OF_CLIENTS = (
    "AWS_", "MLFLOW_TRACKING_", "MLFLOW_REGISTRY_", "MLFLOW_RUN_", "MLFLOW_EXPERIMENT_", VARIABLE,
)  # fmt: skip
LEAST_ROOM = 500 * 2**20  # bytes
LEAST_SHARE = 0.01  # of a disk; SeaweedFS takes nothing where less is free


@dataclass(frozen=True)
class Plan:
    """A server that can be started.

    Attributes:
        uri: of the tracking server.
        parts: the servers, in the order in which they need each other.
        login: a file for the shell with the administrator's name and password, if they are asked.
        s3: a file for the shell with all that is needed to reach the S3 server itself.
    """

    uri: str
    parts: tuple[Part, ...]
    login: Path | None
    s3: Path


def plan_server(params: ServerParams) -> Plan:
    """Look at all that the server needs; draw credentials and take ports at the first time.

    Raises:
        BadInput: with what is in the way.
    """
    weed()
    folder = Path(params.folder).absolute()
    _check_room(folder)
    database = database_of(folder, params.database)
    credentials = credentials_of(folder)
    ports = ports_of(folder, params.port)
    return Plan(
        uri=f"http://{LOOPBACK}:{ports.tracking}",
        parts=_parts(folder, ports, credentials, database, params.auth),
        login=_login(folder, credentials) if params.auth else None,
        s3=_s3(folder, ports, credentials),
    )


def _check_room(folder: Path) -> None:
    disk = shutil.disk_usage(folder)
    needed = max(LEAST_ROOM, LEAST_SHARE * disk.total)
    if disk.free < needed:
        raise BadInput(
            f"the disk of '{folder}' has {disk.free / 2**20:.0f} MB left; the server needs "
            f"{needed / 2**20:.0f}: make room"
        )


def _parts(
    folder: Path, ports: Ports, credentials: Credentials, database: str, auth: bool
) -> tuple[Part, ...]:
    environment = environment_of_servers()
    client = {**environment, **s3_variables(ports, credentials)}
    client |= with_auth(folder, credentials) if auth else {}
    return (
        s3_part(folder, ports, credentials, environment),
        tracking_part(folder, ports.tracking, database, client, auth),
    )


def environment_of_servers() -> dict[str, str]:
    """Return the environment of this process without what is a client's.

    Whatever proxy it has is not for what the servers ask each other.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith(OF_CLIENTS)}
    return {**kept, "no_proxy": LOOPBACK, "NO_PROXY": LOOPBACK}


def s3_variables(ports: Ports, credentials: Credentials) -> dict[str, str]:
    """Return the variables by which a client reaches the S3 server itself."""
    return {
        "MLFLOW_S3_ENDPOINT_URL": f"http://{LOOPBACK}:{ports.s3}",
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _login(folder: Path, credentials: Credentials) -> Path:
    path = folder / "login.sh"
    write_shell(
        path,
        {
            "MLFLOW_TRACKING_USERNAME": ADMINISTRATOR,
            "MLFLOW_TRACKING_PASSWORD": credentials.password,
        },
    )
    return path


def _s3(folder: Path, ports: Ports, credentials: Credentials) -> Path:
    path = folder / "s3.sh"
    write_shell(path, s3_variables(ports, credentials))
    return path


def lines_for_clients(plan: Plan) -> str:
    """Return what a client's shell is told."""
    login, s3 = (f". {shlex.quote(str(path))}" for path in (plan.login, plan.s3))
    with_login = f"  {login}  # the administrator's name and password\n" if plan.login else ""
    return (
        f"  export MLFLOW_TRACKING_URI={plan.uri}\n{with_login}"
        f"  {s3}  # only for datasets at s3://{BUCKET}/...: where it is, and its key\n"
    )
