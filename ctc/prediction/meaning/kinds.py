"""What the formats of the field ask first: nothing, an animal, a human or a vehicle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ctc.inventory.merging.several import EMPTY, EMPTY_CLASSES, SPECIES
from ctc.inventory.sources.csv import STANDARD_LABELS
from ctc.labels import Label
from ctc.prediction.predictions import Prediction

BLANK, ANIMAL, HUMAN, VEHICLE = "blank", "animal", "human", "vehicle"
NONE = "none"  # nothing there, where a label asks what there is; else none of its classes
# Classes by the names that surveys give them; every other class is an animal.
NAMES = {
    BLANK: (*EMPTY_CLASSES, "no animal", "no_animal"),
    HUMAN: ("human", "humans", "person", "people", "homo sapiens"),
    VEHICLE: ("vehicle", "vehicles", "car", "motorcycle", "truck"),
}
KINDS = {name: kind for kind, names in NAMES.items() for name in names}

Rows = Mapping[str, Prediction]  # what is said of a capture, or of a picture, by label


@dataclass(frozen=True)
class Questions:
    """Which label says what.

    Attributes:
        presence: the label that says whether anything is there; None where no label does.
        identity: the label that names the animal; None where no label does.
    """

    presence: str | None
    identity: str | None


def kind_of(name: str) -> str:
    """Return what a class is by its name."""
    return KINDS.get(name.lower(), ANIMAL)


def questions_of(labels: Sequence[Label]) -> Questions:
    """Find the label with a class for nothing, and the one that names animals: species, if any."""
    asks = {label.name: {kind_of(name) for name in label.classes} for label in labels}
    present = [label.name for label in labels if _says_nothing(label)]
    presence = EMPTY if EMPTY in present else next(iter(present), None)
    # The other standard labels say how many there are, how old, or what they do.
    named = [n for n in asks if n.startswith(SPECIES) or n not in STANDARD_LABELS]
    named.sort(key=lambda name: (name != SPECIES, name == presence))
    classes = {label.name: [n for n in label.classes if kind_of(n) == ANIMAL] for label in labels}
    # A label that only says that there is something names nothing.
    found = (n for n in named if n == SPECIES or n != presence or len(classes[n]) > 1)
    identity = next(found, None)
    if presence is None and identity is not None and BLANK in asks[identity]:
        presence = identity
    return Questions(presence, identity)


def _says_nothing(label: Label) -> bool:
    """Whether a label has a class for nothing, whatever it asks."""
    sure = {name.lower() for name in label.classes} - ({NONE} if label.name != EMPTY else set())
    return any(kind_of(name) == BLANK for name in sure)


def shares_of(rows: Rows, questions: Questions) -> dict[str, float]:
    """Return how likely each kind is; they add up to 1. Nothing where nothing was said.

    Where one label says that something is there and another one what it is, the second divides
    what the first leaves.
    """
    first = rows.get(questions.presence or questions.identity or "")
    second = rows.get(questions.identity or "")
    if first is None or not first.probabilities:
        return {}
    shares = _by_kind(first)
    if second is None or second is first:
        return shares
    found = {kind: share for kind, share in _by_kind(second).items() if kind != BLANK}
    total, something = sum(found.values()), shares.pop(ANIMAL, 0.0)
    for kind, share in (found if total > 0 else {ANIMAL: 1.0}).items():
        shares[kind] = shares.get(kind, 0.0) + something * share / (total or 1.0)
    return shares


def kind_said(rows: Rows, questions: Questions) -> str | None:
    """Return what the predictions say is there; None where nothing was said."""
    asked = (rows.get(name or "") for name in (questions.presence, questions.identity))
    tops = [row.top for row in asked if row is not None]
    if not tops or None in tops:
        return None
    return next((kind for top in tops if (kind := kind_of(top or "")) != ANIMAL), ANIMAL)


def animals_of(row: Prediction) -> dict[str, float]:
    """Return the classes of a label that are animals, with their probabilities."""
    return {name: value for name, value in row.probabilities.items() if kind_of(name) == ANIMAL}


def _by_kind(row: Prediction) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in row.probabilities.items():
        found[kind_of(name)] = found.get(kind_of(name), 0.0) + value
    return found
