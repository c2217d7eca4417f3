"""One of the servers, as a process: started, asked whether it is ready, stopped, killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ctc.errors import CannotGoOn
from ctc.server import keeping
from ctc.server.private import private_file

READY_WITHIN_S = 180.0  # MLflow's takes 20 s on 2 idle cores
LOOK_EVERY_S = 0.2
STOPS_WITHIN_S = 10.0  # what takes longer is killed: neither server loses what it has confirmed
LONGEST_WHY = 300  # characters of a line of a log


@dataclass(frozen=True)
class Part:
    """How one of the servers is run.

    Attributes:
        name: what it is called in a sentence.
        command: its words; none is a secret, for everybody on the machine can read them.
        environment: all of its variables.
        log: the file that it writes to.
        is_ready: asks it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool]


class Running:
    """A part that was started; what it starts itself ends with it."""

    def __init__(self, part: Part) -> None:
        """Start it."""
        self.part = part
        self._process = self._started()

    def start(self) -> None:
        """Start it again, after it has ended."""
        self.kill()
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        part = self.part
        with private_file(part.log, "ab") as log:
            self._log_began = log.tell()
            return subprocess.Popen(
                [sys.executable, "-I", "-S", keeping.__file__, *part.command],
                cwd=part.log.parent,
                env=dict(part.environment),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # no Ctrl-C of a terminal, and a process group
            )

    @property
    def pid(self) -> int:
        """The id of its process group."""
        return self._process.pid

    def ended(self) -> bool:
        """Tell whether it has ended."""
        return self._process.poll() is not None

    def wait_until_ready(self, stop: threading.Event) -> None:
        """Wait until it answers, or until `stop` is set.

        Raises:
            CannotGoOn: if it ends, or does not answer within READY_WITHIN_S seconds.
        """
        end = time.monotonic() + READY_WITHIN_S
        while not stop.is_set() and not self.part.is_ready():
            if self.ended():
                raise CannotGoOn(f"{self.part.name} ended while it was started: {self._why()}")
            if time.monotonic() > end:
                raise CannotGoOn(
                    f"{self.part.name} does not answer after {READY_WITHIN_S:.0f} s: {self._why()}"
                )
            stop.wait(LOOK_EVERY_S)

    def _why(self) -> str:
        with self.part.log.open("rb") as log:
            log.seek(self._log_began)
            lines = log.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it says nothing")
        return f"{last[:LONGEST_WHY]} (all of it: {self.part.log})"

    def stop(self) -> None:
        """Let it finish what it does, for a while, and end it."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOPS_WITHIN_S)
        self.kill()

    def kill(self) -> None:
        """End it outright, with all that is left of it."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _signal(self, number: signal.Signals) -> None:
        # The group is there as long as any process is in it, its first one or not.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
