"""A classifier as a model of MLflow's: logged, looked at again, found by its URI."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from PIL import Image

import ctc
from ctc import storage
from ctc.errors import BadInput
from ctc.tracking.sending.failures import why_not

SERVED = Path(__file__).with_name("served.py")
# What `served.py` and the rooms it walks through import.
NEEDS = (
    "boto3", "google-crc32c", "keras", "mlflow", "numpy", "pandas", "pillow", "pyarrow",
    "scikit-learn",
)  # fmt: skip
TENSORFLOW = ("tensorflow-cpu", "tensorflow")  # whichever build is installed here


@dataclass(frozen=True)
class Model:
    """A classifier that was asked for by a URI.

    Attributes:
        folder: the classifier's files, on this machine.
        uri: what was asked for.
        resolved: what it was at this moment: an alias moves, a version does not.
        model_id: of the logged model; None for a folder.
        run_id: of the run that logged it; None for a folder.
    """

    folder: Path
    uri: str
    resolved: str
    model_id: str | None
    run_id: str | None


def pack_classifier(folder: Path, target: Path) -> None:
    """Make a model of MLflow's of a classifier's folder, as it is logged.

    Args:
        folder: what `Classifier.save` wrote.
        target: an empty folder for the model.
    """
    with _quiet():
        mlflow.pyfunc.save_model(
            path=str(target),
            python_model=str(SERVED),
            artifacts={"classifier": str(folder)},
            code_paths=[str(Path(ctc.__file__).parent)],
            pip_requirements=_requirements(),
            input_example=[_example()],
        )


def ask_logged(uri: str, jpeg: bytes) -> pd.DataFrame:
    """Load a model as anyone would, by its URI or folder, and ask it about one picture."""
    with _quiet():
        answer: pd.DataFrame = mlflow.pyfunc.load_model(uri).predict([jpeg])
    return answer


def find_model(uri: str, name: str = "classifier", offline: bool = False) -> Model:
    """Return the classifier behind a folder, models:/ or runs:/ URI, given as parameter `name`.

    Raises:
        BadInput: if the registry or the run does not have it, or may not be asked: `offline`.
    """
    if not uri.startswith(("models:/", "runs:/")):
        if storage.is_s3(uri):
            raise BadInput(f"{name}: found '{uri}'; allowed: a folder, models:/ or runs:/ URI")
        return Model(storage.local_path(uri), uri, uri, None, None)
    if offline:
        raise BadInput(f"{name}: '{uri}' is at the tracking server; with offline=yes give a folder")
    try:
        resolved = _resolved(uri)
        info = mlflow.models.get_model_info(resolved)
        with _quiet():
            path = mlflow.artifacts.download_artifacts(resolved)
    except MlflowException as error:
        raise BadInput(f"no model at '{uri}': {why_not(error)}") from error
    return Model(Path(path) / _place(info, uri), uri, resolved, info.model_id, info.run_id)


def find_description(uri: str, file: str) -> Model:
    """Return a registered or logged classifier of which one file alone is fetched.

    Args:
        uri: models:/NAME/VERSION.
        file: its name; the classifier's network is large.

    Raises:
        BadInput: if the registry does not have it.
    """
    try:
        info = mlflow.models.get_model_info(uri)
        with _quiet():
            path = mlflow.artifacts.download_artifacts(f"{uri}/{_place(info, uri)}/{file}")
    except MlflowException as error:
        raise BadInput(f"no model at '{uri}': {why_not(error)}") from error
    return Model(Path(path).parent, uri, uri, info.model_id, info.run_id)


def _place(info: Any, uri: str) -> str:
    artifacts = info.flavors.get("python_function", {}).get("artifacts", {})
    if "classifier" not in artifacts:
        raise BadInput(f"the model at '{uri}' is no classifier of ctc")
    return str(artifacts["classifier"]["path"])


def _resolved(uri: str) -> str:
    """Replace an alias by the version it points to now."""
    name, at, alias = uri.removeprefix("models:/").partition("@")
    if not uri.startswith("models:/") or not at:
        return uri
    found = mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    return f"models:/{name}/{found.version}"


def _example() -> bytes:
    """Return a grey JPEG: what a camera saw has no business in a model that is handed on."""
    target = io.BytesIO()
    Image.new("RGB", (64, 48), "grey").save(target, "JPEG")
    return target.getvalue()


def _requirements() -> list[str]:
    return [*(f"{name}=={version(name)}" for name in NEEDS), _tensorflow()]


def _tensorflow() -> str:
    for name in TENSORFLOW:
        try:
            return f"{name}=={version(name)}"
        except PackageNotFoundError:
            continue
    raise BadInput("TensorFlow is not installed; `pip install '.[cpu]'` or `'.[gpu]'`")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's remarks on how a model is packed from the user, who cannot act on them."""
    # Some functions of MLflow's filter warnings anew, so that what they show is caught too.
    with warnings.catch_warnings(record=True):
        warnings.filterwarnings("ignore", module=r"mlflow\.")
        yield
