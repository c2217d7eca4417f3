"""Entry point `promote`: give a registered version an alias that others load it by."""

from typing import TYPE_CHECKING

from ctc.params import PromoteParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    from ctc.tracking import Promotion


def run(params: PromoteParams, nested: bool = False) -> "Promotion":
    """Move the alias and log from which version to which."""
    from ctc.tracking import check_promotion, promote, tracked_run

    check_promotion(params.name, params.version, params.alias)
    with tracked_run("promote", params, nested) as tracked:
        promotion = promote(params.name, params.version, params.alias)
        tracked.resolved(version=promotion.version, previous=promotion.previous)
    print(f"promote: models:/{params.name}@{params.alias} is version {promotion.version}")
    if promotion.previous:
        print(f"  it was version {promotion.previous} before")
    return promotion


@step_command(PromoteParams)
def main(params: PromoteParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
