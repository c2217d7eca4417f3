"""COCO Camera Traps: images, annotations and categories in one JSON file.

The format is that of https://lila.science/coco-camera-traps. The images of a sequence are one
capture; where there are no sequences, every image is.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.observations import Columns
from ctc.inventory.merging.several import EMPTY_CLASSES
from ctc.inventory.sources.csv import STANDARD_LABELS
from ctc.inventory.sources.documents import Document, text_of
from ctc.inventory.sources.rows import (
    Row,
    choose_columns,
    fields_of,
    finding_of,
    free_id,
    inventory_of,
    is_video,
    metadata_of,
)
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

SPECIES, EMPTY = MADE = ("species", "empty")  # labels that are made from the category
# Names of categories that are no animals, and their class of the label `empty`.
KINDS = {
    **dict.fromkeys(EMPTY_CLASSES, "empty"),
    **dict.fromkeys(("human", "humans", "person", "people", "homo sapiens"), "human"),
    **dict.fromkeys(("vehicle", "vehicles"), "vehicle"),
}
OWN_IMAGE_FIELDS = ("id", "file_name", "corrupt")
OWN_FIELDS = ("id", "image_id", "category_id")  # of an annotation
TRUE = (True, "true", "True")


class Category(NamedTuple):
    """What an annotation says: the class of `species`, None of an empty picture, and of `empty`."""

    species: str | None
    empty: str


Annotation = tuple[Category, int]  # what it says, and its place in the list of annotations


@dataclass(frozen=True)
class Survey:
    """The content of a file, its parts tied together.

    Attributes:
        document: the file.
        images: its images.
        annotations: those of an image, by its place in `images`.
        captures: the places in `images` of each capture, in the order taken.
        labels: names of labels that the annotations offer.
        metadata: names of metadata, and the fields of images they are.
    """

    document: Document
    images: list[dict[str, Any]]
    annotations: dict[int, list[Annotation]]
    captures: dict[str, list[int]]
    labels: tuple[str, ...]
    metadata: dict[str, str]


@dataclass(frozen=True)
class Noticed:
    """Cases met while making rows."""

    corrupt: list[Case] = field(default_factory=list)
    videos: list[Case] = field(default_factory=list)


def read(params: InventoryParams) -> Inventory:
    """Read annotations; several categories in a capture are several observations of it.

    Raises:
        BadInput: if it is no such file, its parts do not fit, or it lacks what is asked for.
    """
    survey = _survey(Document.open(params.path))
    columns = choose_columns(params, survey.labels, _auto(survey), survey.metadata)
    noticed = Noticed()
    rows = list(_rows(survey, columns, noticed))
    return inventory_of(params.path, rows, columns, _findings(noticed), "images[{}]")


def _survey(document: Document) -> Survey:
    images, annotations = document.objects("images"), document.objects("annotations")
    ids = _by_id(document, "images")
    return Survey(
        document,
        images,
        _annotations(document, ids, _categories(document)),
        _captures(images, ids),
        (EMPTY, SPECIES, *fields_of(annotations, (*OWN_FIELDS, EMPTY, SPECIES))),
        metadata_of(images, OWN_IMAGE_FIELDS),
    )


def _by_id(document: Document, name: str) -> dict[str, int]:
    """Return the place in its list of each object, by its id as text: 7 and "7" are the same."""
    found: dict[str, int] = {}
    for number, one in enumerate(document.objects(name)):
        place = f"{name}[{number}]"
        key = document.text(one, "id", place)
        if found.setdefault(key, number) != number:
            sentence = f"the id '{key}' is that of {name}[{found[key]}] too; allowed: each id once"
            raise document.refusal(place, sentence)
    return found


def _categories(document: Document) -> dict[str, Category]:
    found = {}
    for key, number in _by_id(document, "categories").items():
        name = document.text(
            document.content["categories"][number], "name", f"categories[{number}]"
        )
        kind = KINDS.get(name.strip().lower(), SPECIES)
        found[key] = Category(None if kind == EMPTY else name, kind)
    return found


def _annotations(
    document: Document, images: dict[str, int], categories: dict[str, Category]
) -> dict[int, list[Annotation]]:
    found: dict[int, list[Annotation]] = defaultdict(list)
    for number, one in enumerate(document.content["annotations"]):
        place = f"annotations[{number}]"
        image = document.text(one, "image_id", place)
        category = document.text(one, "category_id", place)
        if image not in images:
            raise document.refusal(place, f"no image has the id '{image}'; allowed: those that do")
        if category not in categories:
            sentence = f"no category has the id '{category}'; allowed: {', '.join(categories)}"
            raise document.refusal(place, sentence)
        found[images[image]].append((categories[category], number))
    return found


def _captures(images: list[dict[str, Any]], ids: dict[str, int]) -> dict[str, list[int]]:
    sequences = [text_of(image.get("seq_id")) for image in images]
    taken = set(filter(None, sequences))
    found: dict[str, list[int]] = defaultdict(list)
    for (key, number), sequence in zip(ids.items(), sequences, strict=True):
        found[sequence or free_id(key, "image", taken)].append(number)
    return {key: _in_order(images, places) for key, places in found.items()}


def _in_order(images: list[dict[str, Any]], places: list[int]) -> list[int]:
    """Sort by the number of the frame, else by time, where all have one; else leave the order."""
    if len(places) == 1:
        return places
    frames = {place: _whole(images[place].get("frame_num")) for place in places}
    times = {place: text_of(images[place].get("datetime")) for place in places}
    if None not in frames.values():
        return sorted(places, key=lambda place: (frames[place], times[place] or ""))
    return places if None in times.values() else sorted(places, key=lambda place: str(times[place]))


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _auto(survey: Survey) -> tuple[str, ...]:
    """Take the standard labels there are, `empty` only where it tells captures apart."""
    kinds = {category.empty for found in survey.annotations.values() for category, _ in found}
    there = set(survey.labels) - (set() if kinds - {SPECIES} else {EMPTY})
    return tuple(name for name in STANDARD_LABELS if name in there)


def _rows(survey: Survey, columns: Columns, noticed: Noticed) -> Iterator[Row]:
    """Yield the images with what each shows, capture by capture.

    In a sequence the animal often has left before the last frame, which is then annotated
    `empty`. The capture is not: merging knows, and is told what the category says, as `empty` need
    not be a label that is read.
    """
    keys = [survey.metadata[name] for name in columns.metadata]
    nothing = (None,) * len(columns.labels)
    for capture_id, places in survey.captures.items():
        for place in places:
            where = f"images[{place}]"
            image = survey.images[place]
            pictures = _pictures(survey.document, image, where, noticed)
            observed: list[tuple[tuple[str | None, ...], bool | None]] = [
                (_labels(survey, columns, one), one[0].empty != EMPTY)
                for one in survey.annotations.get(place, [])
            ]
            metadata = survey.document.scalars(image, keys, where)
            for labels, shows in dict.fromkeys(observed or [(nothing, None)]):
                yield Row(place, capture_id, pictures, (*labels, *metadata), shows)


def _labels(survey: Survey, columns: Columns, annotation: Annotation) -> tuple[str | None, ...]:
    category, number = annotation
    record = survey.document.content["annotations"][number]
    return tuple(
        getattr(category, name)
        if name in MADE
        else survey.document.scalar(record.get(name), f"annotations[{number}], '{name}'")
        for name in columns.labels
    )


def _pictures(document: Document, image: dict[str, Any], place: str, noticed: Noticed) -> list[str]:
    name = document.text(image, "file_name", place)
    if image.get("corrupt") in TRUE:
        noticed.corrupt.append(Case(name, place))
        return []
    if is_video(name):
        noticed.videos.append(Case(name, place))
        return []
    return [name]


def _findings(noticed: Noticed) -> tuple[Finding, ...]:
    return (
        *finding_of("images marked as corrupt (left out of the pictures)", noticed.corrupt),
        *finding_of("videos (left out of the pictures)", noticed.videos),
    )
