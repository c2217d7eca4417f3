"""Entry point `dataset`: write an inventory's pictures and labels into TFRecord shards."""

from typing import TYPE_CHECKING

from ctc.params import DatasetParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    from ctc.dataset.manifest import Dataset


def run(params: DatasetParams, nested: bool = False) -> None:
    """Write the shards, log their manifest, what was skipped and the counts."""
    from ctc.dataset.planning import plan_dataset
    from ctc.dataset.writing import check_output, write_dataset
    from ctc.inventory.table import Inventory
    from ctc.tracking import Input, tracked_run

    inventory = Inventory.read(params.inventory)
    plan = plan_dataset(inventory, params)
    check_output(params.output)
    with tracked_run("dataset", params, nested) as tracked:
        tracked.input(Input(params.inventory, "inventory", inventory.digest), "read")
        dataset = write_dataset(plan, params.output)
        tracked.input(Input(params.output, "dataset", dataset.digest), "written")
        tracked.metrics({f"{split}/captures": n for split, n in dataset.splits.items()})
        shared = len(dataset.shared_locations)
        tracked.metrics({"skipped": sum(dataset.skipped.values()), "shared_locations": shared})
        tracked.table(dataset.class_table(), "classes")
        for document in dataset.documents:
            tracked.file(document)
    print(_summary(dataset))


def _summary(dataset: "Dataset") -> str:
    splits = ", ".join(f"{split} {captures}" for split, captures in dataset.splits.items())
    skipped = "".join(
        f"\n  skipped: {count} x {reason} (see skipped.csv)"
        for reason, count in dataset.skipped.items()
    )
    shared = "".join(
        f"\n  note: location {name} is in several splits, one of {len(dataset.shared_locations)}: "
        "figures will be better than for cameras never seen"
        for name in dataset.shared_locations[:1]
    )
    return f"dataset: captures: {splits}; written to {dataset.uri}{skipped}{shared}"


@step_command(DatasetParams)
def main(params: DatasetParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
