"""Labels: the questions a classifier answers, their classes, and what "missing" is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ctc.errors import BadInput

MISSING = -1  # index of a class that is not known: weight 0 in loss and metrics

# The name is a part of a metric's name (MLflow) and of a layer's (Keras, TensorFlow).
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Label:
    """A question and its possible answers.

    Attributes:
        name: such as `species`; also the name of the network's head.
        classes: the answers; the order is the index of a class.
        merged: other values that captures have, with the class that each counts as.
    """

    name: str
    classes: tuple[str, ...]
    merged: Mapping[str, str] = field(default_factory=dict, hash=False)

    def meant(self, value: str) -> str:
        """Return the class that a value counts as: itself, unless it is merged."""
        return self.merged.get(value, value)

    def index(self, value: str | None) -> int:
        """Return the index of a value's class, or `MISSING` for None and for classes not known."""
        meant = None if value is None else self.meant(value)
        return self.classes.index(meant) if meant in self.classes else MISSING


def check_names(names: Iterable[str], remedy: str = "rename the column") -> None:
    """Refuse names that cannot be a label.

    Args:
        names: of labels.
        remedy: what to do about one that is refused.

    Raises:
        BadInput: for a name that MLflow or Keras would refuse later.
    """
    for name in names:
        if not NAME.fullmatch(name):
            raise BadInput(
                f"label '{name}': a label's name starts with a letter or digit and holds "
                f"letters, digits, '_', '-' and '.' only; {remedy}"
            )


def chosen(asked: Sequence[str], present: Sequence[str]) -> tuple[str, ...]:
    """Return the labels asked for, in the order asked; `all` means every one present.

    Raises:
        BadInput: for a label that is not present, with those that are.
    """
    if tuple(asked) == ("all",):
        return tuple(present)
    unknown = [name for name in asked if name not in present]
    if unknown:
        raise BadInput(f"unknown label '{unknown[0]}'; the dataset has: {', '.join(present)}")
    if not asked:
        raise BadInput(f"no label given; the dataset has: {', '.join(present)}")
    return tuple(dict.fromkeys(asked))
