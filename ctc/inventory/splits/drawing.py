"""Draws, by the seed, one of the ways to divide groups that are nearly as good as the best."""

from collections.abc import Sequence

import numpy as np

from ctc.inventory.captures import Codes
from ctc.inventory.splits.costs import Amounts, Goal

Step = tuple[tuple[int, int], ...]  # groups with the splits they go to

NEAR = 0.02  # so much more than the best may cost, as a part of what that costs,
SLIGHT = 1e-6  # and so much besides: a split of 15 % of all captures is off by 0.04 % of them
STEPS = 1000  # moves and swaps tried


def draw_one(table: Amounts, goal: Goal, found: Sequence[Codes], rng: np.random.Generator) -> Codes:
    """Return a way to divide groups that costs at most `NEAR` and `SLIGHT` more than the best.

    Where there are few groups, every search ends at the same best one, and splits of another seed
    would be no others. So a random walk goes from one of the best, as long as it costs no more.

    Args:
        table: [groups, columns]: the captures of each group.
        goal: what the splits should have.
        found: ways to divide them, each [groups]: the split of each.
        rng: draws.

    Returns:
        [groups]: the split of each.
    """
    costs = np.array([goal.whole_cost(table, split_of) for split_of in found])
    limit = float(costs.min()) * (1 + NEAR) + SLIGHT
    start = found[int(rng.choice(np.flatnonzero(costs <= limit)))]
    return _walk(table, goal, start.copy(), limit, rng)


def _walk(
    table: Amounts, goal: Goal, split_of: Codes, limit: float, rng: np.random.Generator
) -> Codes:
    has = np.stack([table[split_of == split].sum(0) for split in goal.splits])
    for _ in range(STEPS):
        step = _any_step(split_of, goal, rng)
        after = has.copy()
        for group, split in step:
            after[split_of[group]] -= table[group]
            after[split] += table[group]
        if sum(float(goal.cost(split, after[split])) for split in goal.splits) <= limit:
            has = after
            for group, split in step:
                split_of[group] = split
    return split_of


def _any_step(split_of: Codes, goal: Goal, rng: np.random.Generator) -> Step:
    """Move any group to any split, or swap any two."""
    one, other = rng.integers(0, len(split_of), 2).tolist()
    if rng.random() < 0.5:
        return ((one, int(rng.integers(0, len(goal.splits)))),)
    return ((one, int(split_of[other])), (other, int(split_of[one])))
