"""Entry point `inventory`: read a table, or folders, of captures into one checked inventory."""

from typing import TYPE_CHECKING

from ctc.params import InventoryParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    from ctc.inventory.table import Inventory


def run(params: InventoryParams, nested: bool = False) -> None:
    """Read the source, write the inventory, log what is in it and what was noticed."""
    from ctc.inventory.findings import summary_table
    from ctc.inventory.sources import take_inventory
    from ctc.tracking import Input, tracked_run

    inventory = take_inventory(params)
    with tracked_run("inventory", params, nested) as tracked:
        inventory.write(params.output)
        tracked.input(Input(params.output, "inventory", inventory.digest), "written")
        tracked.resolved(labels=inventory.labels, metadata=inventory.metadata)
        tracked.metrics(inventory.counts)
        tracked.table(inventory.class_table(), "classes")
        tracked.table(summary_table(inventory.findings), "findings")
    print(_summary(inventory, params.output))


def _summary(inventory: "Inventory", output: str) -> str:
    counts = ", ".join(f"{count} {what}" for what, count in inventory.counts.items())
    findings = "".join(
        f"\n  note: {one.count} {one.what}, such as {one.example}" for one in inventory.findings
    )
    labels = ", ".join(inventory.labels)
    return f"inventory: {counts}; labels: {labels}; written to {output}{findings}"


@step_command(InventoryParams)
def main(params: InventoryParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
