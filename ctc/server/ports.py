"""The ports of the servers: taken when they are started first, and the same ones from then on."""

import json
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path

from ctc.errors import BadInput
from ctc.server.private import write_private

LOOPBACK = "127.0.0.1"
GRPC_OFFSET = 10_000  # each service of SeaweedFS also listens on its port plus this
FIRST = 5000  # what MLflow takes where nothing else is said
FILE = "ports.json"


@dataclass(frozen=True)
class Ports:
    """A port for each service.

    Attributes:
        tracking: of the tracking server, which clients are told.
        s3: of the S3 server.
        master: these are parts of SeaweedFS that talk to each other.
        volume: see `master`.
        filer: see `master`.
        admin: see `master`.
    """

    tracking: int
    s3: int
    master: int
    volume: int
    filer: int
    admin: int


def ports_of(folder: Path, asked: int) -> Ports:
    """Return the ports of the servers of a folder, and keep them there.

    Args:
        folder: where they were kept the last time.
        asked: port of the tracking server; 0: the one of last time, else FIRST or a free one.

    Raises:
        BadInput: if one of them is taken, or what was kept cannot be read.
    """
    path = folder / FILE
    kept = _read(path) if path.exists() else None
    ports = _chosen(kept, asked)
    _check_free(ports, path)
    write_private(path, json.dumps(asdict(ports), indent=1) + "\n")
    return ports


def _chosen(kept: Ports | None, asked: int) -> Ports:
    if kept is not None:
        return Ports(**{**asdict(kept), "tracking": asked or kept.tracking})
    first = FIRST if is_free(FIRST) else 0
    # Those of SeaweedFS must not meet the one that was asked for.
    free = [port for port in free_ports(7) if asked not in (port, port + GRPC_OFFSET)]
    return Ports(asked or first or free[5], *free[:5])


def _read(path: Path) -> Ports:
    with suppress(ValueError, TypeError):
        ports = Ports(**json.loads(path.read_text()))
        if all(isinstance(port, int) and 0 < port < 65536 for port in asdict(ports).values()):
            return ports
    raise BadInput(f"'{path}' is no list of ports; remove it to have others")


def _check_free(ports: Ports, path: Path) -> None:
    if not is_free(ports.tracking):
        raise BadInput(
            f"port {ports.tracking} of the tracking server is taken by another program; end that, "
            "or choose another port with PORT="
        )
    inner = [getattr(ports, one.name) for one in fields(ports) if one.name != "tracking"]
    for port in (one + offset for one in inner for offset in (0, GRPC_OFFSET)):
        if not is_free(port):
            raise BadInput(
                f"port {port} of the S3 server is taken by another program; end that, or remove "
                f"'{path}' to have others"
            )


def free_ports(count: int) -> list[int]:
    """Return ports of which both the port and the one GRPC_OFFSET above are free."""
    return list(islice(_free_ports(), count))


def _free_ports() -> Iterator[int]:
    # Below the range that the system hands to outgoing connections, which starts at 32768.
    # And no port is the one of another service plus the offset.
    # By a generator of its own: two processes that have set the same seed must not draw the same.
    candidates = random.SystemRandom().sample(range(10_100, 10_100 + GRPC_OFFSET), 1000)
    return (port for port in candidates if is_free(port) and is_free(port + GRPC_OFFSET))


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        # Connections that were closed a moment ago do not take it.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True
