"""What a classifier has learnt from, in a few figures that new pictures can be compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """Classes and brightness of what was learnt from.

    Attributes:
        classes: captures of each class of each label, each capture counted once.
        pictures: how many pictures were looked at for their brightness.
        deciles: of the mean brightness of these, 0..255, as the network sees them: the nine values
            between which a tenth of the pictures lies each.
    """

    classes: Mapping[str, Mapping[str, int]]
    pictures: int
    deciles: tuple[float, ...]


def read_seen(about: Mapping[str, Any]) -> Seen:
    """Read what `dataclasses.asdict` made of it and JSON kept.

    Raises:
        KeyError, TypeError, ValueError: if it is something else.
    """
    classes = {label: dict(counts) for label, counts in about["classes"].items()}
    return Seen(classes, int(about["pictures"]), tuple(float(one) for one in about["deciles"]))
