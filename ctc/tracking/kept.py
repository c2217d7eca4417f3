"""What finished runs have left on the tracking server, for those who read it."""

import json
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import mlflow
import pandas as pd
from mlflow.entities import DatasetInput
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from ctc.errors import BadInput
from ctc.tracking.resuming import find_run

SQLITE = "sqlite:///"
JUDGED = "params.`resolved.split` LIKE '%'"  # what `evaluate` logs of what it judges by
JUDGES = ("evaluate", "train")  # `train` judges at its end
# Columns of tables that are text whatever is in them: a class may be called 1, or NA.
TEXTS = (
    "capture_id", "label", "class", "truth", "prediction", "location", "failure", "probabilities",
    "paths", "what", "example", "column", "subject", "place", "detail",
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A finished run and what it has left.

    Attributes:
        run_id: its id.
        step: its entry point.
        name: what tells it from others, for people.
        began: when it began, in UTC.
        params: as text; what a default came to stands under `resolved.`.
        dataset: digest of the dataset or inventory that it is about; None if it is about several.
    """

    run_id: str
    step: str
    name: str
    began: datetime
    params: Mapping[str, str]
    dataset: str | None

    @property
    def ground(self) -> str:
        """The captures that an evaluation judged by, in words; figures of others do not compare."""
        return f"{self.params.get('resolved.split')} of dataset {self.dataset}"

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, named as its file: `figures.json`, `suspects.csv`.

        Raises:
            BadInput: if the run has none of this name.
        """
        text = self.text(name)
        if name.endswith(".csv"):
            return _of_csv(text)
        content = json.loads(text)
        return pd.DataFrame(content["data"], columns=content["columns"])

    def text(self, name: str) -> str:
        """Return the content of a file; see `table`."""
        return self.data(name).decode()

    def data(self, name: str) -> bytes:
        """Return the bytes of a file; see `table`."""
        uri = f"runs:/{self.run_id}/{name}"
        with TemporaryDirectory() as folder:
            try:
                return Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder)).read_bytes()
            except (MlflowException, OSError) as error:
                why = f"run '{self.run_id}' ({self.step}) has left no '{name}'"
                raise BadInput(why) from error

    def files(self, folder: str | None = None) -> list[str]:
        """Return the names of the files in a folder of the run."""
        found = mlflow.MlflowClient().list_artifacts(self.run_id, folder)
        return [file.path for file in found if not file.is_dir]


def read_from(uri: str | None) -> str:
    """Read what is kept at a tracking URI from now on; return it.

    Args:
        uri: None: that of MLFLOW_TRACKING_URI, or else `mlflow.db` in the current folder.

    Raises:
        BadInput: if it is a file that does not exist, which MLflow would make.
    """
    found = uri or mlflow.get_tracking_uri()
    if found.startswith(SQLITE) and not Path(unquote(found.removeprefix(SQLITE))).is_file():
        raise BadInput(f"no runs are kept at '{found}' yet; `make demo` makes some")
    mlflow.set_tracking_uri(found)
    return found


def kept_run(run_id: str) -> Kept:
    """Return a run by its id.

    Raises:
        BadInput: if there is none.
    """
    try:
        return _kept(mlflow.get_run(run_id))
    except MlflowException as error:
        raise BadInput(f"no run '{run_id}' at '{mlflow.get_tracking_uri()}'") from error


def kept_runs(step: str, experiment: str) -> list[Kept]:
    """Return the finished runs of a step, the latest first.

    Raises:
        BadInput: if there is none, or no such experiment.
    """
    return _some(_finished(experiment, f"tags.step = '{step}'"), step, experiment)


def evaluations(experiment: str) -> list[Kept]:
    """Return the finished runs that judged a classifier, the latest first.

    Raises:
        BadInput: if there is none, or no such experiment.
    """
    found = [one for one in _finished(experiment, JUDGED) if one.step in JUDGES]
    return _some(found, "evaluate", experiment)


def latest_of_each(evaluations: Iterable[Kept]) -> list[Kept]:
    """Leave out of evaluations, the latest first, those that repeat one of the same classifier.

    A classifier that was judged as a folder stays each time: it may be another one by now.
    """
    chosen: dict[tuple[str, str | None], Kept] = {}
    for one in evaluations:
        who = _training_of(one) or one.run_id
        chosen.setdefault((who, one.params.get("resolved.aggregate")), one)
    return list(chosen.values())


def trained_with(evaluation: Kept) -> dict[str, str]:
    """Return the parameters that the classifier was trained with; none if that is not kept here."""
    run_id = _training_of(evaluation)
    with suppress(BadInput):  # it was deleted
        return find_run(run_id, "train").params if run_id else {}
    return {}


def _training_of(evaluation: Kept) -> str | None:
    """Return the id of the run that trained what was judged; None if that is not kept here."""
    if evaluation.step == "train":
        return evaluation.run_id
    inputs = mlflow.get_run(evaluation.run_id).inputs
    with suppress(MlflowException):  # the model was deleted
        for model in inputs.model_inputs if inputs else []:
            return str(mlflow.get_logged_model(model.model_id).source_run_id)
    return None


def _some(found: list[Kept], step: str, experiment: str) -> list[Kept]:
    if not found:
        raise BadInput(
            f"experiment '{experiment}' at '{mlflow.get_tracking_uri()}' has no finished run of "
            f"this kind; `mlflow run . -e {step}` makes one"
        )
    return found


def _finished(experiment: str, condition: str) -> list[Kept]:
    known = {one.name: one.experiment_id for one in mlflow.search_experiments()}
    if experiment not in known:
        raise BadInput(f"no experiment '{experiment}'; there are: {', '.join(sorted(known))}")
    runs = mlflow.search_runs(
        [known[experiment]],
        filter_string=f"attributes.status = 'FINISHED' AND {condition}",
        order_by=["attributes.start_time DESC"],
        output_format="list",
    )
    return [_kept(run) for run in runs]


def _kept(run: MlflowRun) -> Kept:
    params = {name: _plain(run, name, text) for name, text in run.data.params.items()}
    called = params.get("resolved.classifier", run.info.run_name).removeprefix("models:/")
    return Kept(
        run_id=run.info.run_id,
        step=run.data.tags.get("step", ""),
        name=f"{called} ({run.info.run_id[:4]})",
        began=datetime.fromtimestamp(run.info.start_time / 1000, UTC).replace(microsecond=0),
        params=params,
        dataset=_digest(run.inputs.dataset_inputs if run.inputs else []),
    )


def _plain(run: MlflowRun, name: str, text: str) -> str:
    """Undo what `mlflow run` does to a parameter: it writes it as a shell would want it."""
    own = name.startswith("resolved.") or run.data.tags.get("mlflow.source.type") != "PROJECT"
    return text if own else shlex.split(text)[0]


def _digest(inputs: list[DatasetInput]) -> str | None:
    """Return the digest of what was judged by, or else of the only input.

    A training that is judged by the dataset that it learns from has it as one input.
    """
    judged = [one for one in inputs if "evaluation" in {tag.value for tag in one.tags}]
    chosen = judged or inputs
    return str(chosen[0].dataset.digest) if len(chosen) == 1 else None


def _of_csv(text: str) -> pd.DataFrame:
    columns = pd.read_csv(StringIO(text), nrows=0).columns
    return pd.read_csv(
        StringIO(text),
        dtype=dict.fromkeys(TEXTS, str),
        keep_default_na=False,
        na_values={name: [""] for name in columns if name not in TEXTS},
    )
