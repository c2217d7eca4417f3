"""A model on its way to the server: ready only when every file is there as it was sent.

Until then its status is PENDING, which nobody loads or registers by mistake.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric
from mlflow.models import Model
from mlflow.tracking.context.registry import resolve_tags

from ctc import storage
from ctc.errors import BadInput
from ctc.tracking.points import as_logged
from ctc.tracking.registry import become_candidate, register
from ctc.tracking.sending.failures import Damaged, asking_why
from ctc.tracking.sending.journal import Entry, Journal

NAME = "best_model"
ENTRY_TAG = "ctc.entry"  # of a logged model: by what it was logged
OWN_CACHE = "__pycache__"  # of whoever has loaded the model


def deliver_model(journal: Journal, entry: Entry) -> None:
    """Log the model that an entry holds, with the metrics of its epoch.

    Raises:
        Damaged: if the store has other files than were sent; then it stays PENDING.
    """
    client, run_id = mlflow.MlflowClient(), str(journal.facts["run_id"])
    model = _found(journal, entry) or _made(journal, entry)
    outputs = client.get_run(run_id).outputs
    if model.model_id not in {one.model_id for one in (outputs.model_outputs if outputs else [])}:
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    if model.status != LoggedModelStatus.READY:
        _describe_itself(entry.files, model, run_id)
        storage.limit_waiting(model.artifact_location)
        with asking_why(run_id):
            client.log_model_artifacts(model.model_id, str(entry.files))
        check_whole(entry.files, model.artifact_location)
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    _log_metrics(run_id, model.model_id, entry)
    journal.note(model_id=model.model_id)


def check_whole(sent: Path, location: str) -> None:
    """Fetch a model's files and compare them with those that were sent.

    Raises:
        Damaged: naming a file that is another or missing.
    """
    with TemporaryDirectory() as folder:
        got = Path(mlflow.artifacts.download_artifacts(location, dst_path=folder))
        for name in storage.list_files(str(sent)):
            there = got / name
            if not there.is_file() or storage.sha256(there) != storage.sha256(sent / name):
                raise Damaged(f"the store has not kept '{name}' of the model as it was sent")


def deliver_version(journal: Journal, name: str) -> None:
    """Make the model of the run a version of `name`, with the alias `candidate`."""
    if "model_id" not in journal.facts:
        raise BadInput(f"there is no model to register as '{name}'")
    model_id = journal.facts["model_id"]
    version = _registered(name, model_id)
    if version is None:
        version = register(f"models:/{model_id}", name)
    else:
        become_candidate(name, version)
    journal.note(name=name, version=version)


def deliver_description(journal: Journal, version: str | None, text: str, mark: str) -> None:
    """Make a text the description of a registered version, unless a person has written one.

    Args:
        journal: of the run.
        version: models:/NAME/VERSION; None: the one that the run has registered.
        text: the description.
        mark: what tells ours from one that a person has written.
    """
    own = f"models:/{journal.facts.get('name')}/{journal.facts.get('version')}"
    name, _, number = (version or own).removeprefix("models:/").rpartition("/")
    client = mlflow.MlflowClient()
    before = client.get_model_version(name, number).description
    if not before or mark in before:
        client.update_model_version(name, number, text)


def _found(journal: Journal, entry: Entry) -> LoggedModel | None:
    """Return the model that an earlier attempt has begun, if any."""
    client = mlflow.MlflowClient()
    where = client.get_run(str(journal.facts["run_id"])).info.experiment_id
    own = f"tags.`{ENTRY_TAG}` = '{_key(journal, entry)}'"
    return next(iter(client.search_logged_models([where], own, max_results=1)), None)


def _made(journal: Journal, entry: Entry) -> LoggedModel:
    client = mlflow.MlflowClient()
    run = client.get_run(str(journal.facts["run_id"]))
    return client.create_logged_model(
        run.info.experiment_id,
        name=NAME,
        source_run_id=run.info.run_id,
        tags=resolve_tags({ENTRY_TAG: _key(journal, entry)}),
        params=run.data.params,
    )


def _key(journal: Journal, entry: Entry) -> str:
    return f"{journal.key}/{entry.number}"


def _describe_itself(folder: Path, model: LoggedModel, run_id: str) -> None:
    """Write into the model's own description what it is called at this server."""
    for cache in folder.rglob(OWN_CACHE):
        shutil.rmtree(cache)
    about = Model.load(str(folder))
    about.model_id = about.model_uuid = model.model_id
    about.run_id, about.artifact_path = run_id, model.artifact_location
    about.save(str(folder / "MLmodel"))


def _log_metrics(run_id: str, model_id: str, entry: Entry) -> None:
    """Log the metrics of the model's epoch; they are points of the run too, which has them."""
    told = entry.content
    values, at = as_logged(run_id, told["values"], told["step"], told["at"])
    points = [
        Metric(name, value, at, told["step"], model_id=model_id, run_id=run_id)
        for name, value in values.items()
    ]
    if points:
        mlflow.MlflowClient().log_batch(run_id, points)


def _registered(name: str, model_id: str) -> str | None:
    """Return the version that an earlier attempt has made, if any."""
    found = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    return next((str(one.version) for one in found if one.source == f"models:/{model_id}"), None)
