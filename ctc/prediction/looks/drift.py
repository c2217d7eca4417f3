"""How far new pictures are from those that a classifier has learnt from.

The measure is the population stability index, the sum of (q - p) ln(q / p) over the classes, or
over the tenths of the brightness of the training pictures, where p is the share in training and q
the share now. By its rule of thumb, below 0.1 nothing has changed and above 0.25 much has (N.
Siddiqi, Credit Risk Scorecards, Wiley 2006; reviewed by du Pisanie et al. 2023, arXiv:2303.01227).
Of few pictures it is large by chance: without any change it is distributed as chi-square with a
degree less than there are classes, times the sum of 1 / number of both (B. Yurdakul, Statistical
Properties of Population Stability Index, Western Michigan University 2018). Only what exceeds that
too, as it does by chance once in twenty times, counts as large.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from ctc.model.seen import Seen
from ctc.prediction.meaning.allowed import Allowed

if TYPE_CHECKING:  # its import takes long
    import pandas as pd

LITTLE, LARGE = 0.1, 0.25
CHANCE = 0.95
BRIGHTNESS = "brightness"
NAMED = 3  # classes in a warning


@dataclass(frozen=True)
class Drift:
    """Shares of classes, or of tenths of brightness, in training and now.

    Attributes:
        of: a label, or "brightness".
        names: of the classes, or of the tenths.
        before: counts in training.
        now: counts of what was predicted, or seen.
    """

    of: str
    names: tuple[str, ...]
    before: tuple[float, ...]
    now: tuple[float, ...]

    @property
    def index(self) -> float:
        """The population stability index; 0 where nothing was seen.

        Half a capture is added to each count, for a class that was never seen has no logarithm.
        """
        if not sum(self.before) or not sum(self.now):
            return 0.0
        was, now = _shares(self.before), _shares(self.now)
        return float(((now - was) * np.log(now / was)).sum())

    @property
    def is_large(self) -> bool:
        """Whether it is large, and larger than chance makes it."""
        if not sum(self.before) or not sum(self.now):
            return False
        chance = chi2.ppf(CHANCE, len(self.names) - 1)
        by_chance = float(chance) * (1 / sum(self.before) + 1 / sum(self.now))
        return self.index > max(LARGE, by_chance)


def drifts(
    seen: Seen | None,
    predicted: Mapping[str, Mapping[str, int]],
    brightness: Sequence[int],
    allowed: Allowed,
) -> tuple[Drift, ...]:
    """Compare new pictures with those that were learnt from; nothing where these are not known.

    Args:
        seen: what was learnt from.
        predicted: captures of each class of each label, as they were answered.
        brightness: pictures in each tenth, see `tenth`.
        allowed: the classes that there can be, where not all can: of the others, which are never
            an answer, what was learnt from is not counted either.
    """
    if seen is None:
        return ()
    found = [_of_classes(label, _left(seen.classes[label], allowed.get(label)), counts)
             for label, counts in predicted.items() if label in seen.classes]  # fmt: skip
    if seen.deciles:
        names = tuple(_between(seen.deciles, place) for place in range(len(brightness)))
        before = (seen.pictures / len(brightness),) * len(brightness)
        found.append(Drift(BRIGHTNESS, names, before, tuple(brightness)))
    return tuple(found)


def tenth(brightness: float, seen: Seen) -> int:
    """Return in which tenth of the training pictures a brightness lies, from 0, the darkest."""
    return int(np.searchsorted(seen.deciles, brightness))


def drift_table(found: Sequence[Drift]) -> "pd.DataFrame":
    """Return a row a class or tenth: `of`, `class`, `share_in_training` and `share_now`."""
    import pandas as pd

    rows = [
        (one.of, name, was / max(sum(one.before), 1), now / max(sum(one.now), 1))
        for one in found
        for name, was, now in zip(one.names, one.before, one.now, strict=True)
    ]
    return pd.DataFrame(rows, columns=["of", "class", "share_in_training", "share_now"])


def warnings(found: Sequence[Drift]) -> Iterator[str]:
    """Yield a sentence on each large drift."""
    for one in found:
        if not one.is_large:
            continue
        measure = f"population stability index {one.index:.2f}, from {LARGE} on it is large"
        if one.of == BRIGHTNESS:
            yield (
                f"the pictures are {_how(one)} than those that were learnt from ({measure}): look "
                "at some answers before you trust them"
            )
        else:
            yield (
                f"the classes of '{one.of}' come in other shares than those that were learnt from "
                f"({measure}): {_changes(one)}; this is the place and the season, or wrong answers"
            )


def _of_classes(label: str, before: Mapping[str, int], now: Mapping[str, int]) -> Drift:
    names = tuple(dict.fromkeys((*before, *now)))
    was, found = ([counts.get(name, 0) for name in names] for counts in (before, now))
    return Drift(label, names, tuple(was), tuple(found))


def _left(before: Mapping[str, int], names: Sequence[str] | None) -> Mapping[str, int]:
    if names is None:
        return before
    return {name: count for name, count in before.items() if name in names}


def _shares(counts: Sequence[float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    more = np.asarray(counts, np.float64) + 0.5
    return np.asarray(more / more.sum())


def _between(deciles: Sequence[float], place: int) -> str:
    low = f"{deciles[place - 1]:.1f}" if place else "0"
    high = f"{deciles[place]:.1f}" if place < len(deciles) else "255"
    return f"{low} to {high}"


def _how(one: Drift) -> str:
    """Compare the mean tenths; of extremes at both ends, say that they differ."""
    places = np.arange(len(one.names))
    shift = (_shares(one.now) * places).sum() - (_shares(one.before) * places).sum()
    if abs(shift) < 1:
        return "darker and brighter"
    return "darker" if shift < 0 else "brighter"


def _changes(one: Drift) -> str:
    was, now = _shares(one.before), _shares(one.now)
    largest = np.argsort(-np.abs(now - was), kind="stable")[:NAMED]
    return ", ".join(
        f"{one.names[place]} {now[place]:.0%} (in training {was[place]:.0%})" for place in largest
    )
