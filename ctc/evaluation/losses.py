"""Losses: classes that a candidate recognises less often than the champion."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ctc.evaluation.record import Record

# With fewer captures lost than this, no test tells a drop from chance. Of two models that are
# equally good, either is as likely to miss a capture on which they differ: one of them misses all
# of 4 with probability 1/16, all of 5 with 1/32 (sign test; McNemar 1947, doi 10.1007/BF02295996).
FEWEST_LOST = 5
ROUNDING = 1e-9  # what differs by less is the same


@dataclass(frozen=True)
class _Recall:
    """A row of the table of recalls."""

    label: str
    name: str
    captures: int
    candidate: float
    champion: float
    drop: float
    lost: int

    def __str__(self) -> str:
        """Say what falls, from where to where."""
        return (
            f"{self.label} '{self.name}': recall falls by {self.drop:.3f}, from {self.champion:.3f}"
            f" to {self.candidate:.3f} ({self.lost} of {self.captures} captures)"
        )


@dataclass(frozen=True)
class Losses:
    """What a candidate recognises less often than the champion.

    Attributes:
        candidate, champion: what was found of them on the same captures.
        recalls: see `ctc.evaluation.record.recall_table`.
        max_class_drop: by how much the recall of a class may fall, 0..1.
    """

    candidate: Record
    champion: Record
    recalls: pd.DataFrame
    max_class_drop: float

    def certain(self) -> Iterator[str]:
        """Yield a sentence a class that would be lost.

        Of a class that the candidate does not know, every capture that the champion recognises is
        lost, whatever their number; of one that both know, as many as chance does not explain.
        """
        answered = {label.name for label in self.candidate.labels}
        yield from self._labels(answered)
        for one in self._falls():
            if one.label not in answered:
                continue
            if not self.candidate.knows(one.label, one.name):
                yield f"{one}; the candidate does not know this class"
            elif one.lost >= FEWEST_LOST:
                yield f"{one}; max_class_drop is {self.max_class_drop:g}"
        for label, names in self._unmeasured():
            gone = [name for name in names if not self.candidate.knows(label, name)]
            if gone and label in answered and self.max_class_drop < 1:
                yield (
                    f"{label}: the candidate does not know {_listed(gone)}, and there is no "
                    "capture to say how much that loses"
                )

    def unsure(self) -> Iterator[str]:
        """Yield a sentence for each thing that cannot be told, and for what is new."""
        for one in self._falls():
            if self.candidate.knows(one.label, one.name) and one.lost < FEWEST_LOST:
                yield f"{one}; too few captures to tell this from chance"
        for label, names in self._unmeasured():
            kept = [name for name in names if self.candidate.knows(label, name)]
            if kept:
                what = f"{label}: no capture of {_listed(kept)}"
                yield f"{what}, so whether that is lost is not known"
        for asked in self.candidate.labels:
            new = [name for name in asked.classes if not self.champion.knows(asked.name, name)]
            if new:
                yield f"{asked.name}: the champion does not know {_listed(new)}"

    def _labels(self, answered: set[str]) -> Iterator[str]:
        """Yield a sentence a label that the candidate does not answer: all its classes are lost."""
        for label in self.champion.labels:
            measured = self.recalls[self.recalls["label"] == label.name]["champion"]
            fall = measured.max() if len(measured) else 1.0
            if label.name not in answered and fall > self.max_class_drop + ROUNDING:
                yield (
                    f"{label.name}: the candidate does not answer this label, of which the "
                    f"champion knows {len(label.classes)} classes"
                )

    def _falls(self) -> Iterator[_Recall]:
        """Yield the classes whose recall falls by more than is allowed."""
        rows = (_Recall(*row) for row in self.recalls.itertuples(index=False))
        return (one for one in rows if one.drop > self.max_class_drop + ROUNDING)

    def _unmeasured(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each label of the champion with its classes of which there is no capture."""
        measured = {*zip(self.recalls["label"], self.recalls["class"], strict=True)}
        for label in self.champion.labels:
            names = [name for name in label.classes if (label.name, name) not in measured]
            if names:
                yield label.name, names


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
