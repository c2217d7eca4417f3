"""The cascade: two classifiers as one; the second is asked where the first sees an animal."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ctc.dataset.period import united
from ctc.errors import BadInput
from ctc.inventory.merging.several import EMPTY, EMPTY_CLASSES, SPECIES
from ctc.labels import Label
from ctc.model.classifier import Ancestor, Classifier, Description, Origin, write_folder
from ctc.model.seen import Seen

FIRST, SECOND = "first", "second"  # folders of the two


@dataclass(frozen=True)
class Gate:
    """When the second classifier is asked about a capture.

    Attributes:
        label: of the first classifier; it says whether there is anything to be seen.
        nothing: its classes that say that there is not.
        threshold: the probability that there is something from which the second is asked, 0..0.5:
            what the first itself takes for an animal always goes on.
        recall: the share of captures with an animal that were to go on.
        aggregate: how what the first says of the pictures of a capture is combined.
    """

    label: str
    nothing: tuple[str, ...]
    threshold: float
    recall: float
    aggregate: str


@dataclass(frozen=True, kw_only=True)
class Cascade(Classifier):
    """Two classifiers that answer as one.

    It answers the labels of the first, and those of the second that the first does not have. To
    these it adds the class of the first that says that there is nothing, if they have none such:
    it is what they answer of a capture that the second is not asked about.

    It has no network of its own, and the two may see pictures of another size and fit: whoever
    asks a cascade asks its classifiers (see `ctc.prediction.asking.cascading`). `network` and
    `image` are those of the second. The temperatures are those of the two; its `calibration` has
    what is accepted of the answers of both together.

    Attributes:
        first: says whether there is an animal.
        second: says which.
        gate: when the second is asked.
        made_of: where the two were found.
    """

    first: Classifier
    second: Classifier
    gate: Gate
    made_of: tuple[Ancestor, Ancestor]

    @property
    def label(self) -> Label:
        """The label that decides whether the second is asked."""
        return next(one for one in self.labels if one.name == self.gate.label)

    @property
    def added(self) -> tuple[Label, ...]:
        """The labels that the second answers, with the class for nothing."""
        return self.labels[len(self.first.labels) :]

    def nothing(self, label: Label) -> str:
        """Return the class that a label of the second has for nothing."""
        return _nothing(label) or self.gate.nothing[0]

    def save(self, folder: Path) -> None:
        """Write the folder, whole, with one for each of the two.

        Raises:
            BadInput: if something else than a classifier stands there.
        """
        about = {
            "gate": asdict(self.gate),
            "made_of": [asdict(one) for one in self.made_of],
        }
        with write_folder(folder, self, {"cascade": about}) as partial:
            self.first.save(partial / FIRST)
            self.second.save(partial / SECOND)


def cascade_of(
    first: Classifier, second: Classifier, gate: Gate, made_of: tuple[Ancestor, Ancestor]
) -> Cascade:
    """Make one classifier of two; it is not calibrated yet."""
    has = {label.name for label in first.labels}
    added = (_with_nothing(one, gate) for one in second.labels if one.name not in has)
    return Cascade(
        network=second.network,
        labels=(*first.labels, *added),
        image=second.image,
        origin=_united(first, second, gate),
        first=first,
        second=second,
        gate=gate,
        made_of=made_of,
    )


def gate_label(first: Classifier, second: Classifier) -> Label:
    """Return the label of the first that says whether there is an animal.

    Raises:
        BadInput: if it has none, if the second answers nothing else, if either is a cascade
            itself, and if one alone sees stacks of pictures.
    """
    check_single(first, "empty")
    check_single(second, "species")
    asked = {label.name: label for label in first.labels}
    found = [asked[name] for name in (EMPTY, SPECIES) if name in asked and _nothing(asked[name])]
    if not found:
        raise BadInput(
            f"empty: the model answers {', '.join(asked)}, none of which says that there is "
            f"nothing; allowed: one with the label '{EMPTY}' or '{SPECIES}' and a class such as "
            f"{', '.join(EMPTY_CLASSES[:2])}"
        )
    if not [label for label in second.labels if label.name not in asked]:
        raise BadInput(
            f"species: the model answers {', '.join(label.name for label in second.labels)}, and "
            "so does that of `empty`; allowed: one that answers something else"
        )
    if first.image.stacked != second.image.stacked:
        raise BadInput("species: one of the two models sees stacks of pictures, the other does not")
    return found[0]


def nothing_of(label: Label) -> tuple[str, ...]:
    """Return the classes of a label that say that nothing is to be seen."""
    return tuple(name for name in label.classes if name.lower() in EMPTY_CLASSES)


def load_cascade(folder: Path, about: Description) -> Cascade:
    """Read what `Cascade.save` wrote; `about` is what its description says.

    Raises:
        BadInput: if a part is missing or damaged.
    """
    try:
        gate, made_of = _read(about.cascade or {})
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"'{folder}' does not describe a cascade") from error
    first, second = (Classifier.load(folder / name) for name in (FIRST, SECOND))
    whole = cascade_of(first, second, gate, made_of)
    return replace(whole, calibration=about.calibration)


def check_single(classifier: Classifier, name: str) -> None:
    """Refuse a cascade where one network is needed, given as parameter `name`.

    Raises:
        BadInput: with what may be used instead.
    """
    if isinstance(classifier, Cascade):
        instead = " or ".join(f"'{one.uri}'" for one in classifier.made_of)
        raise BadInput(f"{name}: found a cascade of two models; allowed: one of them, {instead}")


def _read(about: Mapping[str, Any]) -> tuple[Gate, tuple[Ancestor, Ancestor]]:
    gate = {**about["gate"], "nothing": tuple(about["gate"]["nothing"])}
    first, second = (Ancestor(**one) for one in about["made_of"])
    return Gate(**gate), (first, second)


def _nothing(label: Label) -> str | None:
    return next(iter(nothing_of(label)), None)


def _with_nothing(label: Label, gate: Gate) -> Label:
    if _nothing(label):
        return label
    return replace(label, classes=(*label.classes, gate.nothing[0]))


def _united(first: Classifier, second: Classifier, gate: Gate) -> Origin:
    one, other = first.origin, second.origin
    return Origin(
        model=f"cascade of {one.model} and {other.model}",
        datasets=tuple(dict.fromkeys((*one.datasets, *other.datasets))),
        splits=tuple(dict.fromkeys((*one.splits, *other.splits))),
        locations=tuple(sorted({*one.locations, *other.locations})),
        period=united((one.period, other.period)),
        seen=_seen(one.seen, second, gate),
    )


def _seen(first: Seen | None, second: Classifier, gate: Gate) -> Seen | None:
    """Return what both have seen: the brightness of the first's pictures, and the classes of both.

    What the first has seen of nothing counts where the second has no class for it.
    """
    if first is None or second.origin.seen is None:
        return None
    none = sum(first.classes.get(gate.label, {}).get(name, 0) for name in gate.nothing)
    added = {label.name: {gate.nothing[0]: none} for label in second.labels if not _nothing(label)}
    of_second = {
        name: {**counts, **added.get(name, {})}
        for name, counts in second.origin.seen.classes.items()
    }
    return replace(first, classes={**of_second, **first.classes})
