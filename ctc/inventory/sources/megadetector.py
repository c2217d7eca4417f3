"""Results of MegaDetector: what it detected becomes the label `empty`.

The format is that of https://lila.science/megadetector-output-format.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.observations import Columns
from ctc.inventory.sources.documents import Document, kind_of
from ctc.inventory.sources.rows import (
    Row,
    choose_columns,
    finding_of,
    inventory_of,
    is_video,
    metadata_of,
)
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

LABEL = EMPTY = "empty"
CLASSES = ("animal", "person", "vehicle")
# What MegaDetector v5 and the example of the format give as `typical_detection_threshold`.
TYPICAL_THRESHOLD = 0.2
OWN_FIELDS = ("file", "failure", "detections", "max_detection_conf")


@dataclass(frozen=True)
class Results:
    """The content of a file of results.

    Attributes:
        document: the file.
        categories: the name of each category, by its key.
        threshold: the confidence from which a detection counts.
        fields: what there is beside detections, as `metadata_of` returns it.
    """

    document: Document
    categories: dict[str, str]
    threshold: float
    fields: dict[str, str]


@dataclass(frozen=True)
class Noticed:
    """Cases met while reading the images."""

    unread: list[Case] = field(default_factory=list)
    unlisted: list[Case] = field(default_factory=list)
    videos: list[Case] = field(default_factory=list)
    weak: Counter[str] = field(default_factory=Counter)


def read(params: InventoryParams) -> Inventory:
    """Read results: a file is a capture, a category with a confident detection an observation.

    Raises:
        BadInput: if it is no such file, or lacks what is asked for.
    """
    results = _open(params)
    columns = choose_columns(params, (LABEL,), (LABEL,), results.fields)
    noticed = Noticed()
    rows = list(_rows(results, columns, noticed))
    findings = _findings(results, noticed)
    return inventory_of(params.path, rows, columns, findings, "images[{}]")


def _open(params: InventoryParams) -> Results:
    document = Document.open(params.path)
    images = document.objects("images")
    categories = _categories(document)
    threshold = _typical(document) if params.threshold is None else params.threshold
    return Results(document, categories, threshold, metadata_of(images, OWN_FIELDS))


def _categories(document: Document) -> dict[str, str]:
    found = document.object("detection_categories")
    if not found:
        raise BadInput(
            f"'{document.path}' has no 'detection_categories'; allowed: results of MegaDetector"
        )
    return {key: document.text(found, key, "detection_categories") for key in found}


def _typical(document: Document) -> float:
    info = document.object("info")
    about = info.get("detector_metadata") or {}
    found = about.get("typical_detection_threshold") if isinstance(about, dict) else None
    if found is None:
        return TYPICAL_THRESHOLD
    return _confidence(document, found, "info, 'typical_detection_threshold'")


def _confidence(document: Document, found: Any, place: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
        what = found if isinstance(found, int | float) else kind_of(found)
        raise document.refusal(place, f"found {what}; allowed: a number from 0 to 1")
    return found


def _rows(results: Results, columns: Columns, noticed: Noticed) -> Iterator[Row]:
    seen: dict[str, int] = {}
    keys = [results.fields[name] for name in columns.metadata]
    for number, image in enumerate(results.document.content["images"]):
        place = f"images[{number}]"
        file = results.document.text(image, "file", place)
        name = file.replace("\\", "/")
        if seen.setdefault(name, number) != number:
            sentence = f"'{name}' is images[{seen[name]}] too; allowed: each file once"
            raise results.document.refusal(place, sentence)
        metadata = results.document.scalars(image, keys, place)
        images = _pictures(file, place, noticed)
        for found in _classes(results, image, name, place, noticed):
            labels = (found,) * len(columns.labels)
            yield Row(number, name, images, (*labels, *metadata))


def _pictures(name: str, place: str, noticed: Noticed) -> list[str]:
    if not is_video(name):
        return [name]
    noticed.videos.append(Case(name, place))
    return []


def _classes(
    results: Results, image: dict[str, Any], name: str, place: str, noticed: Noticed
) -> list[str | None]:
    """Return what was detected, each class once; [None] where the image could not be read."""
    detections = image.get("detections")
    failure = image.get("failure")
    if failure is not None or detections is None:
        noticed.unread.append(Case(name, place, str(failure or "no detections given")))
        return [None]
    if not isinstance(detections, list):
        sentence = f"found {kind_of(detections)} as 'detections'; allowed: a list"
        raise results.document.refusal(place, sentence)
    found: dict[str | None, None] = {}
    for number, one in enumerate(detections):
        here = f"{place}.detections[{number}]"
        if (category := _confident(results, one, name, here, noticed)) is not None:
            found[category] = None
    return list(found) or [EMPTY]


def _confident(
    results: Results, detection: Any, name: str, place: str, noticed: Noticed
) -> str | None:
    """Return the class of a detection that counts."""
    if not isinstance(detection, dict) or "conf" not in detection:
        raise results.document.refusal(place, "found no 'conf'; allowed: an object that has it")
    confidence = _confidence(results.document, detection["conf"], place)
    key = results.document.text(detection, "category", place)
    category = results.categories.get(key)
    if category is None:  # the format asks to take it as no detection
        noticed.unlisted.append(Case(name, place, f"category {key}"))
        return None
    if confidence < results.threshold:
        noticed.weak[category] += 1
        return None
    return None if category == EMPTY else category


def _findings(results: Results, noticed: Noticed) -> tuple[Finding, ...]:
    names = dict.fromkeys(results.categories.values())
    others = [Case(f"'{name}'") for name in names if name not in (*CLASSES, EMPTY)]
    weak = [Case(name, "", f"{count} detections") for name, count in noticed.weak.items()]
    below = f"classes with detections below the threshold of {results.threshold:g} (not counted)"
    return (
        *finding_of("files that the detector could not read (no label)", noticed.unread),
        *finding_of("detections of a category without a name (not counted)", noticed.unlisted),
        *finding_of(f"categories other than {', '.join(CLASSES)} (kept as classes)", others),
        *finding_of("videos (left out of the pictures)", noticed.videos),
        *finding_of(below, weak, LABEL),
    )
