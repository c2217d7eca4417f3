"""A real tracking server for the tests: `mlflow server`, on this machine only."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s3_server import free_ports

READY_WITHIN_S = 180.0  # it takes 20 s on an idle machine


@contextmanager
def tracking_server(folder: Path, store: Path) -> Iterator[str]:
    """Run a server until the block ends; yield its address.

    Args:
        folder: where artifacts and the log go.
        store: an SQLite file with the tables of a store.

    Raises:
        RuntimeError: it did not answer within READY_WITHIN_S seconds; its log is in the text.
    """
    (port,) = free_ports(1)
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(folder, store, port),
            cwd=folder,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its own process group, to stop it with all it started
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, uri, log)
        yield uri
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _command(folder: Path, store: Path, port: int) -> list[str]:
    return [
        str(Path(sys.executable).with_name("mlflow")), "server",
        "--host", "127.0.0.1", "--port", str(port), "-w", "1",
        "--backend-store-uri", f"sqlite:///{store}",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip


def _wait_until_ready(process: "subprocess.Popen[bytes]", uri: str, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")
