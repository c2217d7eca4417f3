"""What a version is described from."""

from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException

from ctc.errors import BadInput
from ctc.provenance import Training
from ctc.tracking.resuming import Former, find_run
from ctc.tracking.run import COMMIT

LONGEST = 5000  # characters: MLflow's tables have no room for more
MAKE_MODELS = ("train", "cascade")  # steps


def training_record(run_id: str | None) -> Training | None:
    """Return what is known of a training; None if this server does not have its run."""
    for step in MAKE_MODELS:
        with suppress(BadInput, MlflowException):
            if run_id is not None:
                return _training(step, find_run(run_id, step))
    return None


def _training(step: str, former: Former) -> Training:
    run_id = former.run_id
    run = mlflow.get_run(run_id)
    return Training(
        step=step,
        run_id=run_id,
        date=datetime.fromtimestamp(run.info.start_time / 1000, UTC).strftime("%Y-%m-%d"),
        params=former.params,
        counts=_class_counts(run_id),
        commit=run.data.tags.get(COMMIT),
        version=run.data.tags.get("ctc_version"),
    )


def _class_counts(run_id: str) -> pd.DataFrame | None:
    with suppress(MlflowException, OSError):
        text = mlflow.artifacts.load_text(f"runs:/{run_id}/class_counts.csv")
        texts = {"label": str, "class": str}  # a class may be called 1, or NA
        return pd.read_csv(StringIO(text), dtype=texts, keep_default_na=False)
    return None


def is_version(uri: str) -> bool:
    """Tell whether a resolved URI is models:/NAME/VERSION."""
    name, _, version = uri.removeprefix("models:/").rpartition("/")
    return uri.startswith("models:/") and bool(name) and version.isdigit()
