"""A run that is told what a step does: its parameters, inputs, metrics, files and its model."""

import io
import json
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.tracking.context.registry import resolve_tags
from PIL.Image import Image

import ctc
from ctc.parameter import as_text
from ctc.provenance import Training
from ctc.tracking.sending.journal import Files
from ctc.tracking.sending.sender import Sender

COMMIT = "mlflow.source.git.commit"  # a tag
RESOLVED = "resolved."  # before the name of a parameter: what a default came to
# What `auto` came to on the machine where a run began, and a state depends on.
OF_THE_MACHINE = ("precision",)
COUNTS = "class_counts"  # the table that a record has


@dataclass(frozen=True)
class Input:
    """An inventory or a dataset that a run works on: where it is and what its content is."""

    uri: str
    name: str
    digest: str

    def described(self) -> dict[str, Any]:
        """Return it as MLflow describes a dataset, by which it compares models."""
        with warnings.catch_warnings():
            # MLflow has two sources with the same name for a local path and remarks on it.
            warnings.filterwarnings("ignore", message="The specified dataset source can be")
            source = resolve_dataset_source(self.uri)
        # MLflow declares `profile` abstract without making the class so.
        data = MetaDataset(source, name=self.name, digest=self.digest)  # type: ignore[abstract]
        return {k: v for k, v in data.to_dict().items() if v is not None}


@dataclass(frozen=True)
class Sent:
    """A model that the server has: its id, and its version if it was registered."""

    model_id: str
    version: str | None


class Run:
    """The run in progress. What it is told is kept in a journal, and sent from there."""

    def __init__(self, sender: Sender, step: str, goes_on: bool = False) -> None:
        """Stand for a run of a step; one that `goes_on` has nothing logged twice."""
        self._sender, self._step, self._goes_on = sender, step, goes_on
        self._told: dict[str, str] = {}
        self._began = now()
        self._counts: pd.DataFrame | None = None
        self.registers = False  # whether it registers a model

    @property
    def run_id(self) -> str | None:
        """Its id; None for one that the tracking server has not been told of."""
        return self._sender.journal.run_id

    @property
    def key(self) -> str:
        """What it is called in any case: its id, or else that of its journal."""
        return self.run_id or self._sender.journal.key

    @property
    def answers(self) -> bool:
        """Whether the tracking server can be asked now."""
        return self._sender.answers

    def params(self, params: Any) -> None:
        """Log a step's parameters; those that `mlflow run` has logged stay as they are."""
        self._log_params({one.name: as_text(getattr(params, one.name)) for one in fields(params)})

    def resolved(self, **values: Any) -> None:
        """Log what a default such as `all` or `auto` came to; a run that goes on keeps its own."""
        self._log_params({f"{RESOLVED}{name}": as_text(value) for name, value in values.items()})

    def _log_params(self, named: dict[str, str]) -> None:
        self._told |= named
        self._log("params", named)

    def knows(self, params: Mapping[str, str], began: int) -> None:
        """Say what parameters a run had that goes on, and when it began, in ms since 1970."""
        self._told |= params
        self._began = began

    def tags(self, **tags: str) -> None:
        """Set tags."""
        self._log("tags", tags)

    def input(self, data: Input, context: str) -> None:
        """Log what the run works on; `context` says what for, such as `training`."""
        self._log("input", {"data": data.described(), "context": context})

    def model_input(self, model_id: str) -> None:
        """Log a logged model as what the run works on."""
        self._log("model_input", {"model_id": model_id})

    def metrics(
        self,
        metrics: Mapping[str, float],
        step: int = 0,
        model_id: str | None = None,
        data: Input | None = None,
    ) -> None:
        """Log metrics, of a logged model on some data if they are given."""
        told = {
            "values": {name: float(value) for name, value in metrics.items()},
            "step": step,
            "at": now(),
            "once": self._goes_on,
            "model": model_id,
            "data": data.described() if data else None,
        }
        self._log("metrics", told)

    def points(self, metrics: Mapping[str, float], step: int) -> None:
        """Log points of curves, without waiting; those that the run has already are left out."""
        values = {name: float(value) for name, value in metrics.items()}
        self._sender.put("points", {"values": values, "step": step, "at": now()})

    def state(self, path: Path, progress: float) -> None:
        """Upload the state of a training as it is now, without waiting; one that waits is dropped.

        Args:
            path: a file that is replaced and never changed.
            progress: epochs that are done in it.
        """
        self._sender.put_latest("state", {"progress": progress}, {path.name: path})

    def table(self, table: pd.DataFrame, name: str) -> None:
        """Log a table as `<name>.json`, which the UI shows and compares."""
        texts = [
            column for column, kind in table.dtypes.items() if isinstance(kind, pd.StringDtype)
        ]
        plain, path = table.astype(dict.fromkeys(texts, object)), f"{name}.json"
        # As `mlflow.log_table` does, which would add rows to those that are there.
        text = plain.to_json(orient="split", index=False, date_format="iso")
        files = {Path(path).name: text.encode()}
        self._log("table", {"folder": _folder(path), "path": path}, files)

    def figure(self, figure: Figure, name: str) -> None:
        """Log a plot as `<name>.png`."""
        target = io.BytesIO()
        with warnings.catch_warnings():
            # Its font has no Chinese letters, say: a box stands for each.
            warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
            figure.savefig(target, format="png", dpi=120)
        self.png(target.getvalue(), name)

    def image(self, image: Image, name: str) -> None:
        """Log a picture as `<name>.jpg`."""
        target = io.BytesIO()
        image.save(target, "JPEG", quality=85)
        self._log_file(target.getvalue(), f"{name}.jpg")

    def text(self, text: str, name: str) -> None:
        """Log a text as `<name>.txt`."""
        self._log_file(text.encode(), f"{name}.txt")

    def png(self, data: bytes, name: str) -> None:
        """Log a plot that is drawn already as `<name>.png`."""
        self._log_file(data, f"{name}.png")

    def markdown(self, text: str, name: str) -> None:
        """Log a text as `<name>.md`."""
        self._log_file(text.encode(), f"{name}.md")

    def page(self, html: str, name: str) -> None:
        """Log a page as `<name>.html`, which the UI shows."""
        self._log_file(html.encode(), f"{name}.html")

    def json(self, content: Mapping[str, Any], name: str) -> None:
        """Log `<name>.json`."""
        self._log_file(json.dumps(content, indent=1, ensure_ascii=False).encode(), f"{name}.json")

    def file(self, path: Path) -> None:
        """Log a file, which is replaced and never changed, under its own name."""
        self._log_file(path, path.name)

    def csv(self, table: pd.DataFrame, name: str) -> None:
        """Log a table as `<name>.csv`, for those who open it elsewhere."""
        if name == COUNTS:
            self._counts = table
        self._log_file(table.to_csv(index=False).encode(), f"{name}.csv")

    @contextmanager
    def packing(self) -> Iterator[Path]:
        """Yield an empty folder for a model that is to be logged."""
        with self._sender.journal.packing() as folder:
            yield folder

    def model(
        self, packed: Path, metrics: Mapping[str, float], step: int, register: str | None
    ) -> Sent | None:
        """Log a model of MLflow's, and register it; None: that will be done later.

        Args:
            packed: its files, in what `packing` gave.
            metrics: of its epoch; they become the model's own.
            step: the epoch's number.
            register: name to register it under, if any.
        """
        told = {"values": {k: float(v) for k, v in metrics.items()}, "step": step, "at": now()}
        self._sender.put_packed("model", told, packed)
        if register is not None:
            self.registers = True
            self._sender.put("version", {"name": register})
        self._sender.settle(patiently=True)
        facts = self._sender.journal.facts
        if not self._sender.is_done:
            return None
        return Sent(facts["model_id"], facts.get("version"))

    def describe(self, version: str | None, text: str, mark: str) -> None:
        """Make a text the description of a registered version, if no person has written one.

        Args:
            version: models:/NAME/VERSION; None: the one that this run has registered.
            text: the description.
            mark: what tells ours from one that a person has written.
        """
        self._log("description", {"version": version, "text": text, "mark": mark})

    def record(self) -> Training:
        """Return what is known of this run without asking the tracking server."""
        return Training(
            step=self._step,
            run_id=self.run_id or "that is to be sent",
            date=datetime.fromtimestamp(self._began / 1000, UTC).strftime("%Y-%m-%d"),
            params=asked_for(self._told),
            counts=self._counts,
            commit=resolve_tags().get(COMMIT),
            version=ctc.__version__,
        )

    def _log_file(self, source: Path | bytes, name: str) -> None:
        self._log("file", {"folder": _folder(name)}, {Path(name).name: source})

    def _log(self, kind: str, content: Mapping[str, Any], files: Files | None = None) -> None:
        """Keep an entry, and wait until it has been sent, or a store turns out to be away.

        Raises:
            CannotGoOn: if the store refuses it.
        """
        self._sender.put(kind, content, files)
        self._sender.settle()


def asked_for(logged: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that would be asked for to do the same as a run that logged these."""
    pinned = {name: logged.get(f"{RESOLVED}{name}") for name in OF_THE_MACHINE}
    same = {**logged, **{name: value for name, value in pinned.items() if value is not None}}
    return {name: text for name, text in same.items() if not name.startswith(RESOLVED)}


def _folder(name: str) -> str | None:
    """Return the folder of the run that a name with a "/" lies in."""
    return str(Path(name).parent) if "/" in name else None


def now() -> int:
    """Return the time, in milliseconds since 1970."""
    return round(1000 * time.time())
