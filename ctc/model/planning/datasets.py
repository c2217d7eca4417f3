"""What a training reads of several datasets, and what of that a person should know."""

from ctc.dataset.leakage.between import twins_between
from ctc.dataset.mixture import Mixture, Part
from ctc.errors import BadInput
from ctc.inventory.summary import worded


def check_shown(mixture: Mixture, train: tuple[str, ...]) -> None:
    """Refuse a weight so small that nothing of a dataset is shown.

    Raises:
        BadInput: naming the dataset.
    """
    for part in mixture.parts:
        if part.shown(train) == 0:
            raise BadInput(
                f"dataset: {part.weight:g} times the {part.captures(train)} captures of "
                f"{', '.join(train)} of '{part.dataset.uri}' are none an epoch; give it more"
            )


def dataset_remarks(
    mixture: Mixture, train: tuple[str, ...], val: tuple[str, ...]
) -> tuple[str, ...]:
    """Say what is shown of each dataset, and what stands between them, a sentence each."""
    if len(mixture.parts) == 1 and mixture.parts[0].weight == 1:
        return ()
    shown = tuple(_shown(part, train) for part in mixture.parts)
    without = [f"'{part.dataset.uri}'" for part in mixture.parts if not part.captures(val)]
    lacking = (
        f"the best epoch is chosen without {', '.join(without)}: it has no split {', '.join(val)}",
    )
    return (*shown, *(lacking if without else ()), *twins_between(mixture, train))


def _shown(part: Part, train: tuple[str, ...]) -> str:
    which = f"{part.shown(train):,} of " if part.weight < 1 else ""
    times = f" {part.weight:g} times" if part.weight > 1 else ""
    captures = worded(part.captures(train))
    return f"an epoch shows{times} {which}{captures} of '{part.dataset.uri}'"
