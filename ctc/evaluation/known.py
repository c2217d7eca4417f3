"""Answers to one label whose truth is known, as arrays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctc.prediction.predictions import Prediction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """N answers to one label, of captures or of single pictures, whose truth is known.

    Attributes:
        label: its name.
        classes: C names, sorted: those that the classifier answers with, and those that are true.
        answerable: [C], whether the classifier knows the class.
        truth, said: [N], places in `classes`.
        probabilities: [N, C]; 0 for a class that the classifier does not know.
        accepted: [N], whether the answer may stand unseen; None where that is not decided.
        capture_ids: N names; the pictures of a capture have the same.
        images: [N], number of pictures that were used.
        metadata: what is known of each of the N.
        failed: how many have a known truth and no answer; they are not among the N.
    """

    label: str
    classes: tuple[str, ...]
    answerable: NDArray[np.bool_]
    truth: Ints
    said: Ints
    probabilities: Floats
    accepted: NDArray[np.bool_] | None
    capture_ids: tuple[str, ...]
    images: Ints
    metadata: tuple[Mapping[str, str], ...]
    failed: int

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def right(self) -> NDArray[np.bool_]:
        """[N], whether the answer is the truth."""
        return np.asarray(self.truth == self.said)

    @property
    def confidence(self) -> Floats:
        """[N], the probability of the answer."""
        return np.asarray(self.probabilities[np.arange(len(self)), self.said])

    @property
    def locations(self) -> tuple[str | None, ...]:
        """Where each was taken, where that is known."""
        return tuple(about.get("location") for about in self.metadata)

    def at(self, chosen: NDArray[np.bool_]) -> "Known":
        """Return some of the N; which are given by [N] truth values. None of them has failed."""
        places = np.flatnonzero(chosen)
        return Known(
            label=self.label,
            classes=self.classes,
            answerable=self.answerable,
            truth=self.truth[places],
            said=self.said[places],
            probabilities=self.probabilities[places],
            accepted=None if self.accepted is None else self.accepted[places],
            capture_ids=tuple(self.capture_ids[place] for place in places),
            images=self.images[places],
            metadata=tuple(self.metadata[place] for place in places),
            failed=0,
        )


def known_answers(label: str, rows: Iterable[Prediction]) -> Known:
    """Gather the rows of one label whose truth is known; they may come one after the other.

    A class that is true of some and that the classifier does not know has probability 0.
    """
    gathered = [row for row in rows if row.truth is not None]
    answered = [row for row in gathered if row.prediction is not None]
    names = list(answered[0].probabilities) if answered else []
    classes = tuple(sorted({*names, *(str(row.truth) for row in answered)}))
    place = {name: number for number, name in enumerate(classes)}
    decided = [row.accepted for row in answered if row.accepted is not None]
    return Known(
        label=label,
        classes=classes,
        answerable=np.array([name in names for name in classes], bool),
        truth=np.array([place[str(row.truth)] for row in answered], np.int64),
        said=np.array([place[str(row.prediction)] for row in answered], np.int64),
        probabilities=_matrix(answered, [place[name] for name in names], len(classes)),
        accepted=np.array(decided, bool) if answered and len(decided) == len(answered) else None,
        capture_ids=tuple(row.capture_id for row in answered),
        images=np.array([row.images for row in answered], np.int64),
        metadata=tuple(_about(row) for row in answered),
        failed=len(gathered) - len(answered),
    )


def _matrix(rows: list[Prediction], places: list[int], classes: int) -> Floats:
    matrix = np.zeros((len(rows), classes))
    if rows:
        matrix[:, places] = [list(row.probabilities.values()) for row in rows]
    return matrix


def _about(row: Prediction) -> Mapping[str, str]:
    return {**row.metadata, **({"location": row.location} if row.location is not None else {})}
