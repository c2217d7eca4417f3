"""How a run begins, and how it ends: whatever happens to the step, and to the server."""

import math
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import mlflow
from mlflow.tracking.context.registry import resolve_tags

import ctc
from ctc.errors import BadInput
from ctc.tracking.machine import watched
from ctc.tracking.run import Run, now
from ctc.tracking.sending.delivering import Beginning
from ctc.tracking.sending.places import forget, opened, remember
from ctc.tracking.sending.sender import Sender, say

# Of the environment, as MLflow names them.
MLFLOW_RUN_ID, EXPERIMENT, EXPERIMENT_ID = (
    "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID",
)  # fmt: skip
PARENT_RUN = "mlflow.parentRunId"  # a tag
PATIENCE = "CTC_PATIENCE"
PATIENCE_S = 120.0  # how long a step that is done waits for a store that is away, unless told
LONGEST_S = 60.0  # how long one that was stopped waits for a store that is there
WATCHED = ("dataset", "train")  # steps that have figures of their machine

_in_progress: list[Run] = []


class Terminated(SystemExit):
    """SIGTERM arrived; the exit code is the one that a shell would report."""


def tracking_uri() -> str:
    """Return where runs are logged."""
    return mlflow.get_tracking_uri()


def log_below(folder: Path) -> None:
    """Log to a store below a folder from now on, in this process, whatever was set before."""
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    place = (folder / "artifacts").as_uri()
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("own", place))


@contextmanager
def tracked_run(
    step: str, params: Any, nested: bool = False, name: str | None = None
) -> Iterator[Run]:
    """Join the run that `mlflow run` started, or start one; end it in the right state.

    An exception leaves it FAILED, Ctrl-C and SIGTERM leave it KILLED; never RUNNING.

    Args:
        step: name of the entry point.
        params: its parameters; `offline` among them says that nothing is to be sent.
        nested: whether the run is a part of the one in progress.
        name: what the run is called in the UI; the step's name if not given.

    Raises:
        BadInput: if the tracking server does not answer.
    """
    outer = _in_progress[-1] if nested and _in_progress else None
    run_id = os.environ.pop(MLFLOW_RUN_ID, None)
    about = About(step, params, outer=outer)
    with sigterm_as_exception(), started_run(about, run_id) as run:
        run.tags(**{"step": step, "ctc_version": ctc.__version__, "mlflow.runName": name or step})
        run.params(params)
        yield run


@dataclass(frozen=True)
class About:
    """What decides how a run is begun.

    Attributes:
        step: name of the entry point.
        params: its parameters.
        goes_on: whether the run was there before, as a run of this step.
        outer: the run that it is a part of.
    """

    step: str
    params: Any
    goes_on: bool = False
    outer: Run | None = None

    @property
    def offline(self) -> bool:
        """Whether nothing is to be sent."""
        return bool(getattr(self.params, "offline", False))


@contextmanager
def started_run(about: About, run_id: str | None) -> Iterator[Run]:
    """Start a run, or join `run_id`; end it rightly.

    Raises:
        BadInput: if the tracking server does not answer, unless it is a part of another run.
    """
    patience_s = _patience_s()
    left = run_id if about.goes_on else None
    with opened(getattr(about.params, "output", None), left) as journal:
        journal.note(step=about.step)
        sender = Sender(journal, about.offline, silent=about.outer is None)
        run = Run(sender, about.step, about.goes_on)
        _begin(sender, about, run_id)
        _in_progress.append(run)
        watching = watched(sender, about.goes_on) if about.step in WATCHED else nullcontext()
        try:
            with watching:
                yield run
            sender.settle()
        except (KeyboardInterrupt, Terminated):
            _end(sender, "KILLED")
            raise
        except BaseException:
            _end(sender, "FAILED")
            raise
        else:
            _end(sender, "FINISHED", patience_s)
        finally:
            _in_progress.remove(run)


def _begin(sender: Sender, about: About, run_id: str | None) -> None:
    tags = resolve_tags()
    if about.outer is not None and about.outer.run_id is not None:
        tags[PARENT_RUN] = about.outer.run_id
    beginning = Beginning(
        run_id=run_id,
        experiment_id=os.environ.get(EXPERIMENT_ID),
        experiment=os.environ.get(EXPERIMENT),
        name=about.step,
        start=now(),
        tags=tags,
        make=about.offline,
    )
    sender.put("begin", asdict(beginning))
    if about.outer is not None or about.offline:
        sender.settle()
        return
    try:
        sender.begin()
    except BadInput as error:
        forget(sender.journal)
        hint = "; to work without it and send what is logged later: offline=yes"
        raise BadInput(
            f"no run can be started: {error} (MLFLOW_TRACKING_URI names it)"
            f"{hint if hasattr(about.params, 'offline') else ''}"
        ) from error


def _end(sender: Sender, status: str, patience_s: float = 0) -> None:
    """Set the state of the run; a second signal must not come between."""
    ignored = {number: signal.signal(number, signal.SIG_IGN) for number in _signals()}
    try:
        sender.put("end", {"status": status, "at": now()})
        if status != "FINISHED":
            sender.finish(away_s=0, longest_s=LONGEST_S)
    finally:
        for number, handler in ignored.items():
            signal.signal(number, handler)
    try:
        if status == "FINISHED":
            _wait_to_finish(sender, patience_s)
    finally:
        if sender.is_done:
            forget(sender.journal)
        else:
            _say_what_is_left(sender)


def _patience_s() -> float:
    text = os.environ.get(PATIENCE, str(PATIENCE_S))
    with suppress(ValueError):
        if 0 <= float(text) < math.inf:
            return float(text)
    raise BadInput(f"{PATIENCE}: found '{text}'; allowed: a number of seconds, from 0 on")


def _wait_to_finish(sender: Sender, patience_s: float) -> None:
    """Wait until all has been sent; for a while, if the store is away.

    Raises:
        CannotGoOn: if the store refuses something only now.
    """
    try:
        sender.wait(patiently=True)
        if patience_s and not sender.is_done and not sender.offline:
            say(f"the work is done; its store is waited for, {patience_s:.0f} s at most")
        sender.finish(away_s=patience_s)
        sender.settle()
    except (KeyboardInterrupt, Terminated):
        sender.close()


def _say_what_is_left(sender: Sender) -> None:
    remember(sender.journal)
    what = f"run {sender.journal.run_id}" if sender.journal.run_id else "this run"
    named = sender.journal.run_id or sender.journal.folder
    say(
        f"what {what} has logged, and no server has got, is kept in '{sender.journal.folder}'; "
        f"to send it: mlflow run . -e sync -P run={named}"
    )


def _signals() -> tuple[signal.Signals, ...]:
    return (signal.SIGINT, signal.SIGTERM)


@contextmanager
def sigterm_as_exception() -> Iterator[None]:
    """Let SIGTERM end what runs here as Ctrl-C does, with all that then has to be done."""
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise_terminated(number: int, _frame: FrameType | None) -> None:
    raise Terminated(128 + number)
