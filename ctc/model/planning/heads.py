"""Which labels are learnt, and with which classes: the heads that the network gets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ctc.dataset.class_map import ClassMap, GivenClasses
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.labels import Label, check_names, chosen
from ctc.params import TrainParams


@dataclass(frozen=True)
class Heads:
    """The labels to learn.

    Attributes:
        labels: in the order of the heads.
        left_out: why labels of the dataset are not learnt, a sentence each.
        remarks: what to know about classes of the parent, a sentence each.
    """

    labels: tuple[Label, ...]
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def heads_of_dataset(mixture: Mixture, asked: tuple[str, ...], train: tuple[str, ...]) -> Heads:
    """Return labels with the classes that occur in the splits `train`.

    Of `all`, those that cannot be learnt are left out; one asked for by its name must be.

    Raises:
        BadInput: for a label that does not exist or has one class.
    """
    names = chosen(asked, tuple(mixture.labels))
    check_names(names)
    labels: list[Label] = []
    left_out: list[str] = []
    for name in names:
        try:
            labels.append(mixture.classes(name, train))
        except BadInput as error:
            if asked != ("all",):
                raise
            left_out.append(str(error))
    if not labels:
        raise BadInput("; ".join(left_out) or f"{mixture.name} has no label")
    remarks = (given_remarks(mixture, label, train) for label in labels)
    return Heads(tuple(labels), tuple(left_out), tuple(one for some in remarks for one in some))


def heads_of_parent(
    mixture: Mixture, params: TrainParams, train: tuple[str, ...], known: tuple[Label, ...]
) -> Heads:
    """Return the labels and classes of a parent, `known`, with new classes if they are added.

    Raises:
        BadInput: if the labels are others, for classes that the parent does not know
            (`unknown=refuse`), for a label of which it knows no class that occurs, and if other
            classes are given.
    """
    left_out = _other_labels(mixture, params.labels, known)
    for contradiction in contradictions(mixture.given, known):
        raise BadInput(contradiction)
    labels, remarks = [], []
    for label in known:
        counts = mixture.counts(label.name, train)
        new = {name: counts[name] for name in unknown_classes(label, counts)}
        if new and params.unknown == "refuse":
            raise BadInput(
                f"label '{label.name}': the parent does not know {', '.join(new)}; unknown=drop "
                "leaves such classes out, unknown=add adds them"
            )
        added = tuple(new) if params.unknown == "add" else ()
        merged = mixture.given[label.name].merged
        labels.append(replace(label, classes=(*label.classes, *added), merged=merged))
        if not {*labels[-1].classes} & {*counts}:
            raise BadInput(
                f"label '{label.name}': no capture of {', '.join(train)} has a class that the "
                f"parent knows, which are {', '.join(label.classes)}"
            )
        remarks += merged_remarks(mixture, labels[-1], train)
        remarks += _class_remarks(label, counts, new, added)
    return Heads(tuple(labels), left_out, tuple(remarks))


def contradictions(given: ClassMap, known: Iterable[Label]) -> Iterator[str]:
    """Say where given classes cannot be those of a parent that knows `known`."""
    for label in known:
        said = given.get(label.name, GivenClasses())
        if said.order and said.order != label.classes:
            yield (
                f"classes: label '{label.name}' is given {', '.join(said.order)}; the parent knows "
                f"{', '.join(label.classes)}, which strategy=finetune keeps"
            )
        for name in label.classes:
            if name in said.merged:
                yield (
                    f"classes: label '{label.name}': '{name}', which is to count as "
                    f"'{said.merged[name]}', is a class of the parent, and strategy=finetune keeps "
                    "those"
                )


def given_remarks(mixture: Mixture, label: Label, train: tuple[str, ...]) -> list[str]:
    """Say what comes of the classes that are given for a label, a sentence each."""
    remarks = merged_remarks(mixture, label, train)
    counts = mixture.counts(label.name, train)
    unlisted = [f"{name} ({counts[name]} captures)" for name in unknown_classes(label, counts)]
    if unlisted:
        remarks.append(
            f"label '{label.name}': not among the classes given and not learnt from: "
            f"{', '.join(unlisted)}; as a true class it will count as an error"
        )
    absent = [name for name in label.classes if name not in counts]
    if absent:
        remarks.append(
            f"label '{label.name}': no capture to learn from shows {', '.join(absent)}, which the "
            "classes given have"
        )
    return remarks


def merged_remarks(mixture: Mixture, label: Label, train: tuple[str, ...]) -> list[str]:
    """Say which values of a label count as which class, and of how many captures."""
    of_split = mixture.values[label.name]
    found: dict[str, list[str]] = {}
    for value, name in label.merged.items():
        captures = sum(of_split.get(split, {}).get(value, 0) for split in train)
        found.setdefault(name, []).append(f"{value} ({captures} captures)")
    return [
        f"label '{label.name}': counted as {name}: {', '.join(values)}"
        for name, values in found.items()
    ]


def unknown_classes(label: Label, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the classes that occur and are none of the label's."""
    return tuple(name for name in counts if name not in label.classes)


def _other_labels(
    mixture: Mixture, asked: tuple[str, ...], known: tuple[Label, ...]
) -> tuple[str, ...]:
    """Refuse labels that are not the parent's; of `all`, return why some are left out."""
    names = chosen(asked, tuple(mixture.labels))
    answered = [label.name for label in known]
    lacking = [name for name in answered if name not in names]
    other = [name for name in names if name not in answered]
    if lacking or (other and asked != ("all",)):
        raise BadInput(
            f"strategy=finetune keeps the parent's labels, {', '.join(answered)}; found: "
            f"{', '.join(names)}; strategy=transfer takes other labels"
        )
    if not other:
        return ()
    return (f"{', '.join(other)}: none of the parent's labels; strategy=transfer takes others",)


def new_head_remarks(
    labels: tuple[Label, ...], known: tuple[Label, ...], keep_heads: bool
) -> tuple[str, ...]:
    """Say of each new head which classes start with the weights of a parent, a sentence each."""
    classes = {label.name: label.classes for label in known} if keep_heads else {}
    remarks = []
    for label in labels:
        kept = [name for name in label.classes if name in classes.get(label.name, ())]
        new = [name for name in label.classes if name not in kept]
        starts = [f"with the parent's weights for {', '.join(kept)}"] if kept else []
        starts += [f"anew for {', '.join(new)}"] if new else []
        remarks.append(f"label '{label.name}' starts {', '.join(starts)}")
    return tuple(remarks)


def _class_remarks(
    label: Label, counts: Mapping[str, int], new: Mapping[str, int], added: tuple[str, ...]
) -> list[str]:
    listed = ", ".join(f"{name} ({captures} captures)" for name, captures in new.items())
    absent = [name for name in label.classes if name not in counts]
    remarks = []
    if added:
        remarks.append(f"label '{label.name}': new to the parent and added: {listed}")
    elif new:
        remarks.append(
            f"label '{label.name}': not known to the parent and not learnt from: {listed}; as a "
            "true class it will count as an error"
        )
    if absent:
        remarks.append(
            f"label '{label.name}': no capture to learn from shows {', '.join(absent)}, which the "
            "parent knows and this model may forget"
        )
    return remarks
