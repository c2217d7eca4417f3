"""A real S3 server for the tests: SeaweedFS, on this machine only, open to one key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from made_up_server import started

from ctc.server.credentials import Credentials
from ctc.server.planning import environment_of_servers
from ctc.server.ports import LOOPBACK, Ports, free_ports
from ctc.server.seaweedfs import BUCKET, s3_part


@dataclass(frozen=True)
class S3Server:
    """How to reach a running server, and the bucket it holds."""

    endpoint_url: str
    access_key: str
    secret_key: str
    bucket: str


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Run a server that keeps its data below `folder` until the block ends.

    Raises:
        BadInput: there is no server to run.
        CannotGoOn: it did not start.
    """
    key = Credentials("a-test-key", "a-test-secret", "", "")
    ports = Ports(0, *free_ports(5))
    with started(s3_part(folder, ports, key, environment_of_servers())):
        url = f"http://{LOOPBACK}:{ports.s3}"
        yield S3Server(url, key.access_key, key.secret_key, BUCKET)
