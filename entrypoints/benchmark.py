"""Entry point `benchmark`: measure a part of the line beside the plainest way to do the same."""

from typing import TYPE_CHECKING

from ctc.params import BenchmarkParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    import pandas as pd


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
    from ctc.benchmark.dataset import benchmark_dataset

    return benchmark_dataset(params)


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
