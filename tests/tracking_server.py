"""Real servers of MLflow's for the tests, on this machine only: of runs, and of a model."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from made_up_server import started

from ctc.server.asking import answer
from ctc.server.parts import Part
from ctc.server.ports import LOOPBACK, free_ports
from ctc.server.tracking_server import tracking_part


@contextmanager
def tracking_server(folder: Path, store: Path) -> Iterator[str]:
    """Run `mlflow server`, with artifacts on this disk, until the block ends; yield its address.

    Args:
        folder: where artifacts and the log go.
        store: an SQLite file with the tables of a store.

    Raises:
        CannotGoOn: it did not start.
    """
    (port,) = free_ports(1)
    part = tracking_part(
        folder, port, f"sqlite:///{store}", os.environ, artifacts=str(folder / "artifacts")
    )
    with started(part):
        yield f"http://{LOOPBACK}:{port}"


@contextmanager
def model_server(folder: Path, model: str, **environment: str) -> Iterator[str]:
    """Run `mlflow models serve` until the block ends; yield its address.

    Args:
        folder: where the log goes.
        model: its URI.
        environment: what it has besides this process's own.

    Raises:
        CannotGoOn: it did not start.
    """
    (port,) = free_ports(1)
    uri = f"http://{LOOPBACK}:{port}"
    words = ["models", "serve", "-m", model, "--env-manager", "local", "--host", LOOPBACK]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls uvicorn
    part = Part(
        name="the server of a model",
        command=(sys.executable, "-m", "mlflow", *words, "--port", str(port)),
        environment={**os.environ, "PATH": path, **environment},
        log=folder / "server.log",
        is_ready=lambda: answer(f"{uri}/health") is not None,
    )
    with started(part):
        yield uri
