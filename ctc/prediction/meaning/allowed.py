"""Which classes there can be where the pictures were taken, and what is left of an answer then."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctc import storage
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.prediction.answers import Answer

Allowed = Mapping[str, tuple[str, ...]]  # the classes that there can be, of some of the labels
FORMS = "a list of names in .json, one name a line in .txt, or {LABEL: [CLASS, ...]} in .json"


def read_allowed(given: Sequence[str], labels: Sequence[Label]) -> Allowed:
    """Return the classes that the parameter `classes` allows; nothing said of a label allows all.

    Args:
        given: classes, as CLASS or LABEL=CLASS, or one file of them. A bare CLASS is of the label
            that has all of the bare ones.
        labels: of the classifier.

    Raises:
        BadInput: for a class or a label that the classifier does not have, bare names that are of
            several labels, a list without a class, and a file that cannot be read.
    """
    if len(given) == 1 and PurePosixPath(given[0]).suffix.lower() in (".json", ".txt"):
        return _of_content(_read(given[0]), labels, f"classes: '{given[0]}'")
    return _of_content(list(given), labels, "classes") if given else {}


def limited(answer: Answer, label: Label, classes: Sequence[str]) -> tuple[Answer, Label]:
    """Return what is left of an answer where a label has only some of its classes."""
    columns = [label.classes.index(name) for name in classes]
    left = renormalised(answer.probabilities[label.name][:, columns])
    said = {**answer.probabilities, label.name: left}
    return replace(answer, probabilities=said), replace(label, classes=tuple(classes))


def renormalised(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each row of [pictures, classes] by its sum; a row of zeros becomes an even one."""
    sums = probabilities.sum(axis=1, keepdims=True)
    even = np.full_like(probabilities, 1 / probabilities.shape[1])
    return np.asarray(np.where(sums > 0, probabilities / np.where(sums > 0, sums, 1), even))


def _read(uri: str) -> Any:
    try:
        text = storage.read_bytes(uri).decode("utf-8-sig")
        if uri.lower().endswith(".txt"):
            return [line.strip() for line in text.splitlines() if line.strip()]
        return json.loads(text)
    except OSError as error:
        raise BadInput(f"classes: '{uri}': {storage.why_not_read(error)}") from error
    except ValueError as error:
        raise BadInput(f"classes: '{uri}' cannot be read: {error}; allowed: {FORMS}") from error


def _of_content(content: Any, labels: Sequence[Label], where: str) -> Allowed:
    by_label = content if isinstance(content, dict) else {"": content}
    if not all(_is_list(names) for names in by_label.values()):
        raise BadInput(f"{where}: found no list of names; allowed: {FORMS}")
    if not by_label or not all(by_label.values()):
        raise BadInput(f"{where}: found no class; allowed: at least one class a label")
    if "" not in by_label:
        pairs = [(label, name) for label, names in by_label.items() for name in names]
    else:
        pairs = list(_with_labels(by_label[""], labels, where))
    return _checked(pairs, {label.name: label for label in labels}, where)


def _is_list(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _with_labels(
    names: Sequence[str], labels: Sequence[Label], where: str
) -> Iterable[tuple[str, str]]:
    known = {label.name for label in labels}
    told = {name: name.partition("=") for name in names}
    bare = [name for name, (label, equals, _) in told.items() if not equals or label not in known]
    owner = _owner(bare, labels, where) if bare else ""
    for name, (label, _, of_label) in told.items():
        yield (owner, name) if name in bare else (label, of_label)


def _owner(bare: Sequence[str], labels: Sequence[Label], where: str) -> str:
    """Return the label that has all of the bare names."""
    has = {label.name: [name for name in bare if _is_class(label, name)] for label in labels}
    full = [name for name, found in has.items() if len(found) == len(bare)]
    if len(full) > 1:
        raise BadInput(
            f"{where}: '{bare[0]}' is a class of {' and '.join(full)}; write LABEL=CLASS"
        )
    return full[0] if full else max(has, key=lambda name: len(has[name]))


def _is_class(label: Label, name: str) -> bool:
    return label.meant(name) in label.classes


def _checked(
    pairs: Iterable[tuple[str, str]], labels: Mapping[str, Label], where: str
) -> dict[str, tuple[str, ...]]:
    """Return the allowed classes of each label in the label's order."""
    found: dict[str, set[str]] = {}
    for name, value in pairs:
        if name not in labels:
            raise BadInput(f"{where}: unknown label '{name}'; allowed: {', '.join(labels)}")
        if not _is_class(labels[name], value):
            allowed = ", ".join(labels[name].classes)
            raise BadInput(f"{where}: unknown class '{value}' of '{name}'; allowed: {allowed}")
        found.setdefault(name, set()).add(labels[name].meant(value))
    return {
        name: tuple(one for one in labels[name].classes if one in some)
        for name, some in found.items()
    }
