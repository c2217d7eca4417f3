"""How far splits are from what they should have: captures of groups counted, and their cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctc.inventory.captures import UNKNOWN, Codes

Amounts = NDArray[np.float64]

EMPTY = 1000.0  # what a split without any capture costs: more than all else together
MISSING = 1.0  # what a class costs in a split that has none of it, times the class's weight


@dataclass(frozen=True)
class Counts:
    """Captures per group and class: a sparse table, a row a group.

    Column 0 counts all captures; each label's classes follow.

    Attributes:
        start: [groups + 1]: where each group's cells begin.
        column: [cells]: the column of each cell.
        amount: [cells]: its captures.
        weight: [columns]: how much a column matters; a label's classes add up to 1, and all
            captures count as much as all labels together.
    """

    start: Codes
    column: Codes
    amount: Amounts
    weight: Amounts

    @classmethod
    def of(cls, groups: Codes, classes: Sequence[Codes]) -> "Counts":
        """Count (see `ctc.inventory.splits.assigning.assign_groups`)."""
        weights = [np.array([max(1.0, len(classes))])]
        columns = [np.zeros(len(groups), np.int64)]
        for codes in classes:
            present, column = np.unique(codes[codes != UNKNOWN], return_inverse=True)
            columns.append(np.full(len(groups), UNKNOWN, np.int64))
            columns[-1][codes != UNKNOWN] = column + sum(map(len, weights))
            weights.append(np.full(len(present), 1 / max(1, len(present))))
        weight = np.concatenate(weights)
        pairs = [(groups * len(weight) + column)[column != UNKNOWN] for column in columns]
        cells, amount = np.unique(np.concatenate(pairs), return_counts=True)
        row, column = np.divmod(cells, len(weight))
        start = np.searchsorted(row, np.arange(groups.max(initial=-1) + 2))
        return cls(start, column, amount.astype(np.float64), weight)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.start) - 1

    @property
    def row(self) -> Codes:
        """The group of each cell, [cells]."""
        return np.repeat(np.arange(self.groups), np.diff(self.start))

    @property
    def total(self) -> Amounts:
        """Captures of each column, [columns]."""
        total: Amounts = np.bincount(self.column, self.amount, len(self.weight)).astype(np.float64)
        return total

    def dot(self, columns: Amounts) -> Amounts:
        """Return the sum of each group's captures times a number a column, [groups]."""
        sums = np.bincount(self.row, self.amount * columns[self.column], self.groups)
        return sums.astype(np.float64)

    def dense(self) -> Amounts:
        """Return the whole table, [groups, columns]."""
        table = np.zeros((self.groups, len(self.weight)))
        table[self.row, self.column] = self.amount
        return table


@dataclass(frozen=True)
class Goal:
    """What a split should have of each column, and what it costs to be away from that.

    Attributes:
        target: [splits, columns]: captures wanted.
        scale: [splits, columns]: what a squared deviation costs.
        missing: [columns]: what it costs to have none.
    """

    target: Amounts
    scale: Amounts
    missing: Amounts

    @classmethod
    def of(cls, counts: Counts, shares: Amounts) -> "Goal":
        """Want of each column the shares of the splits, [splits]."""
        target = shares[:, None] * counts.total
        missing = counts.weight * MISSING
        missing[0] = EMPTY
        return cls(target, counts.weight / (target * counts.total), missing)

    @property
    def splits(self) -> range:
        """The numbers of the splits."""
        return range(len(self.target))

    def cost(self, split: int, has: Amounts) -> Amounts:
        """Return what it costs that a split has `has`, [..., columns], summed over columns."""
        away: Amounts = (has - self.target[split]) ** 2 * self.scale[split]
        cost: Amounts = away.sum(-1) + ((has == 0) * self.missing).sum(-1)
        return cost

    def whole_cost(self, table: Amounts, split_of: Codes) -> float:
        """Return what it costs that groups with the captures `table` are in these splits."""
        return sum(
            float(self.cost(split, table[split_of == split].sum(0))) for split in self.splits
        )
