"""The points of a run's curves: each is there once, whatever is done again."""

from collections.abc import Mapping

import mlflow


def as_logged(
    run_id: str, metrics: Mapping[str, float], step: int, at: int
) -> tuple[dict[str, float], int]:
    """Return metrics as the run has them at a step, if it has, and the time of those points, in ms.

    MLflow keeps points of the same name, value, step and time once.

    Args:
        run_id: of the run.
        metrics: those that are to be logged.
        step: at which they stand.
        at: their time, in ms.
    """
    values, times = dict(metrics), [at]
    client = mlflow.MlflowClient()
    for name in metrics:
        for point in client.get_metric_history(run_id, name):
            if point.step == step:
                values[name], times = point.value, [*times, point.timestamp]
    return values, min(times)


def points_of(run_id: str) -> set[tuple[str, int]]:
    """Return name and step of every point that a run has, but for those of the machine."""
    client = mlflow.MlflowClient()
    names = [n for n in client.get_run(run_id).data.metrics if not n.startswith("system/")]
    return {
        (name, point.step) for name in names for point in client.get_metric_history(run_id, name)
    }
