"""What a training sends to its run, from a thread of its own.

A store that is slow does not hold up an epoch, and one that does not answer does not end the
training: what could not be sent is sent with what comes next.
"""

import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import mlflow
from mlflow.entities import Metric

from ctc.errors import CannotGoOn
from ctc.tracking.points import points_of
from ctc.tracking.slots import LONGEST_WHY, Slot, upload, uploaded

PATIENCE_S = 60.0  # how long a training that was stopped waits for its last state to be sent
AT_ONCE = 1000  # points that MLflow takes in one call


@dataclass(frozen=True)
class _Waiting:
    """A state that is to be uploaded: a file of its own, and the epochs that are done in it."""

    path: Path
    progress: float


class Sending:
    """Sends metrics in order, and of the states the latest.

    A point of a metric that the run has already, of an epoch that is done again, is left out.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._points: list[Metric] = []
        self._state: _Waiting | None = None
        self._changed = threading.Condition()
        self._news = self._closing = self._warned = False
        self._known: set[tuple[str, int]] | None = None
        self._slots: list[Slot] | None = None
        self._thread = threading.Thread(target=self._work, name="sending", daemon=True)

    def metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Send metrics of an epoch."""
        now = round(1000 * time.time())
        with self._changed:
            self._points += [Metric(name, value, now, step) for name, value in metrics.items()]
            self._tell()

    def state(self, path: Path, progress: float) -> None:
        """Upload a file as it is now; one that still waits is dropped."""
        own = _linked(path)
        with self._changed:
            self._drop_waiting()
            self._state = _Waiting(own, progress)
            self._tell()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all is sent: for a while, where an error ends the training.

        Raises:
            CannotGoOn: if metrics could not be sent.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(None if error is None else PATIENCE_S)
        if self._points and error is None:
            raise CannotGoOn(f"the figures of run {self._run_id} could not be sent to its store")

    def _tell(self) -> None:
        self._news = True
        self._changed.notify()

    def _drop_waiting(self) -> None:
        if self._state is not None:
            self._state.path.unlink(missing_ok=True)

    def _work(self) -> None:
        last = False
        while not last:
            with self._changed:
                self._changed.wait_for(lambda: self._news or self._closing)
                self._news, last = False, self._closing
            try:
                self._send_points()
                self._send_state()
            # Each kind of store has a library that raises errors of its own.
            except Exception as error:
                self._warn(error)

    def _send_points(self) -> None:
        if not self._points:
            return
        if self._known is None:
            self._known = points_of(self._run_id)
        with self._changed:
            taken = list(self._points)
        new = [point for point in taken if (point.key, point.step) not in self._known]
        for start in range(0, len(new), AT_ONCE):
            mlflow.MlflowClient().log_batch(self._run_id, new[start : start + AT_ONCE])
        self._known |= {(point.key, point.step) for point in new}
        with self._changed:
            del self._points[: len(taken)]

    def _send_state(self) -> None:
        with self._changed:
            waiting, self._state = self._state, None
        if waiting is None:
            return
        try:
            slots = uploaded(self._run_id) if self._slots is None else self._slots
            self._slots = upload(self._run_id, waiting.path, waiting.progress, slots)
        except BaseException:
            with self._changed:
                if self._state is None:
                    self._state, waiting = waiting, None
            raise
        finally:
            if waiting is not None:
                waiting.path.unlink(missing_ok=True)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            why = " ".join(str(error).split())[:LONGEST_WHY]
            print(
                f"warning: the store of run {self._run_id} does not answer as it should, so its "
                f"figures and states wait on this machine, and training goes on: {why}",
                file=sys.stderr,
            )


def _linked(path: Path) -> Path:
    """Give a file a second name, under which it stays when the first is given to another."""
    own = path.with_name(f"{uuid.uuid4().hex[:12]}{path.suffix}")
    try:
        os.link(path, own)
    except OSError:  # some file systems have no links
        shutil.copyfile(path, own)
    return own
