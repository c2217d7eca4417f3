"""What stands on both sides of a split: captures whose twin a model may have seen in training."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ctc.dataset.leakage.compared import NEEDED, Compared
from ctc.inventory.captures import UNKNOWN, Codes, Mask

# What two captures have in common, and how that is said.
KINDS = {
    "location": "are at a location that {other} has too: figures will be better than for cameras "
    "never seen",
    "burst": "were taken within {seconds:g} seconds of one of {other} at the same location",
    "near_duplicate": "have a picture that looks like one of {other}",
    "duplicate": "have a picture that is in {other} too, byte by byte",
    "capture": "are in {other} too, under the same id",
}
# How it is said what captures lack that are not judged.
LACKING = {
    "location": "their location is not known",
    "time": "they have no time that can be read",
    "picture": "their pictures show too little",
}
TRAINING = "train"  # the names of splits that are learnt from begin with it


@dataclass(frozen=True)
class Leak:
    """Captures of one split that have a twin in another one.

    Attributes:
        kind: what they have in common, a key of `KINDS`.
        split: where the captures are.
        other: where their twins are.
        captures: how many have a twin.
        share: of the captures of the split, 0 to 1; NaN if none of them could be judged.
        not_judged: captures of the split of which too little is known to tell.
        example: one of them and its twin; empty where there is none.
    """

    kind: str
    split: str
    other: str
    captures: int
    share: float
    not_judged: int
    example: str


COLUMNS = tuple(Leak.__annotations__)


@dataclass(frozen=True)
class LeakageReport:
    """The leaks of each kind, those without a twin included.

    Attributes:
        pairs: of every ordered pair of splits.
        from_training: of each other split, with twins in any split that is learnt from.
        captures: how many have a twin in any other split, per kind; splits that are learnt from
            count as one.
        lacking: of how many captures something is not known, by a key of `LACKING`.
        seconds: how close in time the captures of a burst are.
    """

    pairs: tuple[Leak, ...]
    from_training: tuple[Leak, ...]
    captures: dict[str, int]
    lacking: dict[str, int]
    seconds: float

    def table(self) -> pd.DataFrame:
        """Return a row a kind and ordered pair of splits; the columns are those of `Leak`."""
        return pd.DataFrame([astuple(leak) for leak in self.pairs], columns=COLUMNS)

    def metrics(self) -> dict[str, float]:
        """Return `leakage/<kind>_captures` and `<split>/leakage_<kind>_share`.

        The share is that of the captures with a twin in a split that is learnt from; there is
        none where no capture could be judged.
        """
        counts = {f"leakage/{kind}_captures": float(n) for kind, n in self.captures.items()}
        judged = (leak for leak in self.from_training if not math.isnan(leak.share))
        return counts | {f"{leak.split}/leakage_{leak.kind}_share": leak.share for leak in judged}

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say, a sentence a kind, what a user should know: of each split, the worst one first."""
        said = [*map(self._leaking, KINDS), *map(self._not_judged, NEEDED)]
        return tuple(filter(None, said))

    def _leaking(self, kind: str) -> str:
        leaks = self.from_training or self.pairs
        found = [leak for leak in leaks if leak.kind == kind and leak.captures]
        if not found:
            return ""
        found.sort(key=lambda leak: -leak.share)
        other = found[0].other  # one for all, if it is one that is learnt from
        shares = [(_percent(leak.share), leak.split) for leak in found if leak.other == other]
        (first, split), *rest = shares
        splits = [f"{first} of the captures of {split}", *(f"{n} of those of {s}" for n, s in rest)]
        return f"{_listed(splits)} {KINDS[kind].format(other=other, seconds=self.seconds)}"

    def _not_judged(self, kind: str) -> str:
        of_split = {leak.split: leak.not_judged for leak in self.pairs if leak.kind == kind}
        count = sum(of_split.values())
        if not count:
            return ""
        captures = "1 capture was" if count == 1 else f"{count:,} captures were"
        return f"{captures} not judged by {kind.replace('_', ' ')}, for {self._reasons(kind)}"

    def _reasons(self, kind: str) -> str:
        reasons = {LACKING[key]: self.lacking[key] for key in NEEDED[kind] if self.lacking[key]}
        if len(reasons) == 1:
            return next(iter(reasons))
        return " or ".join(f"{reason} ({count:,})" for reason, count in reasons.items())


def leakage(images: pa.Table, captures: pa.Table, burst_seconds: float) -> LeakageReport:
    """Look for captures that have a twin in another split.

    Twins have in common: the id (`capture`), the location, the location and nearly the time
    (`burst`), a picture byte by byte (`duplicate`), or a picture that looks the same
    (`near_duplicate`; among millions, a few of these may be missed).

    Args:
        images: a row a stored picture: `capture_id`, `split`, `content` and `perceptual` (see
            `ctc.pictures.fingerprints`).
        captures: a row a capture: `capture_id`, `split` and, where known, `location` and
            `timestamp`, as text. One without a stored picture is not in the dataset: it is left
            out.
        burst_seconds: captures of a location this close in time are of one burst.
    """
    compared = Compared.of(images, captures)
    found = [_Kind.of(compared, kind, burst_seconds) for kind in KINDS]
    return LeakageReport(
        pairs=tuple(leak for one in found for leak in one.pairs),
        from_training=tuple(leak for one in found for leak in one.from_training),
        captures={one.kind: one.captures for one in found},
        lacking={key: int(compared.lacks(key).sum()) for key in LACKING},
        seconds=burst_seconds,
    )


@dataclass(frozen=True)
class _Kind:
    """The leaks of one kind."""

    kind: str
    pairs: tuple[Leak, ...]
    from_training: tuple[Leak, ...]
    captures: int

    @classmethod
    def of(cls, compared: Compared, kind: str, seconds: float) -> "_Kind":
        """Look for twins in one split after the other; what is found of one is not kept."""
        counting = _Counting(compared, kind, compared.not_judged(kind))
        has_twin = np.zeros(len(compared.ids), np.bool_)
        learnt = np.full(len(compared.ids), UNKNOWN, np.int64)
        training = [name for name in compared.splits if name.startswith(TRAINING)]
        learning = np.isin(compared.split_of, [compared.splits.index(name) for name in training])
        pairs: list[Leak] = []
        for place, other in enumerate(compared.splits):
            twins = compared.twins(kind, place, seconds)
            pairs += counting.leaks(twins, other, skipping=(other,))
            has_twin |= (twins != UNKNOWN) & ~(learning & (other in training))
            if other in training:
                learnt = np.where(twins == UNKNOWN, learnt, twins)
        name = training[0] if len(training) == 1 else f"{TRAINING}*"
        from_training = counting.leaks(learnt, name, training) if training else ()
        return cls(kind, tuple(pairs), tuple(from_training), int(has_twin.sum()))


@dataclass(frozen=True)
class _Counting:
    """Turns the twins of captures into leaks."""

    compared: Compared
    kind: str
    not_judged: Mask

    def leaks(self, twins: Codes, other: str, skipping: Sequence[str]) -> Iterator[Leak]:
        for place, split in enumerate(self.compared.splits):
            if split not in skipping:
                yield self._leak(
                    np.flatnonzero(self.compared.split_of == place), twins, split, other
                )

    def _leak(self, rows: Codes, twins: Codes, split: str, other: str) -> Leak:
        found = rows[twins[rows] != UNKNOWN]
        not_judged = int(self.not_judged[rows].sum())
        share = len(found) / len(rows) if len(rows) > not_judged else math.nan
        example = self._example(int(found[0]), int(twins[found[0]])) if len(found) else ""
        return Leak(self.kind, split, other, len(found), share, not_judged, example)

    def _example(self, capture: int, twin: int) -> str:
        ids = self.compared.ids
        return f"{ids[capture].as_py()} ~ {ids[twin].as_py()}"


def _listed(parts: Sequence[str]) -> str:
    """Join parts by commas, the last two by "and"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.01 else "less than 1 %"
