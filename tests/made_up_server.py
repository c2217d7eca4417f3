"""A team's server for the tests: as `make server` runs it, or its two parts by themselves."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psutil

from ctc.params import ServerParams
from ctc.server import keeping
from ctc.server.parts import Part, Running
from ctc.server.planning import Plan, plan_server
from ctc.server.ports import free_ports

ROOT = Path(__file__).parent.parent


@contextmanager
def started(part: Part) -> Iterator[Running]:
    """Run one server until the block ends; it is not asked to end, as its data is thrown away."""
    part.log.parent.mkdir(parents=True, exist_ok=True)
    running = Running(part)
    try:
        running.wait_until_ready(Event())
        yield running
    finally:
        running.kill()


@dataclass(frozen=True)
class Servers:
    """Both parts, which nobody watches: `kill` one, and `start` it again when that is wanted."""

    uri: str
    s3: Running
    tracking: Running
    plan: Plan

    def start(self, *parts: Running) -> None:
        """Start parts again and wait until they answer."""
        for part in parts:
            part.start()
        for part in parts:
            part.wait_until_ready(Event())


@contextmanager
def servers(folder: Path, auth: bool = False, database: str | None = None) -> Iterator[Servers]:
    """Run the S3 server and the tracking server in front of it until the block ends.

    A client needs the URI, and with `auth` what is in `plan.login`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    plan = plan_server(ServerParams(str(folder), port, database, auth))
    s3, tracking = plan.parts
    with started(s3) as first, started(tracking) as second:
        yield Servers(plan.uri, first, second, plan)


@dataclass
class Command:
    """The command `server`, as `make server` starts it."""

    folder: Path
    process: psutil.Process
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def uri(self) -> str:
        """What it tells clients."""
        return self.said.partition("MLFLOW_TRACKING_URI=")[2].split()[0]

    def wait_for(self, text: str, times: int = 1, seconds: float = 240) -> None:
        """Wait until it has said something so often."""
        end = time.monotonic() + seconds
        while self.said.count(text) < times:
            assert self.process.is_running(), self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.1)

    def stop(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        self.process.wait(60)


@contextmanager
def server_command(folder: Path, log: Path, *options: str, **environment: str) -> Iterator[Command]:
    """Run the command and wait until it is ready; with the block, or this process, it ends."""
    from conftest import hearing_ctrl_c  # which starts servers with what is here

    words = [sys.executable, "-m", "entrypoints.server", f"--folder={folder}", *options]
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, keeping.__file__, *hearing_ctrl_c(words)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        command = Command(folder, _child(keeper.pid), log)
        command.wait_for("ready")
        yield command
    finally:
        os.killpg(keeper.pid, signal.SIGKILL)
        keeper.communicate()


def _child(pid: int) -> psutil.Process:
    while not (found := psutil.Process(pid).children()):
        time.sleep(0.01)
    return found[0]
