"""Results as MegaDetector writes them, for Timelapse and the MegaDetector tools.

The format is that of https://lila.science/megadetector-output-format, version 1.6. It is about
single pictures: each has what is said of itself, not of its capture. As nothing is located in a
picture, a detection is the whole picture, and its confidence how likely an animal, a person or a
vehicle is on it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ctc.prediction.formats.writing import Add, whole_file
from ctc.prediction.meaning.judged import Asked, Judged
from ctc.prediction.meaning.kinds import (
    ANIMAL,
    HUMAN,
    VEHICLE,
    Questions,
    Rows,
    animals_of,
    questions_of,
    shares_of,
)
from ctc.prediction.predictions import Prediction

VERSION = "1.6"
CATEGORIES = {ANIMAL: "1", HUMAN: "2", VEHICLE: "3"}
NAMES = {"1": "animal", "2": "person", "3": "vehicle"}
WHOLE = [0.0, 0.0, 1.0, 1.0]  # x, y, width and height, as shares of the picture
LEAST = 0.005  # confidence below which MegaDetector's own tools write nothing
TYPICAL = 0.5  # more likely than not: the threshold that Timelapse is to start with
START = f'{{"info": {{"format_version": "{VERSION}", "detector": "ctc"'


@contextmanager
def write(uri: str, asked: Asked) -> Iterator[Add]:
    """Take captures and write the file, which appears whole."""
    questions = questions_of(asked.labels)
    names = _names(asked, questions)
    numbers = {name: str(number) for number, name in enumerate(names)}
    with whole_file(uri) as path, path.open("w", encoding="utf-8") as file:
        file.write(_head(asked, questions, names))
        before = "\n"

        def add(judged: Judged) -> None:
            nonlocal before
            for place in range(len(judged.answer.images)):
                image = _image(judged, place, questions, numbers)
                file.write(before + json.dumps(image, ensure_ascii=False))
                before = ",\n"

        yield add
        file.write("\n]}\n")


def is_own(path: Path) -> bool:
    """Return whether a file was written here."""
    with path.open("rb") as file:
        return file.read(200).startswith(START.encode())


def _head(asked: Asked, questions: Questions, names: dict[str, str]) -> str:
    """Return all that stands before the pictures."""
    about: dict[str, Any] = {
        "format_version": VERSION,
        "detector": "ctc",
        "detector_metadata": {"typical_detection_threshold": TYPICAL},
        "classifier": asked.model,
    }
    label = next((one for one in asked.labels if one.name == questions.identity), None)
    known = {
        "typical_classification_threshold": label and asked.sure_from(label),
        "allowed_classes": asked.allowed or None,
    }
    about["classifier_metadata"] = {key: value for key, value in known.items() if value}
    head: dict[str, Any] = {"info": about, "detection_categories": NAMES}
    if names:
        head["classification_categories"] = {str(n): name for n, name in enumerate(names)}
    if any(names.values()):
        head["classification_category_descriptions"] = {
            str(n): said for n, said in enumerate(names.values())
        }
    return json.dumps(head, ensure_ascii=False)[:-1] + ', "images": ['


def _names(asked: Asked, questions: Questions) -> dict[str, str]:
    """Return every name that may be given, classes and groups, with its place among all life."""
    label = next((one for one in asked.labels if one.name == questions.identity), None)
    if label is None:
        return {}
    classes = asked.left(label).classes
    lines = {name: asked.taxonomy.line(name) if asked.taxonomy else () for name in classes}
    found = {name: _described((*line, name)) if line else "" for name, line in lines.items()}
    for line in lines.values():
        for length, group in enumerate(line, 1):
            found.setdefault(group, _described(line[:length]))
    return found


def _described(line: tuple[str, ...]) -> str:
    return ";".join(name.lower() for name in line)


def _image(
    judged: Judged, place: int, questions: Questions, numbers: dict[str, str]
) -> dict[str, Any]:
    answer = judged.answer
    name, fault = answer.images[place].replace("\\", "/"), answer.faults[place]
    if fault is not None:
        return {"file": name, "detections": None, "failure": fault}
    said = {label: of_label[place] for label, of_label in judged.pictures.items()}
    rows = {label: row for label, row in said.items() if row is not None}
    return {"file": name, "detections": list(_detections(rows, questions, numbers))}


def _detections(
    rows: Rows, questions: Questions, numbers: dict[str, str]
) -> Iterator[dict[str, Any]]:
    shares = shares_of(rows, questions)
    for kind, category in CATEGORIES.items():
        share = shares.get(kind, 0.0)
        if share < LEAST:
            continue
        found: dict[str, Any] = {"category": category, "conf": _rounded(share), "bbox": WHOLE}
        named = rows.get(questions.identity or "")
        if kind == ANIMAL and named is not None:
            found["classifications"] = _classifications(named, numbers)
        yield found


def _classifications(row: Prediction, numbers: dict[str, str]) -> list[list[Any]]:
    """Return names and confidences, the surest first: the group, where it is one that is sure."""
    said = {name: value for name, value in animals_of(row).items() if value >= LEAST}
    if row.prediction in numbers:
        said[row.prediction] = row.confidence or 0.0
    ordered = sorted(said, key=lambda name: (-said[name], name != row.prediction))
    return [[numbers[name], _rounded(said[name])] for name in ordered]


def _rounded(value: float) -> float:
    return round(min(float(value), 1.0), 6)
