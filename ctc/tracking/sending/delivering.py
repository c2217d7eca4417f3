"""How each kind of entry gets to the tracking server. Each may go twice without harm: the answer
to the first time may have been lost."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mlflow
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.tracking.fluent import _get_experiment_id

from ctc import storage
from ctc.tracking.points import as_logged, points_of
from ctc.tracking.sending.failures import Failure, asking_why, failure_of
from ctc.tracking.sending.journal import Entry, Journal
from ctc.tracking.sending.logged_model import deliver_description, deliver_model, deliver_version
from ctc.tracking.slots import Slot, upload, uploaded

JOURNAL_TAG = "ctc.journal"  # of a run: by what it was logged
OWN = "own"  # in the place of a model's id: the one that the run itself has logged
TABLES = "mlflow.loggedArtifacts"  # the tag by which the UI finds the tables of a run
AT_ONCE = 1000  # metrics that MLflow takes in one call
PARAMS_AT_ONCE = 100


@dataclass(frozen=True)
class Beginning:
    """How a run begins.

    Attributes:
        run_id: of the run to join; None: a new one.
        experiment_id: where a new one goes; None: by what the environment says.
        experiment: its name, if the environment names one.
        name: of a new run.
        start: milliseconds since 1970.
        tags: of a new run.
        make: whether a run to join is made where there is none: `mlflow run` may have begun it
            at another server.
    """

    run_id: str | None
    experiment_id: str | None
    experiment: str | None
    name: str | None
    start: int
    tags: Mapping[str, str]
    make: bool = False


class Delivery:
    """Brings the entries of a journal to the tracking server."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: set[tuple[str, int]] | None = None  # points of the run
        self._slots: list[Slot] | None = None
        self._ways: dict[str, Callable[[Entry], None]] = {
            "begin": self._begin,
            "params": self._params,
            "tags": self._tags,
            "input": self._input,
            "model_input": self._model_input,
            "points": self._points,
            "metrics": self._metrics,
            "file": self._file,
            "table": self._table,
            "state": self._state,
            "model": lambda entry: deliver_model(journal, entry),
            "version": lambda entry: deliver_version(journal, entry.content["name"]),
            "description": lambda entry: deliver_description(journal, **entry.content),
            "end": self._end,
        }

    def deliver(self, entry: Entry) -> None:
        """Bring one entry there; raises what MLflow and its stores do."""
        self._ways[entry.kind](entry)

    def failure_of(self, error: Exception) -> Failure | None:
        """Say what an error of `deliver` means; None: it is none of the store's."""
        return failure_of(error, str(self._journal.facts.get("artifacts", "")))

    @property
    def _run_id(self) -> str:
        return str(self._journal.facts["run_id"])

    def _begin(self, entry: Entry) -> None:
        beginning = Beginning(**entry.content)
        run = self._joined(beginning) or self._made(beginning)
        self._journal.note(run_id=run.info.run_id, artifacts=run.info.artifact_uri)

    def _joined(self, beginning: Beginning) -> mlflow.entities.Run | None:
        client = mlflow.MlflowClient()
        if beginning.run_id is None:
            return None
        try:
            client.update_run(beginning.run_id, status="RUNNING")
        except MlflowException as error:
            if beginning.make and error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return client.get_run(beginning.run_id)

    def _made(self, beginning: Beginning) -> mlflow.entities.Run:
        client, where, own = mlflow.MlflowClient(), _experiment(beginning), self._journal.key
        found = client.search_runs([where], f"tags.`{JOURNAL_TAG}` = '{own}'", max_results=1)
        tags = {**beginning.tags, JOURNAL_TAG: own}
        return (
            found[0]
            if found
            else client.create_run(where, beginning.start, tags, run_name=beginning.name)
        )

    def _params(self, entry: Entry) -> None:
        client = mlflow.MlflowClient()
        there = client.get_run(self._run_id).data.params
        new = [Param(name, text) for name, text in entry.content.items() if name not in there]
        for start in range(0, len(new), PARAMS_AT_ONCE):
            client.log_batch(self._run_id, params=new[start : start + PARAMS_AT_ONCE])

    def _tags(self, entry: Entry) -> None:
        tags = [RunTag(name, text) for name, text in entry.content.items()]
        mlflow.MlflowClient().log_batch(self._run_id, tags=tags)

    def _input(self, entry: Entry) -> None:
        data = Dataset(**entry.content["data"])
        tags = [InputTag("mlflow.data.context", entry.content["context"])]
        mlflow.MlflowClient().log_inputs(self._run_id, [DatasetInput(data, tags)])

    def _model_input(self, entry: Entry) -> None:
        models = [LoggedModelInput(entry.content["model_id"])]
        mlflow.MlflowClient().log_inputs(self._run_id, models=models)

    def _points(self, entry: Entry) -> None:
        """Log points of curves, but for those that the run has of an epoch that was done before."""
        if self._known is None:
            self._known = points_of(self._run_id)
        step, at = entry.content["step"], entry.content["at"]
        values = {k: v for k, v in entry.content["values"].items() if (k, step) not in self._known}
        points = [Metric(name, value, at, step) for name, value in values.items()]
        for start in range(0, len(points), AT_ONCE):
            mlflow.MlflowClient().log_batch(self._run_id, points[start : start + AT_ONCE])
        self._known |= {(name, step) for name in values}

    def _metrics(self, entry: Entry) -> None:
        """Log metrics, of a model and on data if they are named."""
        told, data = entry.content, entry.content["data"]
        values, at = told["values"], told["at"]
        model = self._journal.facts["model_id"] if told["model"] == OWN else told["model"]
        if told["once"]:
            values, at = as_logged(self._run_id, values, told["step"], at)
        mlflow.log_metrics(
            values,
            step=told["step"],
            timestamp=at,
            run_id=self._run_id,
            model_id=model,
            dataset=Dataset(**data) if data else None,
        )

    def _file(self, entry: Entry) -> None:
        storage.limit_waiting(self._journal.facts["artifacts"])
        (file,) = entry.files.iterdir()
        with asking_why(self._run_id):
            mlflow.MlflowClient().log_artifact(self._run_id, str(file), entry.content["folder"])

    def _table(self, entry: Entry) -> None:
        self._file(entry)
        client, own = mlflow.MlflowClient(), {"path": entry.content["path"], "type": "table"}
        there = json.loads(client.get_run(self._run_id).data.tags.get(TABLES, "[]"))
        if own not in there:
            client.set_tag(self._run_id, TABLES, json.dumps([*there, own]))

    def _state(self, entry: Entry) -> None:
        storage.limit_waiting(self._journal.facts["artifacts"])
        (file,) = entry.files.iterdir()
        slots = uploaded(self._run_id) if self._slots is None else self._slots
        self._slots = None  # until it is known what is there
        with asking_why(self._run_id):
            self._slots = upload(self._run_id, file, entry.content["progress"], slots)

    def _end(self, entry: Entry) -> None:
        """End the run; what was refused after the step had done its work leaves it FAILED too."""
        told, refused = entry.content, self._journal.facts.get("refused", False)
        status = "FAILED" if refused and told["status"] == "FINISHED" else told["status"]
        mlflow.MlflowClient().set_terminated(self._run_id, status, told["at"])


def _experiment(beginning: Beginning) -> str:
    client = mlflow.MlflowClient()
    if beginning.experiment is not None:
        found = client.get_experiment_by_name(beginning.experiment)
        return str(found.experiment_id if found else client.create_experiment(beginning.experiment))
    return str(beginning.experiment_id or _get_experiment_id() or "0")
