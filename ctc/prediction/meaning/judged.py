"""What becomes of an answer: one row a label, of the classes that there can be, rolled up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.prediction.answers import Answer, capture_row, picture_rows
from ctc.prediction.meaning.allowed import Allowed, limited
from ctc.prediction.meaning.taxonomy import Taxonomy
from ctc.prediction.photos.survey import Survey
from ctc.prediction.predictions import Prediction


@dataclass(frozen=True)
class Asked:
    """What is known of all answers: who was asked, and how its answers are taken.

    Attributes:
        labels: of the classifier.
        aggregate: how the pictures of a capture are combined.
        calibration: of the classifier, if it has one.
        model: where the classifier was found, with its version, such as models:/species/3.
        root: what relative names of pictures start from.
        metadata: names of what is known of captures, such as location.
        allowed: the classes that there can be; see `read_allowed`.
        taxonomy: groups to roll up to, or None.
        rollup_confidence: what makes a class or a group sure; None: the accepted confidence.
        private: classes whose pictures are not laid out.
        link: whether pictures are laid out as links, not as copies.
        survey: where and when cameras stood, where that was asked for.
    """

    labels: tuple[Label, ...]
    aggregate: str
    calibration: Calibration | None = None
    model: str = ""
    root: str = ""
    metadata: tuple[str, ...] = ()
    allowed: Allowed = field(default_factory=dict)
    taxonomy: Taxonomy | None = None
    rollup_confidence: float | None = None
    private: tuple[str, ...] = ()
    link: bool = True
    survey: Survey | None = None

    @property
    def accepts(self) -> bool:
        """Whether it is known of answers if they are accepted."""
        return self.calibration is not None and self.calibration.aggregate == self.aggregate

    @cached_property
    def grouped(self) -> frozenset[str]:
        """The labels of which some class belongs to a group."""
        taxonomy = self.taxonomy
        return frozenset(one.name for one in self.labels if taxonomy and taxonomy.covers(one))

    def left(self, label: Label) -> Label:
        """Return a label with the classes that there can be."""
        return replace(label, classes=self.allowed.get(label.name, label.classes))

    def sure_from(self, label: Label) -> float | None:
        """Return the confidence that makes a class or a group sure; None where none does."""
        if self.rollup_confidence is not None:
            return self.rollup_confidence
        if self.calibration is None or not self.accepts:
            return None
        return self.calibration.accepted_confidence.get(label.name)


@dataclass(frozen=True)
class Judged:
    """A capture, and what is said of it.

    Attributes:
        answer: what the classifier said of its pictures, of all classes.
        asked: how answers are taken.
        rows: what is said of the capture, by the name of the label.
    """

    answer: Answer
    asked: Asked
    rows: Mapping[str, Prediction]

    @cached_property
    def pictures(self) -> Mapping[str, tuple[Prediction | None, ...]]:
        """What is said of each picture, None of one that could not be read.

        By the name of the label, in the order of `answer.images`.
        """
        labels = self.asked.labels
        return {label.name: _pictures(self.answer, label, self.asked) for label in labels}


def judge(answer: Answer, asked: Asked) -> Judged:
    """Combine an answer's pictures and say what stands: a class, or the group that is sure."""
    rows = {label.name: _row(answer, label, asked) for label in asked.labels}
    return Judged(answer, asked, rows)


def check_rollup(asked: Asked) -> None:
    """Refuse a taxonomy that would change nothing.

    Raises:
        BadInput: if it groups no class, or if nothing says from when a group is sure.
    """
    if asked.taxonomy is None:
        return
    covered = [label for label in asked.labels if asked.taxonomy.covers(asked.left(label))]
    if asked.taxonomy.ranks and not covered:
        raise BadInput("taxonomy: no class that is asked for belongs to a group")
    if covered and all(asked.sure_from(label) is None for label in covered):
        names = ", ".join(label.name for label in covered)
        raise BadInput(
            f"taxonomy: no confidence is accepted for {names}, so that no group is sure; allowed: "
            "a rollup_confidence, such as 0.8"
        )


def _row(answer: Answer, label: Label, asked: Asked) -> Prediction:
    whole = capture_row(answer, label, asked.aggregate, asked.calibration)
    if label.name not in asked.allowed:
        return _rolled_up(whole, label, asked)
    few, left = limited(answer, label, asked.allowed[label.name])
    row = capture_row(few, left, asked.aggregate)
    # What reached the target accuracy were answers from among all classes: leaving some out
    # makes an answer surer, but not one that has been measured.
    accepted = whole.accepted and row.prediction == whole.prediction
    shares = [whole.probabilities[name] for name in left.classes if whole.probabilities]
    share = min(sum(shares), 1.0) if shares else None
    return _rolled_up(replace(row, accepted=accepted, allowed_share=share), label, asked)


def _rolled_up(row: Prediction, label: Label, asked: Asked) -> Prediction:
    """Put the narrowest group that is sure in the place of a class that is not."""
    if asked.taxonomy is None or label.name not in asked.grouped or row.confidence is None:
        return row
    at_least = asked.sure_from(label)
    group = None
    if at_least is not None and row.confidence < at_least:
        group = asked.taxonomy.surest(row.probabilities, at_least)
    if group is None:
        return replace(row, rank=asked.taxonomy.rank)
    # Never accepted: the accuracy of groups has not been measured.
    return replace(
        row,
        prediction=group.name,
        confidence=group.probability,
        rank=group.rank,
        accepted=None if row.accepted is None else False,
    )


def _pictures(answer: Answer, label: Label, asked: Asked) -> tuple[Prediction | None, ...]:
    classes = asked.allowed.get(label.name)
    few, left = limited(answer, label, classes) if classes else (answer, label)
    rows = [_rolled_up(row, label, asked) for row in picture_rows(few, left)]
    found = dict(zip(answer.seen, rows, strict=True))
    # The first pictures of a burst that is seen as stacks belong to its first stack.
    first = rows[0] if rows else None
    return tuple(
        None if fault is not None else found.get(place, first)
        for place, fault in enumerate(answer.faults)
    )
