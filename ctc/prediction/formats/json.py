"""JSON with the single pictures of each capture, nested as the 2019 tool nested them.

    {CAPTURE: {"images": [{"path": ..., "predictions": {LABEL: {CLASS: "0.1234"}}}],
               "meta_data": {...}, "aggregated_pred": {LABEL: {CLASS: "0.1234"}},
               "predictions_top": {LABEL: CLASS}, "confidences_top": {LABEL: "0.1234"}, ...}}

A line a capture. What that tool did not know stands beside it: the `failure` of a picture and of
the capture, and `predictions`, with what is said of each label after rolling up. The source of that
form is `camera_trap_classifier/predicting/predictor.py` of Willi et al. (2019).
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ctc.prediction.formats.columns import as_texts, own_columns
from ctc.prediction.formats.writing import Add, whole_file
from ctc.prediction.meaning.judged import Asked, Judged

# An inventory of that tool has paths in its place: no file of pictures is taken for our own.
START = re.compile(rb'\{(\}|\n"(?:[^"\\]|\\.)*": \{"images": \[(\]|\{"path"))')
WITHIN = ("prediction", "confidence", "rank", "accepted", "allowed_share")


@contextmanager
def write(uri: str, asked: Asked) -> Iterator[Add]:
    """Take captures and write the file, which appears whole."""
    within = [name for name in own_columns(asked) if name in WITHIN]
    with whole_file(uri) as path, path.open("w", encoding="utf-8") as file:
        file.write("{")
        before = "\n"

        def add(judged: Judged) -> None:
            nonlocal before
            name = json.dumps(judged.answer.capture_id, ensure_ascii=False)
            file.write(
                f"{before}{name}: {json.dumps(_capture(judged, within), ensure_ascii=False)}"
            )
            before = ",\n"

        yield add
        file.write("}\n" if before == "\n" else "\n}\n")


def is_own(path: Path) -> bool:
    """Return whether a file was written here."""
    with path.open("rb") as file:
        return START.match(file.read(10_000)) is not None


def _capture(judged: Judged, within: list[str]) -> dict[str, Any]:
    answer, rows = judged.answer, judged.rows
    said = {name: row for name, row in rows.items() if row.prediction is not None}
    found: dict[str, Any] = {
        "images": [_image(judged, place) for place in range(len(answer.images))]
    }
    if answer.metadata:
        found["meta_data"] = {**answer.metadata}
    if answer.truth:
        found["ground_truth"] = {**answer.truth}
    found["aggregated_pred"] = {name: as_texts(row.probabilities) for name, row in said.items()}
    found["predictions_top"] = {name: row.top for name, row in said.items()}
    found["confidences_top"] = {
        name: f"{max(row.probabilities.values()):.4f}" for name, row in said.items()
    }
    found["predictions"] = {
        name: {key: _rounded(getattr(row, key)) for key in within} for name, row in rows.items()
    }
    if answer.failure is not None:
        found["failure"] = answer.failure
    return found


def _image(judged: Judged, place: int) -> dict[str, Any]:
    rows = {name: of_label[place] for name, of_label in judged.pictures.items()}
    said = {name: as_texts(row.probabilities) for name, row in rows.items() if row is not None}
    found: dict[str, Any] = {"path": judged.answer.images[place], "predictions": said}
    fault = judged.answer.faults[place]
    return found if fault is None else {**found, "failure": fault}


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
