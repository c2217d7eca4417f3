"""Gives each group of captures to one split, so that shares and classes come out as asked.

scikit-learn's StratifiedGroupKFold was looked at and is not used: its folds are all of one size,
it knows one label, and it takes minutes for 300,000 groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ctc.inventory.captures import UNKNOWN, Codes
from ctc.inventory.splits.costs import Amounts, Counts, Goal
from ctc.inventory.splits.drawing import Step, draw_one

ONE_BY_ONE = 100_000  # groups that are dealt one after the other: a second
FEW_CELLS = 200_000  # groups times classes; up to here, groups are moved as long as that helps
FEW_PAIRS = 3_000_000  # numbers to be looked at for a best swap of two groups
STARTS, FEW_GROUPS = 8, 60  # so few groups are improved from several starts, some at random
STEPS = 1000  # moves and swaps at most
GAIN = 1e-9  # less than this is a matter of rounding
GOLDEN = (5**0.5 - 1) / 2  # its multiples fill 0 to 1 evenly: H. Weyl, doi 10.1007/BF01475864


def assign_groups(
    groups: Codes, classes: Sequence[Codes], shares: Sequence[float], seed: int
) -> Codes:
    """Return the split of each group.

    A split should have its share of the captures and of those of each class. The cost is the sum
    of squared deviations from that, each divided by what is expected (as in chi-square), with
    every label as a whole weighing the same, all captures as much as all labels, and an extra
    cost for a class that a split has none of. Groups are dealt from the largest to the smallest
    to where they cost least; then, where there are few, they are moved and swapped as long as
    that helps, and one of the ways that cost hardly more than the best is drawn. Where there are
    very many, most of them are spread evenly before.

    Args:
        groups: [captures]: the group of each, from 0; every number is used.
        classes: for each label, [captures]: the class of each, `UNKNOWN` where it is missing.
        shares: of the splits; they add up to 1.
        seed: deals groups of one size in another order, and draws among what is nearly as good.

    Returns:
        [groups]: the place of each one's split in `shares`.
    """
    counts = Counts.of(groups, classes)
    goal = Goal.of(counts, np.asarray(shares))
    rng = np.random.default_rng(seed)
    dealt = _deal(counts, goal, _spread(counts, np.asarray(shares), rng), rng)
    if counts.groups * len(counts.weight) > FEW_CELLS:
        return dealt
    table = counts.dense()
    others = STARTS - 1 if counts.groups <= FEW_GROUPS else 0
    random = rng.integers(0, len(shares), (others, counts.groups))
    improved = [_improve(table, goal, start) for start in (dealt, *random)]
    return draw_one(table, goal, improved, rng)


def _spread(counts: Counts, shares: Amounts, rng: np.random.Generator) -> Codes:
    """Spread all but the weightiest groups over the splits, those of equal content evenly.

    A group is weighty that holds a large part of a class. The splits of the weighty ones, which
    can set right what is uneven, are left `UNKNOWN`.
    """
    split_of = np.full(counts.groups, UNKNOWN, np.int64)
    if counts.groups > ONE_BY_ONE:
        part = counts.amount / counts.total[counts.column]
        weight = np.maximum.reduceat(part, counts.start[:-1])
        light = np.argsort(-weight, kind="stable")[ONE_BY_ONE:]
        content = counts.dot(rng.random(len(counts.weight)))[light]  # equal where groups are equal
        line = light[np.lexsort((rng.permutation(len(light)), content))]
        place = np.arange(len(line)) * GOLDEN % 1
        split_of[line] = np.searchsorted(np.cumsum(shares)[:-1], place, side="right")
    return split_of


def _deal(counts: Counts, goal: Goal, split_of: Codes, rng: np.random.Generator) -> Codes:
    """Give the groups that are nowhere yet, the largest first, to where each costs least."""
    nowhere = np.flatnonzero(split_of == UNKNOWN)
    size = counts.dot((np.arange(len(counts.weight)) == 0).astype(np.float64))[nowhere]
    order = nowhere[np.lexsort((rng.permutation(len(nowhere)), -size))]
    hand = _Hand.of(goal, _has(counts, goal, split_of))
    split_of = split_of.copy()
    for group in order.tolist():
        cells = slice(counts.start[group], counts.start[group + 1])
        split_of[group] = hand.give(counts.column[cells], counts.amount[cells])
    return split_of


def _has(counts: Counts, goal: Goal, split_of: Codes) -> Amounts:
    """What the splits have so far, [splits, columns]."""
    split = split_of[counts.row]
    amounts = [np.where(split == each, counts.amount, 0.0) for each in goal.splits]
    columns = len(counts.weight)
    return np.stack([np.bincount(counts.column, amount, columns) for amount in amounts])


@dataclass
class _Hand:
    """What splits have while groups are dealt, as the cost of one capture more.

    Columns are rows here, and what a single capture costs is kept ready, for groups come one by
    one, most of them single captures.

    Attributes:
        slope: [columns, splits]: what the next capture of a column costs.
        scale: [columns, splits]: half of what that grows by with each capture.
        bonus: [columns, splits]: what the first capture of a column saves; 0 after it.
    """

    slope: Amounts
    scale: Amounts
    bonus: Amounts

    @classmethod
    def of(cls, goal: Goal, has: Amounts) -> "_Hand":
        slope = goal.scale * (1 + 2 * (has - goal.target))
        bonus = np.where(has == 0, goal.missing, 0.0)
        return cls(*(np.ascontiguousarray(part.T) for part in (slope, goal.scale, bonus)))

    def give(self, column: Codes, amount: Amounts) -> int:
        """Give a group to the split where it costs least, and return that."""
        slope, scale = self.slope.take(column, 0), self.scale.take(column, 0)
        cost = amount @ slope + (amount * (amount - 1)) @ scale - self.bonus.take(column, 0).sum(0)
        split = int(cost.argmin())
        self.slope[column, split] += 2 * scale[:, split] * amount
        self.bonus[column, split] = 0
        return split


def _improve(table: Amounts, goal: Goal, split_of: Codes) -> Codes:
    """Move one group, or swap two, as long as that costs less; the best such step first."""
    split_of = split_of.copy()
    for _ in range(STEPS):
        step = _best_move(table, goal, split_of) or _best_swap(table, goal, split_of)
        if step is None:
            break
        for group, split in step:
            split_of[group] = split
    return split_of


def _best_move(table: Amounts, goal: Goal, split_of: Codes) -> Step | None:
    change = np.empty((len(table), len(goal.splits)))
    left = np.empty(len(table))
    for split in goal.splits:
        own = split_of == split
        has = table[own].sum(0)
        now = goal.cost(split, has)
        left[own] = goal.cost(split, has - table[own]) - now
        change[:, split] = goal.cost(split, has + table) - now
        change[own, split] = np.inf
    change += left[:, None]
    group, to = np.unravel_index(change.argmin(), change.shape)
    return ((int(group), int(to)),) if change[group, to] < -GAIN else None


def _best_swap(table: Amounts, goal: Goal, split_of: Codes) -> Step | None:
    best, step = -GAIN, None
    pairs = [(one, other) for one in goal.splits for other in range(one)]
    for one, other in pairs:
        mine, theirs = np.flatnonzero(split_of == one), np.flatnonzero(split_of == other)
        if not 0 < len(mine) * len(theirs) * table.shape[1] <= FEW_PAIRS:
            continue
        change = _changes(table, goal, (one, mine), (other, theirs))
        if change.min() < best:
            best = float(change.min())
            a, b = np.unravel_index(change.argmin(), change.shape)
            step = ((int(mine[a]), other), (int(theirs[b]), one))
    return step


def _changes(
    table: Amounts, goal: Goal, one: tuple[int, Codes], other: tuple[int, Codes]
) -> Amounts:
    """What it costs more to swap a group of one split with one of the other, [mine, theirs]."""
    (split, mine), (another, theirs) = one, other
    more = table[theirs][None] - table[mine][:, None]
    has, others = table[mine].sum(0), table[theirs].sum(0)
    before = goal.cost(split, has) + goal.cost(another, others)
    change: Amounts = goal.cost(split, has + more) + goal.cost(another, others - more) - before
    return change
