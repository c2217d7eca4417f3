"""The gallery: pictures of answers that differ from their labels, the most suspicious first."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ctc.dataset.mixture import Mixture
from ctc.evaluation.judging import Judgement
from ctc.evaluation.pages.page import data_uri, render
from ctc.inventory.looks.private import private_classes
from ctc.parameter import Words
from ctc.pictures.decoding import StoredForm, UnreadablePicture, shrunk, to_jpeg
from ctc.prediction.predictions import Predictions

MOST = 200  # mistakes: some 5 MB, which a browser opens at once
MOST_PICTURES = 3  # of a capture
THUMBNAIL = StoredForm(max_side=256, quality=80)

Thumbnails = dict[str, tuple[str, ...]]  # of a capture, as addresses that hold them


@dataclass(frozen=True)
class Mistake:
    """An answer that differs from its label, as the gallery shows it.

    Attributes:
        capture_id, label, truth, prediction, location: as in the table of suspects; a location that
            is not known is "".
        confidence: the probability of the answer, 0..1.
        likely_label_error: see `ctc.evaluation.suspects.suspects`.
        images: number of pictures of the capture that were used.
        pictures: a few of them, as addresses that hold them.
    """

    capture_id: str
    label: str
    truth: str
    prediction: str
    location: str
    confidence: float
    likely_label_error: bool
    images: int
    pictures: tuple[str, ...]


def gallery(plan: Judgement, predictions: Predictions, suspects: pd.DataFrame) -> str:
    """Return the gallery as one HTML file.

    No capture is in it that has a private class: as a label, learnt or not, or as an answer, which
    may be the right one.

    Args:
        plan: what was judged.
        predictions: all that was said of its captures.
        suspects: the most suspicious first, see `ctc.evaluation.tables.suspect_table`.
    """
    mistakes = _mistakes(plan, predictions, suspects)
    return render(
        "gallery.html.jinja",
        split=", ".join(plan.splits),
        dataset=plan.mixture.name,
        mistakes=mistakes,
        total=len(suspects),
        most=MOST,
        filters={
            "label": _options(one.label for one in mistakes),
            "truth": _options(one.truth for one in mistakes),
            "prediction": _options(one.prediction for one in mistakes),
            "location": _options(one.location for one in mistakes),
        },
    )


def _mistakes(
    plan: Judgement, predictions: Predictions, suspects: pd.DataFrame
) -> tuple[Mistake, ...]:
    hidden = _said_to_be_private(predictions, plan.private)
    first = suspects[~suspects["capture_id"].isin(hidden)].head(MOST)
    found = _thumbnails(plan.mixture, plan.splits, {*first["capture_id"]}, plan.private)
    rows = first.to_dict("records")
    return tuple(_mistake(row, found) for row in rows if row["capture_id"] in found)


def _mistake(row: Mapping[Hashable, Any], found: Thumbnails) -> Mistake:
    return Mistake(
        capture_id=row["capture_id"],
        label=row["label"],
        truth=row["truth"],
        prediction=row["prediction"],
        location=row["location"] if isinstance(row["location"], str) else "",
        confidence=row["confidence"],
        likely_label_error=row["likely_label_error"],
        images=row["images"],
        pictures=found[row["capture_id"]],
    )


def _said_to_be_private(predictions: Predictions, private: Words) -> set[str]:
    """Return the captures with a private class as the answer to any label, or as its truth."""
    names = {name for row in predictions.rows for name in (row.prediction, row.truth) if name}
    these = {*private_classes(names, private)}
    return {row.capture_id for row in predictions.rows if these & {row.prediction, row.truth}}


def _thumbnails(
    mixture: Mixture, splits: tuple[str, ...], wanted: set[str], private: Words
) -> Thumbnails:
    """Return pictures of captures; none of one whose record has a private class in any label.

    A label that the classifier does not answer counts too, and a class that it merges with others.
    """
    found: Thumbnails = {}
    hidden: set[str] = set()
    for record in mixture.records(splits):
        if record.capture_id not in wanted:
            continue
        if private_classes(record.labels.values(), private):
            hidden.add(record.capture_id)
        else:
            found.setdefault(record.capture_id, _shown(record.images))
    return {name: pictures for name, pictures in found.items() if name not in hidden}


def _shown(images: Iterable[bytes]) -> tuple[str, ...]:
    """Return the first pictures that can be read."""
    shown: list[str] = []
    for image in images:
        try:
            small = to_jpeg(shrunk(image, THUMBNAIL), THUMBNAIL.quality)
        except UnreadablePicture:
            continue  # the predictions say which, and why
        shown.append(data_uri(small, "image/jpeg"))
        if len(shown) == MOST_PICTURES:
            break
    return tuple(shown)


def _options(values: Iterable[str]) -> list[str]:
    return sorted({*values})
