"""Entry point `dataset`: write an inventory's pictures and labels into TFRecord shards."""

from typing import TYPE_CHECKING

from ctc.params import DatasetParams
from entrypoints.command import findings_as_notes, step_command

if TYPE_CHECKING:
    from ctc.dataset.leakage.report import LeakageReport
    from ctc.dataset.manifest import Dataset
    from ctc.dataset.planning import Plan
    from ctc.tracking import Run


def run(params: DatasetParams, nested: bool = False) -> tuple[str, ...]:
    """Write the shards; log their manifest, what was left out, counts; return what leaks."""
    from ctc.dataset.leakage.report import leakage
    from ctc.dataset.outputs import check_output
    from ctc.dataset.planning import plan_dataset
    from ctc.dataset.writing import write_dataset
    from ctc.inventory.table import Inventory
    from ctc.tracking import Input, tracked_run

    inventory = Inventory.read(params.inventory)
    plan = plan_dataset(inventory, params)
    check_output(params.output)
    with tracked_run("dataset", params, nested) as tracked:
        tracked.input(Input(params.inventory, "inventory", inventory.digest), "read")
        tracked.resolved(split_by=plan.splitting.split_by, group_by=plan.splitting.group_by)
        dataset = write_dataset(plan, params.output)
        tracked.input(Input(params.output, "dataset", dataset.digest), "written")
        leaks = leakage(dataset.images(), plan.captures, params.burst_seconds)
        _show(tracked, dataset, plan, leaks)
    print(_summary(dataset, plan, leaks))
    return leaks.sentences


def _show(tracked: "Run", dataset: "Dataset", plan: "Plan", leaks: "LeakageReport") -> None:
    from ctc.dataset.sheets import sheets_of_dataset
    from ctc.inventory.findings import case_table

    tracked.metrics({f"{split}/captures": n for split, n in dataset.splits.items()})
    tracked.metrics(dataset.skipped_counts | leaks.metrics())
    tracked.table(dataset.class_table(), "classes")
    tracked.table(leaks.table(), "leakage")
    tracked.csv(case_table(plan.findings), "findings")
    for document in dataset.documents:
        tracked.file(document)
    for label, sheet in sheets_of_dataset(dataset, plan.params.private).items():
        tracked.image(sheet, f"sheets/{label}")


def _summary(dataset: "Dataset", plan: "Plan", leaks: "LeakageReport") -> str:
    splits = ", ".join(f"{split} {captures}" for split, captures in dataset.splits.items())
    skipped = [
        f"skipped: {count} x {reason} (see skipped.csv)"
        for reason, count in dataset.skipped.items()
    ]
    notes = [f"note: {note}" for note in (*dataset.notes, plan.splitting.sentence)]
    lines = [*notes, *skipped, *findings_as_notes(plan.findings)]
    lines += [f"leakage: {sentence}" for sentence in leaks.sentences]
    below = "".join(f"\n  {line}" for line in lines)
    return f"dataset: captures: {splits}; written to {dataset.uri}{below}"


@step_command(DatasetParams)
def main(params: DatasetParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
