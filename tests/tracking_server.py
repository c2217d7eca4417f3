"""Real servers of MLflow's for the tests, on this machine only: of runs, and of a model."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from s3_server import free_ports

READY_WITHIN_S = 180.0  # it takes 20 s on an idle machine


@contextmanager
def tracking_server(folder: Path, store: Path) -> Iterator[str]:
    """Run `mlflow server` until the block ends; yield its address.

    Args:
        folder: where artifacts and the log go.
        store: an SQLite file with the tables of a store.

    Raises:
        RuntimeError: it did not answer within READY_WITHIN_S seconds; its log is in the text.
    """
    words = [
        "server", "-w", "1", "--backend-store-uri", f"sqlite:///{store}",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with _server(folder, words, {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}) as uri:
        yield uri


@contextmanager
def model_server(folder: Path, model: str, **environment: str) -> Iterator[str]:
    """Run `mlflow models serve` until the block ends; yield its address.

    Args:
        folder: where the log goes.
        model: its URI.
        environment: what it has besides this process's own.

    Raises:
        RuntimeError: see `tracking_server`.
    """
    words = ["models", "serve", "-m", model, "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn
    with _server(folder, words, {"PATH": path, **environment}) as uri:
        yield uri


@contextmanager
def _server(folder: Path, words: Sequence[str], environment: dict[str, str]) -> Iterator[str]:
    (port,) = free_ports(1)
    log = folder / "server.log"
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [mlflow, *words, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env={**os.environ, **environment},
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


def _wait_until_ready(process: "subprocess.Popen[bytes]", uri: str, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")
