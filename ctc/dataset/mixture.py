"""Several datasets read as one: those of other places are mixed in, each as often as asked."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property

from ctc.dataset.class_map import ClassMap, GivenClasses, read_class_map
from ctc.dataset.manifest import Counts, Dataset, open_dataset
from ctc.dataset.period import Period, united
from ctc.dataset.records import Record
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.parameter import above_zero

MOST = 100.0  # times that an epoch shows a capture: more is a folder's name that ends so


@dataclass(frozen=True)
class Part:
    """A dataset of a mixture.

    Attributes:
        dataset: what is read.
        weight: how often an epoch of training shows each of its captures: 2 shows each twice, 0.3
            shows another three of ten each epoch.
    """

    dataset: Dataset
    weight: float = 1.0

    def captures(self, splits: tuple[str, ...]) -> int:
        """Return the number of captures of some splits."""
        return sum(shard.captures for shard in self.dataset.shards_of(splits))

    def shown(self, splits: tuple[str, ...]) -> int:
        """Return the number of captures of some splits that an epoch of training shows."""
        return round(self.weight * self.captures(splits))


@dataclass(frozen=True)
class Mixture:
    """One or several datasets with the face of one.

    Splits of the same name are one split, labels and classes of the same name are one.

    Attributes:
        parts: the datasets.
        given: what is said of classes: their order, and which are merged.
    """

    parts: tuple[Part, ...]
    given: ClassMap = field(default_factory=dict)

    @classmethod
    def of(cls, *datasets: Dataset) -> "Mixture":
        """Return datasets with every capture shown once an epoch."""
        return cls(tuple(Part(dataset) for dataset in datasets))

    def continuing(self, labels: Iterable[Label]) -> "Mixture":
        """Return the same, with what labels merge merged too, as a model knows them."""
        given = dict(self.given)
        for label in labels:
            own = given.get(label.name, GivenClasses())
            merged = {name: label.meant(target) for name, target in own.merged.items()}
            given[label.name] = GivenClasses(own.order, {**label.merged, **merged})
        return replace(self, given=given)

    def each(self, change: Callable[[Part], Part]) -> "Mixture":
        """Return the same with each dataset as `change` has it, at another place, say."""
        return replace(self, parts=tuple(map(change, self.parts)))

    @property
    def name(self) -> str:
        """The datasets, for sentences."""
        return ", ".join(f"'{part.dataset.uri}'" for part in self.parts)

    @property
    def digests(self) -> tuple[str, ...]:
        """Of the content of each dataset."""
        return tuple(part.dataset.digest for part in self.parts)

    @property
    def digest(self) -> str:
        """Of all that is learnt from, how often it is shown, and as what: 32 hexadecimal digits."""
        read = [[part.dataset.digest, part.weight] for part in self.parts]
        given = {label: [one.order, {**one.merged}] for label, one in self.given.items()}
        content = json.dumps([read, given], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    @cached_property
    def values(self) -> Counts:
        """Captures per label, split and value, as the datasets have them, each counted once."""
        united: Counts = {}
        for part in self.parts:
            for label, of_split in part.dataset.labels.items():
                of_label = united.setdefault(label, {})
                for split, values in of_split.items():
                    counts = Counter(of_label.get(split, {})) + Counter(values)
                    of_label[split] = dict(counts)
        return united

    @cached_property
    def labels(self) -> Counts:
        """Captures per label, split and class, each counted once."""
        return {
            label: {split: self._merged(label, values) for split, values in of_split.items()}
            for label, of_split in self.values.items()
        }

    @property
    def splits(self) -> dict[str, int]:
        """Captures of each split."""
        counts: Counter[str] = Counter()
        for part in self.parts:
            counts.update(part.dataset.splits)
        return dict(counts)

    def locations(self, splits: tuple[str, ...]) -> frozenset[str]:
        """Return the names of the locations of some splits."""
        of_part = (part.dataset.locations for part in self.parts)
        return frozenset(x for named in of_part for split in splits for x in named.get(split, ()))

    def period(self, splits: tuple[str, ...]) -> Period | None:
        """Return when the captures of some splits were taken, as far as that is known."""
        of_part = (part.dataset.periods for part in self.parts)
        return united(known.get(split) for known in of_part for split in splits)

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the splits of any dataset whose name fits a pattern such as `val*`.

        Raises:
            BadInput: if none does, with those that exist.
        """
        found = tuple(split for split in self.splits if fnmatchcase(split, pattern))
        if not found:
            have = f"{'they have' if len(self.parts) > 1 else 'it has'}: {', '.join(self.splits)}"
            raise BadInput(f"no split of {self.name} matches '{pattern}'; {have}")
        return found

    def matching_in_each(self, pattern: str) -> tuple[str, ...]:
        """Return the splits whose name fits a pattern, of which every dataset has one.

        Raises:
            BadInput: for a dataset that has none, with those it has.
        """
        found = [split for part in self.parts for split in part.dataset.matching(pattern)]
        return tuple(dict.fromkeys(found))

    def records(self, splits: tuple[str, ...]) -> Iterator[Record]:
        """Yield the captures of some splits, one dataset after the other.

        Raises:
            OSError: for a damaged shard.
        """
        for part in self.parts:
            yield from part.dataset.records(splits)

    def counts(self, label: str, splits: tuple[str, ...]) -> dict[str, int]:
        """Return the captures of each class of a label in some splits, sorted by class."""
        counts: Counter[str] = Counter()
        for split in splits:
            counts.update(self.labels[label].get(split, {}))
        return dict(sorted(counts.items()))

    def shown(self, label: str, splits: tuple[str, ...]) -> dict[str, float]:
        """Return how many captures of each class of a label an epoch shows, sorted by class."""
        shown: dict[str, float] = {}
        for part in self.parts:
            for split in splits:
                values = part.dataset.labels.get(label, {}).get(split, {})
                for name, captures in self._merged(label, values).items():
                    shown[name] = shown.get(name, 0.0) + part.weight * captures
        return dict(sorted(shown.items()))

    def classes(self, label: str, splits: tuple[str, ...]) -> Label:
        """Return a label with its classes: those that are given, else those that occur, sorted.

        Raises:
            BadInput: if fewer than two occur in the splits, for there is nothing to learn then.
        """
        given = self.given.get(label, GivenClasses())
        occurring = tuple(self.counts(label, splits))
        found = tuple(name for name in occurring if name in (given.order or occurring))
        if len(found) < 2:
            has = ", ".join(found) or "no class"
            raise BadInput(f"label '{label}' has {has} in {', '.join(splits)}; it needs two")
        return Label(label, given.order or found, given.merged)

    def _merged(self, label: str, values: Mapping[str, int]) -> dict[str, int]:
        merged = self.given.get(label, GivenClasses()).merged
        counts: dict[str, int] = {}
        for value, captures in values.items():
            name = merged.get(value, value)
            counts[name] = counts.get(name, 0) + captures
        return counts


def open_mixture(words: Iterable[str], classes: str | None = None) -> Mixture:
    """Open the datasets that are named, each as a path or as PATH=NUMBER with its weight.

    Args:
        words: the datasets.
        classes: file that says what their classes are; see `class_map`.

    Raises:
        BadInput: if none is named, one cannot be opened (see `open_dataset`), a weight cannot be,
            if two are the same dataset, and for classes of labels that there are not.
    """
    parts: list[Part] = []
    for word in words:
        uri, weight = _weighed(word)
        part = Part(open_dataset(uri), weight)
        for other in parts:
            if other.dataset.digest == part.dataset.digest:
                raise BadInput(
                    f"dataset: '{other.dataset.uri}' and '{uri}' are the same; {uri}=2 shows each "
                    "of its captures twice an epoch"
                )
        parts.append(part)
    if not parts:
        raise BadInput("dataset: none is named; allowed: one or several, as PATH or PATH=NUMBER")
    mixture = Mixture(tuple(parts), read_class_map(classes) if classes else {})
    for label in mixture.given:
        if label not in mixture.labels:
            raise BadInput(
                f"classes: '{classes}': no label '{label}' in {mixture.name}; there is: "
                f"{', '.join(mixture.labels) or 'none'}"
            )
    return mixture


def _weighed(word: str) -> tuple[str, float]:
    """Read PATH=NUMBER; what is no number behind the last "=" is a part of the path."""
    uri, equals, number = word.rpartition("=")
    if not equals or not _is_number(number):
        return word, 1.0
    weight = above_zero(number)
    if weight is None or weight > MOST or not uri:
        raise BadInput(
            f"dataset: found '{word}'; allowed: PATH=NUMBER with a number above 0 and at most "
            f"{MOST:g}; behind a path that ends so stands its weight: '{word}=1'"
        )
    return uri, weight


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
