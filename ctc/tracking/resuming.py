"""A run that goes on: found again, joined, and what was changed in it."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

import ctc
from ctc.errors import BadInput
from ctc.parameter import as_text
from ctc.tracking.run import Run, asked_for
from ctc.tracking.runs import About, sigterm_as_exception, started_run, tracked_run
from ctc.tracking.sending.delivering import JOURNAL_TAG
from ctc.tracking.sending.failures import why_not

CHANGED = "changed."  # before the name of a parameter, in a tag: what a resumed run has instead


@dataclass(frozen=True)
class Former:
    """A run that is to go on.

    Attributes:
        run_id: its id.
        name: what the UI calls it.
        began: when it began, in ms since 1970.
        finished: whether it has come to its end.
        params: its parameters, as text that a step's options read; what was changed, changed.
        parent: what its parent was resolved to, if it has one: an alias may have moved.
        key: what it was called before the server had heard of it.
    """

    run_id: str
    name: str
    began: int
    finished: bool
    params: dict[str, str]
    parent: str | None
    key: str | None


def find_run(run_id: str, step: str) -> Former:
    """Return a run of a step.

    Raises:
        BadInput: if the store has no such run, or it is one of another step.
    """
    try:
        run = mlflow.get_run(run_id)
    except MlflowException as error:
        where = mlflow.get_tracking_uri()
        raise BadInput(f"resume: no run '{run_id}' at '{where}': {why_not(error)}") from error
    tags = run.data.tags
    if tags.get("step") != step or run.info.lifecycle_stage != "active":
        raise BadInput(f"resume: run '{run_id}' is no run of `{step}`, or was deleted")
    changed = {k.removeprefix(CHANGED): v for k, v in tags.items() if k.startswith(CHANGED)}
    return Former(
        run_id=run_id,
        name=run.info.run_name,
        began=run.info.start_time,
        finished=run.info.status == "FINISHED",
        params=_params(run) | changed,
        parent=tags.get("parent_resolved"),
        key=tags.get(JOURNAL_TAG),
    )


def started_by_mlflow() -> bool:
    """Tell whether `mlflow run` started this process: then every parameter is given."""
    return "MLFLOW_RUN_ID" in os.environ


@contextmanager
def resumed_run(
    former: Former, asked: Any, params: Any, changed: Mapping[str, Any]
) -> Iterator[Run]:
    """Go on in a run, which ends as any run does.

    Where `mlflow run` started a run of its own for this, that one says which run went on, and is
    a run of another step.

    Args:
        former: the run.
        asked: what was asked for.
        params: what it goes on with.
        changed: the parameters that are not as they were; MLflow's own cannot be changed.
    """
    joined = started_run(About("train", params, goes_on=True), former.run_id)
    with sigterm_as_exception(), _own_run(former, asked), joined as run:
        now = former.params | {name: as_text(value) for name, value in changed.items()}
        run.knows(now, former.began)
        run.tags(**{f"{CHANGED}{name}": as_text(value) for name, value in changed.items()})
        run.tags(ctc_version=ctc.__version__)
        yield run


@contextmanager
def _own_run(former: Former, params: Any) -> Iterator[None]:
    if not started_by_mlflow():
        yield
        return
    with tracked_run("resume", params, name=f"resume {former.name}") as run:
        run.tags(resumes=former.run_id)
        yield


def _params(run: MlflowRun) -> dict[str, str]:
    """Return the parameters of a run; `mlflow run` writes them as a shell would want them."""
    quoted = run.data.tags.get("mlflow.source.type") == "PROJECT"
    logged = {k: shlex.split(v)[0] if quoted else v for k, v in run.data.params.items()}
    return asked_for(logged)
