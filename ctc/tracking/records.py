"""What evaluations have found of a logged model, as the tracking server keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass

import mlflow
import pandas as pd
from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException


@dataclass(frozen=True)
class Evaluated:
    """An evaluation of a logged model.

    Attributes:
        run_id: of the run that judged it.
        dataset: digest of the dataset that it was judged on.
        params: of the run.
        metrics: what was found.
        classes: the run's table `classes`.
    """

    run_id: str
    dataset: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    classes: pd.DataFrame


def evaluations_of(model_id: str) -> list[Evaluated]:
    """Return the evaluations of a logged model, the latest first.

    A run that was deleted, or that has no table of classes, is none.
    """
    found: dict[tuple[str, str], dict[str, float]] = {}
    points = mlflow.MlflowClient().get_logged_model(model_id).metrics or []
    for one in sorted(points, key=lambda point: point.timestamp, reverse=True):
        if one.dataset_digest and one.run_id:
            found.setdefault((one.run_id, one.dataset_digest), {}).setdefault(one.key, one.value)
    every = (_evaluated(run_id, digest, of) for (run_id, digest), of in found.items())
    return [one for one in every if one is not None]


def _evaluated(run_id: str, dataset: str, metrics: Mapping[str, float]) -> Evaluated | None:
    try:
        run = mlflow.get_run(run_id)
        table = mlflow.artifacts.load_dict(f"runs:/{run_id}/classes.json")
    except (MlflowException, OSError):
        return None
    if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
        return None
    classes = pd.DataFrame(table["data"], columns=table["columns"])
    return Evaluated(run_id, dataset, run.data.params, metrics, classes)
