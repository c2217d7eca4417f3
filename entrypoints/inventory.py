"""Entry point `inventory`: read a table, a package or folders of captures into one inventory."""

from typing import TYPE_CHECKING

from ctc.params import InventoryParams
from entrypoints.command import findings_as_notes, step_command

if TYPE_CHECKING:
    from ctc.inventory.table import Inventory
    from ctc.tracking import Run


def run(params: InventoryParams, nested: bool = False) -> None:
    """Read the source, write the inventory, log what is in it and what was noticed."""
    from ctc.inventory.checks.pictures import look_at_pictures
    from ctc.inventory.checks.times import look_at_times
    from ctc.inventory.sources import take_inventory
    from ctc.inventory.table import check_output
    from ctc.tracking import Input, tracked_run

    check_output(params.output)
    inventory = take_inventory(params)
    with tracked_run("inventory", params, nested) as tracked:
        inventory = look_at_pictures(look_at_times(inventory), params)
        inventory.write(params.output)
        tracked.input(Input(params.output, "inventory", inventory.digest), "written")
        tracked.resolved(labels=inventory.labels, metadata=inventory.metadata)
        tracked.metrics(inventory.counts)
        _show(tracked, inventory, params)
    print(_summary(inventory, params.output))


def _show(tracked: "Run", inventory: "Inventory", params: InventoryParams) -> None:
    from ctc.inventory.findings import case_table, summary_table
    from ctc.inventory.looks.plots import class_plot, location_plot
    from ctc.inventory.looks.sheets import sheets_of_inventory
    from ctc.inventory.summary import class_table, location_table

    classes, locations = class_table(inventory), location_table(inventory)
    tracked.table(classes, "classes")
    for label, of_label in classes.groupby("label", sort=False):
        tracked.figure(class_plot(of_label, str(label)), f"plots/classes_{label}")
    if len(locations):
        tracked.table(locations, "locations")
        tracked.figure(location_plot(locations), "plots/locations")
    tracked.table(summary_table(inventory.findings), "findings")
    tracked.csv(case_table(inventory.findings), "findings")
    if params.check != "none":  # no picture is to be looked at
        for label, sheet in sheets_of_inventory(inventory, params.private).items():
            tracked.image(sheet, f"sheets/{label}")


def _summary(inventory: "Inventory", output: str) -> str:
    counts = ", ".join(f"{count} {what}" for what, count in inventory.counts.items())
    labels = ", ".join(inventory.labels)
    findings = "".join(f"\n  {line}" for line in findings_as_notes(inventory.findings))
    return f"inventory: {counts}; labels: {labels}; written to {output}{findings}"


@step_command(InventoryParams)
def main(params: InventoryParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
