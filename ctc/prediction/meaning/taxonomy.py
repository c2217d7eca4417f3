"""Groups of classes, and rolling up to them: a family may be sure where its species are not."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ctc.errors import BadInput
from ctc.inventory.sources.delimited import CsvTable
from ctc.labels import Label

SCIENTIFIC_NAME = "scientificName"  # a column that names the class itself, not a group of it


@dataclass(frozen=True)
class Group:
    """A group that is sure.

    Attributes:
        name: such as Equidae.
        rank: the column it stands in, such as family.
        probability: the sum over its classes, 0..1.
    """

    name: str
    rank: str
    probability: float


@dataclass(frozen=True)
class Taxonomy:
    """A table of classes and the groups they belong to.

    Attributes:
        rank: what classes are, by the name of their column, such as species.
        ranks: columns of groups, from the narrowest to the widest.
        groups: of each class its group at each of `ranks`; None where it has none.
        scientific_names: of classes, where the table has them.
    """

    rank: str
    ranks: tuple[str, ...]
    groups: Mapping[str, tuple[str | None, ...]]
    scientific_names: Mapping[str, str]

    def covers(self, label: Label) -> bool:
        """Return whether some class of a label belongs to a group."""
        return any(any(self.groups.get(name, ())) for name in label.classes)

    def line(self, name: str) -> tuple[str, ...]:
        """Return the groups that a class belongs to, wide ones first; none where it has none."""
        return tuple(group for group in reversed(self.groups.get(name, ())) if group)

    def surest(self, probabilities: Mapping[str, float], at_least: float) -> Group | None:
        """Return the narrowest group that is sure: the likeliest one of its rank.

        The way of the ensemble of SpeciesNet (Gadot et al. 2024, doi 10.1049/cvi2.12318;
        google/cameratrapai): the probabilities of all classes of a group are added up, rank by
        rank from the narrowest, and the first that reaches the threshold stands.
        """
        for place, rank in enumerate(self.ranks):
            sums: dict[str, float] = defaultdict(float)
            for name, value in probabilities.items():
                group = self.groups[name][place] if name in self.groups else None
                if group is not None:
                    sums[group] += value
            best = max(sums, key=sums.__getitem__, default=None)
            if best is not None and sums[best] >= at_least:
                return Group(best, rank, min(sums[best], 1.0))
        return None


def read_taxonomy(uri: str, labels: Sequence[Label]) -> Taxonomy:
    """Read a CSV: a class in the first column, its groups in the others, narrow ones first.

    A column `scientificName` names the class itself. An empty cell is no group.

    Raises:
        BadInput: if it cannot be read, has no column of groups or names, has a class twice, or
            knows no class of the classifier.
    """
    table = CsvTable.open(uri)
    names = [name for name in table.header if name]
    if len(names) < 2:
        raise BadInput(
            f"taxonomy: '{uri}' has the columns {table.names}; allowed: the class, then a column "
            "for each rank of its groups"
        )
    rows = [[*row.values()] for row in table.rows(names).to_pylist()]
    _check_classes([row[0] for row in rows], labels, uri)
    ranks = tuple(name for name in names[1:] if name != SCIENTIFIC_NAME)
    columns = [names.index(rank) for rank in ranks]
    named = names.index(SCIENTIFIC_NAME) if SCIENTIFIC_NAME in names[1:] else None
    return Taxonomy(
        names[0],
        ranks,
        {row[0]: tuple(row[column] for column in columns) for row in rows},
        {} if named is None else {row[0]: row[named] for row in rows if row[named]},
    )


def _check_classes(found: Sequence[str | None], labels: Sequence[Label], uri: str) -> None:
    seen: set[str] = set()
    for number, name in enumerate(found, 1):
        if name is None or name in seen:
            what = "no class" if name is None else f"the class '{name}' again"
            raise BadInput(
                f"taxonomy: '{uri}', data row {number}: found {what}; allowed: each once"
            )
        seen.add(name)
    known = [name for label in labels for name in label.classes]
    if not seen.intersection(known):
        raise BadInput(
            f"taxonomy: '{uri}' knows no class of the classifier; it has: {', '.join(known)}"
        )
