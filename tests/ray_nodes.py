"""A Ray cluster whose nodes are processes of this machine, each with one core of its own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from conftest import ROOT

RAY = Path(sys.executable).with_name("ray")
HOST = "127.0.0.1"
STARTED = "Ray runtime started"
STORE_BYTES = 100_000_000  # for objects, of each node
PATIENCE_S = 120.0
TRIES = 3


@dataclass
class Nodes:
    """Nodes that were started.

    Attributes:
        folder: for what Ray writes; its path is short, for there are sockets in it.
        port: of the head.
        processes: a command a node, each the first of a group of its own.
    """

    folder: Path
    port: int
    token: str = field(default_factory=lambda: secrets.token_hex(32))
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a driver needs to join."""
        return {
            "RAY_ADDRESS": f"{HOST}:{self.port}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
        }

    def start(self, *options: str, cpus: int) -> "subprocess.Popen[bytes]":
        environment = {k: v for k, v in os.environ.items() if k != "RAY_ADDRESS"}
        own = {"RAY_USAGE_STATS_ENABLED": "0", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
        environment |= own | self.environment
        environment.pop("RAY_ADDRESS")
        common = ("--block", f"--node-ip-address={HOST}", f"--num-cpus={cpus}")
        size = f"--object-store-memory={STORE_BYTES}"
        with (self.folder / f"node{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*self.own_core(cpus), RAY, "start", *common, size, *options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def own_core(self, cpus: int) -> list[str]:
        """Bind a node with one core to one, as if its machine had no other."""
        cores = sorted(os.sched_getaffinity(0))
        return ["taskset", "-c", str(cores[len(self.processes) % len(cores)])] * bool(cpus)

    def add(self) -> None:
        """Start a node; one after the other, for two at once take the same name for a socket."""
        self.begin(f"--address={HOST}:{self.port}", cpus=1)

    def begin(self, *options: str, cpus: int) -> None:
        """Start a node and wait until it is there; Ray gives up after 30 seconds, so try again."""
        for _ in range(TRIES):
            process = self.start(*options, cpus=cpus)
            log = self.folder / f"node{len(self.processes) - 1}.log"
            end = time.monotonic() + PATIENCE_S
            while process.poll() is None and time.monotonic() < end:
                if STARTED in log.read_text():
                    return
                time.sleep(0.1)
            kill(process)
        raise AssertionError(self.logs())

    @property
    def living(self) -> int:
        """How many nodes there are, but for the head."""
        return sum(process.poll() is None for process in self.processes) - 1

    def logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in sorted(self.folder.glob("*.log")))


def kill(node: "subprocess.Popen[bytes]") -> None:
    """End a node as a power cut does: all of its processes, at once."""
    with suppress(ProcessLookupError):
        os.killpg(node.pid, signal.SIGKILL)
    node.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


@contextmanager
def ray_nodes(count: int) -> Iterator[Nodes]:
    """Start a head without cores and some nodes of one core each; kill all of them at the end."""
    nodes = Nodes(Path(tempfile.mkdtemp(prefix="ray", dir="/tmp")), free_port())
    try:
        head = ("--head", f"--port={nodes.port}", "--include-dashboard=false")
        nodes.begin(*head, f"--temp-dir={nodes.folder}", cpus=0)
        for _ in range(count):
            nodes.add()
        yield nodes
    finally:
        for process in nodes.processes:
            kill(process)
        shutil.rmtree(nodes.folder, ignore_errors=True)
