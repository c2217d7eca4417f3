"""The file that gives classes their order and says which are merged.

    {"species": {"lion": 0, "zebra": 1, "lionMale": "lion", "lionFemale": "lion"}}

Of each label, a class has its place, counted from 0, or the class that it counts as. Where no class
has a place, the classes are those that occur. The file of places alone is what the 2019 tool wrote
as `label_mapping.json`.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ctc import storage
from ctc.errors import BadInput
from ctc.labels import Label


@dataclass(frozen=True)
class GivenClasses:
    """What is said of the classes of a label.

    Attributes:
        order: the classes; none: those that occur, sorted.
        merged: values that count as another class, with that class.
    """

    order: tuple[str, ...] = ()
    merged: Mapping[str, str] = field(default_factory=dict)


ClassMap = Mapping[str, GivenClasses]  # by the name of the label


def read_class_map(uri: str) -> ClassMap:
    """Read the file `classes`.

    Raises:
        BadInput: if there is none, if it is no such file, and for places or merged classes that
            contradict each other.
    """
    try:
        content = json.loads(storage.read_bytes(uri), object_pairs_hook=_no_name_twice)
    except BadInput as error:
        raise BadInput(f"classes: '{uri}': {error}") from error
    except OSError as error:
        raise BadInput(f"classes: '{uri}': {storage.why_not_read(error)}") from error
    except ValueError as error:
        raise BadInput(f"classes: '{uri}' is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadInput(f"classes: '{uri}': found no label; allowed: {{LABEL: {{CLASS: PLACE}}}}")
    where = f"classes: '{uri}': label"
    return {label: _given(f"{where} '{label}'", said) for label, said in content.items()}


def as_class_map(labels: tuple[Label, ...]) -> dict[str, dict[str, int | str]]:
    """Return labels as the content of such a file."""
    return {
        label.name: {name: place for place, name in enumerate(label.classes)} | {**label.merged}
        for label in labels
    }


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise BadInput(f"'{name}' stands there twice")
    return dict(pairs)


def _given(where: str, said: Any) -> GivenClasses:
    if not isinstance(said, dict) or not said:
        raise BadInput(f"{where}: found {json.dumps(said)}; allowed: {{CLASS: PLACE}}")
    for name, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise BadInput(
                f"{where}: found {json.dumps(value)} for '{name}'; allowed: its place, a number, "
                "or the class that it counts as"
            )
    placed = {name: value for name, value in said.items() if isinstance(value, int)}
    merged = {name: value for name, value in said.items() if isinstance(value, str)}
    _check_merged(where, placed, merged)
    return GivenClasses(_ordered(where, placed), merged)


def _ordered(where: str, placed: Mapping[str, int]) -> tuple[str, ...]:
    by_place: dict[int, str] = {}
    for name, place in placed.items():
        if place in by_place:
            raise BadInput(
                f"{where}: '{by_place[place]}' and '{name}' both have the place {place}; to merge "
                f'them, write the class that both count as: "{name}": "{by_place[place]}"'
            )
        by_place[place] = name
    if {*by_place} != {*range(len(by_place))}:
        found = ", ".join(map(str, sorted(by_place)))
        raise BadInput(f"{where}: found the places {found}; allowed: 0, 1, 2 and so on")
    return tuple(by_place[place] for place in sorted(by_place))


def _check_merged(where: str, placed: Mapping[str, int], merged: Mapping[str, str]) -> None:
    for name, target in merged.items():
        if target in merged or (placed and target not in placed):
            lacking = "counts as another itself" if target in merged else "has no place"
            raise BadInput(f"{where}: '{name}' is to count as '{target}', which {lacking}")
