"""What all answers come to, counted as they pass by: none of them is kept."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ctc.inventory.looks.private import private_classes
from ctc.inventory.merging.several import EMPTY_CLASSES
from ctc.labels import Label
from ctc.model.seen import Seen
from ctc.parameter import Words
from ctc.prediction.answers import NO_PICTURE, Answer
from ctc.prediction.looks.drift import Drift, drifts, tenth
from ctc.prediction.meaning.allowed import Allowed
from ctc.prediction.predictions import Prediction

if TYPE_CHECKING:  # its import takes long
    import pandas as pd

EMPTY = "empty"  # the label that says whether there is anything
SHOWN = 12  # pictures on a sheet
# A picture is not shown either where a private class is this likely.
MAY_BE_PRIVATE = 0.1


@dataclass(frozen=True, order=True)
class Shown:
    """A capture for a sheet, ordered by how much it belongs there.

    Attributes:
        rank: the higher, the more it belongs on the sheet.
        turn: the later a capture came, the lower: the first of equals are kept.
        image: the picture of it that says most, as the source names it.
        caption: what was said of it.
    """

    rank: float
    turn: int
    image: str = field(compare=False)
    caption: str = field(compare=False)


@dataclass
class Tally:
    """Counts, and the captures that sheets show.

    Attributes:
        labels: of the classifier, with all its classes.
        seen: what it has learnt from, if that is known.
        private: classes whose pictures are not shown.
        allowed: the classes that there can be, where not all can.
    """

    labels: tuple[Label, ...]
    seen: Seen | None = None
    private: Words = ()
    allowed: Allowed = field(default_factory=dict)
    captures: int = 0
    pictures: int = 0
    failed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    predicted: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    tops: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    brightness: list[int] = field(default_factory=list)
    surest: dict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    least_sure: dict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    decided: bool = False

    def __post_init__(self) -> None:
        self.brightness = [0] * (len(self.seen.deciles) + 1 if self.seen else 0)

    def add(self, answer: Answer, rows: Mapping[str, Prediction]) -> None:
        """Count a capture.

        Args:
            answer: what was said of its pictures.
            rows: what is said of it, by the name of the label.
        """
        self.captures += 1
        self.pictures += len(answer.images)
        self.failures.update(fault for fault in answer.faults if fault is not None)
        self.failures.update([] if answer.images else [NO_PICTURE])
        self.failed += not answer.seen
        if self.seen:
            for one in answer.brightness:
                if one is not None:
                    self.brightness[tenth(one, self.seen)] += 1
        for row in rows.values():
            self._add_row(row)
        meant = [row for row in rows.values() if row.probabilities and not _is_idle(row, rows)]
        for row in meant:
            self.tops[row.label][str(row.top)] += 1
        if not self._is_private(rows.values()):
            for row in meant:
                self._show(answer, row)

    def _add_row(self, row: Prediction) -> None:
        self.decided |= row.accepted is not None
        if row.prediction is not None:
            self.answered[row.label] += 1
            self.accepted[row.label] += bool(row.accepted)
            self.predicted[row.label, row.prediction, bool(row.accepted)] += 1

    def _is_private(self, rows: Iterable[Prediction]) -> bool:
        """Whether a capture is, or may well be, of a private class."""
        likely = (
            name
            for row in rows
            for name, share in row.probabilities.items()
            if share >= MAY_BE_PRIVATE or name == row.prediction
        )
        return bool(private_classes(likely, self.private))

    def _show(self, answer: Answer, row: Prediction) -> None:
        """Keep a capture for the sheets, if it is among the surest or the least sure so far."""
        sure = row.confidence or 0.0
        for sheet, rank in ((self.surest, sure), (self.least_sure, -sure)):
            kept = sheet[row.label]
            if len(kept) == SHOWN and kept[0].rank >= rank:
                continue
            caption = f"{row.prediction} {sure:.1%} · {row.capture_id}"
            one = Shown(rank, -self.captures, self._image(answer, row), caption)
            (heapq.heappush if len(kept) < SHOWN else heapq.heapreplace)(kept, one)

    def _image(self, answer: Answer, row: Prediction) -> str:
        """Return the picture that the most probable class is most probable in."""
        (label,) = (one for one in self.labels if one.name == row.label)
        said = answer.probabilities[row.label][:, label.classes.index(str(row.top))]
        return answer.images[answer.seen[int(np.argmax(said))]]

    @property
    def metrics(self) -> dict[str, float]:
        """Counts, and of each label the share of answered captures that is accepted."""
        shares = {
            f"{label}/accepted_share": self.accepted[label] / count
            for label, count in self.answered.items()
            if self.decided
        }
        unreadable = sum(self.failures.values()) - self.failures[NO_PICTURE]
        counts = {"captures": self.captures, "failed": self.failed}
        return counts | {"pictures": self.pictures, "pictures_failed": unreadable} | shares

    @property
    def drifts(self) -> tuple[Drift, ...]:
        """How far the pictures are from those that were learnt from."""
        return drifts(self.seen, self.tops, self.brightness, self.allowed)

    def failure_table(self) -> "pd.DataFrame":
        """Return a row a reason: how many pictures could not be read for it."""
        import pandas as pd

        return pd.DataFrame(self.failures.most_common(), columns=["failure", "pictures"])

    def class_table(self) -> "pd.DataFrame":
        """Return a row a label and class: how many captures were predicted to be it.

        And how many of them are `accepted`, where that is known.
        """
        import pandas as pd

        names = sorted({(label, name) for label, name, _ in self.predicted})
        count = self.predicted
        rows = [
            (*key, count[(*key, True)] + count[(*key, False)], count[(*key, True)]) for key in names
        ]
        table = pd.DataFrame(rows, columns=["label", "class", "captures", "accepted"])
        return table if self.decided else table.drop(columns="accepted")


def _is_idle(row: Prediction, rows: Mapping[str, Prediction]) -> bool:
    """Whether a row says what is seen in a capture of which another label says that it is empty.

    Of such captures no species is learnt, and what is answered is no more than a guess.
    """
    empty = rows.get(EMPTY)
    if empty is None or not empty.probabilities or row.probabilities.keys() & {*EMPTY_CLASSES}:
        return False
    return empty.top in EMPTY_CLASSES
