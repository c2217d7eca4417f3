"""Entry point `benchmark`: measure a part of the line beside the plainest way to do the same."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ctc.params import BenchmarkParams
from entrypoints.command import step_command
from entrypoints.going_on import fit

if TYPE_CHECKING:
    import pandas as pd

    from ctc.model.planning.training_plan import TrainingPlan


def run(params: BenchmarkParams, nested: bool = False) -> None:
    """Measure, log the table and its figures, and say on what machine they were taken."""
    from ctc.benchmark.measuring import machine
    from ctc.tracking import tracked_run

    with tracked_run("benchmark", params, nested, name=f"benchmark {params.part}") as tracked:
        tracked.tags(**machine())
        table = _measured(params)
        tracked.table(table, "benchmark")
        tracked.csv(table, "benchmark")
        tracked.metrics(_metrics(table))
    print(f"benchmark: {params.part}, {', '.join(machine().values())}")
    print(table.to_string(index=False))


def _measured(params: BenchmarkParams) -> "pd.DataFrame":
    if params.part == "inventory":
        from ctc.benchmark.inventory import benchmark_inventory

        return benchmark_inventory(params)
    if params.part == "input":
        from ctc.benchmark.input import benchmark_input

        return benchmark_input(params)
    if params.part == "train":
        from ctc.benchmark.train import benchmark_train

        return benchmark_train(params, fit_as_train_does)
    if params.part == "predict":
        from ctc.benchmark.predict import benchmark_predict

        return benchmark_predict(params)
    from ctc.benchmark.dataset import benchmark_dataset

    return benchmark_dataset(params)


def fit_as_train_does(plan: "TrainingPlan", folder: Path, after_epoch: Callable[[], None]) -> None:
    """Fit as `train` does, in a run of its own, which is in a store below the folder.

    Whatever else `train` does, before the first step and after the last, is left out.
    """
    from ctc.model.resuming.folder import held, working_folder
    from ctc.tracking import log_below, tracked_run

    log_below(folder)
    with (
        held(working_folder(Path(plan.params.output))),
        tracked_run("train", plan.params) as tracked,
    ):
        fit(tracked, plan, state=None, after_epoch=after_epoch)


def _metrics(table: "pd.DataFrame") -> dict[str, float]:
    """Name each figure `<what was measured>/<figure>`; what does not apply to it is left out."""
    rows = table.to_dict("records")
    return {
        f"{row['what']}/{name}": float(value)
        for row in rows
        for name, value in row.items()
        if name != "what" and value == value  # NaN is not itself
    }


@step_command(BenchmarkParams)
def main(params: BenchmarkParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
