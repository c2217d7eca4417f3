"""The promotion: whether a candidate may take the place of the champion, and why not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from ctc.errors import BadInput, one_of
from ctc.evaluation.figures import SCORES
from ctc.evaluation.losses import ROUNDING, Losses
from ctc.evaluation.record import Record, figure_table, recall_table

LOWER_IS_BETTER = ("log_loss",)


@dataclass(frozen=True)
class Terms:
    """On what terms a candidate becomes champion.

    Attributes:
        metric: `<label>/<metric>`, or `<metric>`: the mean of the labels that both were judged on.
        min_gain: by how much it has to be better; 0: as good is good enough.
        max_class_drop: by how much the recall of a class may fall, 0..1.
    """

    metric: str
    min_gain: float
    max_class_drop: float

    @property
    def label(self) -> str | None:
        """The label that decides; None: all."""
        return self.metric.rpartition("/")[0] or None

    @property
    def figure(self) -> str:
        """The figure that decides."""
        return self.metric.rpartition("/")[2]


def check_terms(terms: Terms) -> None:
    """Refuse a metric that no evaluation knows.

    Raises:
        BadInput: with those that there are.
    """
    if terms.metric.count("/") > 1 or terms.metric.startswith("/"):
        raise BadInput(f"metric: found '{terms.metric}'; allowed: METRIC or LABEL/METRIC")
    one_of("metric", terms.figure, SCORES)


@dataclass(frozen=True)
class Comparison:
    """A candidate, and the champion beside it.

    Attributes:
        metric: the name of the figure that decides.
        labels: whose figures decide; none where there is no such figure.
        candidate, champion: the figure that decides, the mean over `labels`; None where it is not
            known.
        figures: see `ctc.evaluation.record.figure_table`.
        recalls: see `ctc.evaluation.record.recall_table`; None where one of the two is not there.
        reasons: why the candidate does not become champion, a sentence each; none: it does.
        remarks: what else one should know, a sentence each.
    """

    metric: str
    labels: tuple[str, ...]
    candidate: float | None
    champion: float | None
    figures: pd.DataFrame
    recalls: pd.DataFrame | None
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def compare(candidate: Record | None, champion: Record | None, terms: Terms) -> Comparison:
    """Set two records of the same captures side by side, and judge by the terms.

    Args:
        candidate: None where it could not be measured.
        champion: None where there is none, or it could not be measured.
        terms: by which to judge.
    """
    labels = _deciding([one for one in (candidate, champion) if one], terms)
    values = [_mean(one, labels, terms.figure) for one in (candidate, champion)]
    reasons = [*_unknown(candidate, champion, labels, terms)]
    remarks: list[str] = []
    recalls = None
    if candidate and champion:
        recalls = recall_table(candidate, champion)
        reasons += _no_gain(values, labels, terms)
        losses = Losses(candidate, champion, recalls, terms.max_class_drop)
        reasons += losses.certain()
        remarks += losses.unsure()
    return Comparison(
        metric=terms.figure,
        labels=labels,
        candidate=values[0],
        champion=values[1],
        figures=figure_table(candidate, champion),
        recalls=recalls,
        reasons=tuple(reasons),
        remarks=tuple(remarks),
    )


def _deciding(records: Sequence[Record], terms: Terms) -> tuple[str, ...]:
    """Return the labels of which every record has the figure that decides."""
    asked = [terms.label] if terms.label else [name for one in records for name in one.figures]
    return tuple(
        name
        for name in dict.fromkeys(asked)
        if records and all(terms.figure in one.figures.get(name, {}) for one in records)
    )


def _mean(record: Record | None, labels: Sequence[str], figure: str) -> float | None:
    if record is None or not labels:
        return None
    return sum(record.figures[label][figure] for label in labels) / len(labels)


def _unknown(
    candidate: Record | None, champion: Record | None, labels: Sequence[str], terms: Terms
) -> Iterator[str]:
    """Say that there is nothing to decide by."""
    records = [one for one in (candidate, champion) if one]
    if labels or not records:
        return
    has = "; ".join(
        f"version {one.version} was judged on {', '.join(one.figures) or 'no label'}"
        for one in records
    )
    yield f"{terms.metric} is not known of {'both' if records[1:] else 'the candidate'}: {has}"


def _no_gain(values: Sequence[float | None], labels: Sequence[str], terms: Terms) -> Iterator[str]:
    """Say that the candidate is not better by as much as it has to be."""
    candidate, champion = values
    if candidate is None or champion is None:
        return
    gain = (candidate - champion) * (-1 if terms.figure in LOWER_IS_BETTER else 1)
    if gain < terms.min_gain - ROUNDING:
        mean = f" (mean of {', '.join(labels)})" if labels[1:] else f" of {labels[0]}"
        yield (
            f"{terms.figure}{mean} is {candidate:.4f}, the champion's is {champion:.4f}; min_gain "
            f"is {terms.min_gain:g}"
        )
