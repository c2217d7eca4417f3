"""A run: one step with its parameters, inputs, metrics and files."""

import json
import signal
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import LoggedModelInput
from mlflow.exceptions import MlflowException
from PIL.Image import Image

import ctc
from ctc.errors import BadInput, CannotGoOn
from ctc.parameter import as_text
from ctc.tracking.points import as_logged

NO_ANSWER = "Max retries"  # what the HTTP library says of a server that is not there


class Terminated(SystemExit):
    """SIGTERM arrived; the exit code is the one that a shell would report."""


@dataclass(frozen=True)
class Input:
    """An inventory or a dataset that a run works on: where it is and what its content is."""

    uri: str
    name: str
    digest: str

    def as_mlflow(self) -> MetaDataset:
        """Return it as a dataset of MLflow's, which compares models by it."""
        with warnings.catch_warnings():
            # MLflow has two sources with the same name for a local path and remarks on it.
            warnings.filterwarnings("ignore", message="The specified dataset source can be")
            source = resolve_dataset_source(self.uri)
        # MLflow declares `profile` abstract without making the class so.
        return MetaDataset(source, name=self.name, digest=self.digest)  # type: ignore[abstract]


class Run:
    """The run in progress."""

    def __init__(self, run_id: str, goes_on: bool = False) -> None:
        """Stand for a run; one that `goes_on` has nothing logged twice."""
        self.run_id, self._goes_on = run_id, goes_on

    def params(self, params: Any) -> None:
        """Log a step's parameters; those that `mlflow run` has logged stay as they are."""
        logged = mlflow.get_run(self.run_id).data.params
        named = {field.name: as_text(getattr(params, field.name)) for field in fields(params)}
        mlflow.log_params({k: v for k, v in named.items() if k not in logged})

    def resolved(self, **values: Any) -> None:
        """Log what a default such as `all` or `auto` came to; a run that goes on keeps its own."""
        logged = mlflow.get_run(self.run_id).data.params
        named = {f"resolved.{k}": as_text(v) for k, v in values.items()}
        mlflow.log_params({k: v for k, v in named.items() if k not in logged})

    def tags(self, **tags: str) -> None:
        """Set tags."""
        mlflow.set_tags(tags)

    def input(self, data: Input, context: str) -> None:
        """Log what the run works on; `context` says what for, such as `training`."""
        mlflow.log_input(data.as_mlflow(), context=context)

    def model_input(self, model_id: str) -> None:
        """Log a logged model as what the run works on."""
        mlflow.log_input(model=LoggedModelInput(model_id))

    def metrics(
        self,
        metrics: Mapping[str, float],
        step: int = 0,
        model_id: str | None = None,
        data: Input | None = None,
    ) -> None:
        """Log metrics, of a logged model on some data if they are given."""
        dataset = data.as_mlflow() if data else None
        values, at = dict(metrics), None
        if self._goes_on:
            values, at = as_logged(self.run_id, metrics, step)
        mlflow.log_metrics(values, step=step, timestamp=at, model_id=model_id, dataset=dataset)

    def table(self, table: pd.DataFrame, name: str) -> None:
        """Log a table as `<name>.json`, which the UI shows and compares."""
        # MLflow looks for pictures among texts in a way that pandas 3 warns of.
        texts = [
            column for column, kind in table.dtypes.items() if isinstance(kind, pd.StringDtype)
        ]
        plain, path = table.astype(dict.fromkeys(texts, object)), f"{name}.json"
        if self._goes_on and self._has(path):
            # `log_table` would put the rows below those that are there.
            mlflow.log_text(plain.to_json(orient="split", index=False, date_format="iso"), path)
        else:
            mlflow.log_table(plain, path)

    def _has(self, path: str) -> bool:
        files = mlflow.MlflowClient().list_artifacts(self.run_id, _folder(path))
        return path in {file.path for file in files}

    def figure(self, figure: Figure, name: str) -> None:
        """Log a plot as `<name>.png`."""
        with warnings.catch_warnings():
            # Its font has no Chinese letters, say: a box stands for each.
            warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
            mlflow.log_figure(figure, f"{name}.png", save_kwargs={"dpi": 120})

    def image(self, image: Image, name: str) -> None:
        """Log a picture as `<name>.jpg`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{Path(name).name}.jpg"
            image.save(path, quality=85)
            mlflow.log_artifact(str(path), _folder(name))

    def text(self, text: str, name: str) -> None:
        """Log a text as `<name>.txt`."""
        mlflow.log_text(text, f"{name}.txt")

    def png(self, data: bytes, name: str) -> None:
        """Log a plot that is drawn already as `<name>.png`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{Path(name).name}.png"
            path.write_bytes(data)
            mlflow.log_artifact(str(path), _folder(name))

    def markdown(self, text: str, name: str) -> None:
        """Log a text as `<name>.md`."""
        mlflow.log_text(text, f"{name}.md")

    def page(self, html: str, name: str) -> None:
        """Log a page as `<name>.html`, which the UI shows."""
        mlflow.log_text(html, f"{name}.html")

    def json(self, content: Mapping[str, Any], name: str) -> None:
        """Log `<name>.json`."""
        mlflow.log_text(json.dumps(content, indent=1, ensure_ascii=False), f"{name}.json")

    def file(self, path: Path) -> None:
        """Log a file under its own name."""
        mlflow.log_artifact(str(path))

    def csv(self, table: pd.DataFrame, name: str) -> None:
        """Log a table as `<name>.csv`, for those who open it elsewhere."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{Path(name).name}.csv"
            table.to_csv(path, index=False)
            mlflow.log_artifact(str(path), _folder(name))


def _folder(name: str) -> str | None:
    """Return the folder of the run that a name with a "/" lies in."""
    return str(Path(name).parent) if "/" in name else None


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

    Raises:
        BadInput: if the tracking server does not answer.

    Args:
        step: name of the entry point.
        params: its parameters.
        nested: whether the run is a part of the one in progress.
        name: what the run is called in the UI; the step's name if not given.
    """
    with sigterm_as_exception(), started_run(nested, step in ("dataset", "train")) as run:
        run.tags(**{"step": step, "ctc_version": ctc.__version__, "mlflow.runName": name or step})
        run.params(params)
        yield run


@contextmanager
def started_run(nested: bool, system_metrics: bool, run_id: str | None = None) -> Iterator[Run]:
    """Start a run, join the one that `mlflow run` started, or go on in `run_id`; end it rightly.

    Raises:
        BadInput: if the tracking server does not answer.
        CannotGoOn: if it does not answer any more.
    """
    try:
        active = mlflow.start_run(run_id, nested=nested, log_system_metrics=system_metrics)
    except MlflowException as error:
        raise BadInput(
            f"no run can be started at '{mlflow.get_tracking_uri()}', which MLFLOW_TRACKING_URI "
            f"names: {_why(error)}"
        ) from error
    try:
        yield Run(active.info.run_id, goes_on=run_id is not None)
    except (KeyboardInterrupt, Terminated):
        _end("KILLED")
        raise
    except BaseException as error:
        with suppress(MlflowException):  # what went wrong before tells more
            _end("FAILED")
        if isinstance(error, MlflowException) and NO_ANSWER in str(error):
            raise _lost(error) from error
        raise
    try:
        _end("FINISHED")
    except MlflowException as error:
        raise _lost(error) from error


def _lost(error: MlflowException) -> CannotGoOn:
    return CannotGoOn(f"the tracking server '{mlflow.get_tracking_uri()}' is lost: {_why(error)}")


def _why(error: MlflowException) -> str:
    return "it does not answer" if NO_ANSWER in str(error) else str(error).splitlines()[0]


def _end(status: str) -> None:
    """Set the state of the run; a second signal must not come between."""
    ignored = {number: signal.signal(number, signal.SIG_IGN) for number in _signals()}
    try:
        mlflow.end_run(status)
    finally:
        for number, handler in ignored.items():
            signal.signal(number, handler)


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
