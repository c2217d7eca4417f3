"""Finds, for each of many things, one like it among others: the search behind `leakage`."""

import numpy as np
from numpy.typing import NDArray

from ctc.inventory.captures import UNKNOWN, Codes, Mask
from ctc.inventory.times import Times

Words = NDArray[np.uint64]

# Copies of 500 real and drawn pictures differed in at most 19 of 256 bits (JPEG quality 50, half
# the size, a third less light, a third more contrast), 98 % of those with a third more light or
# with 2 % cut off in at most 28; no two pictures of different cameras in fewer than 43.
NEAR = 28
ALL_PAIRS = 20_000_000  # so many pairs are all compared: a second
BLOCK = 1 << 16  # how many are looked at together, to keep memory flat
TURNS, WINDOW = 12, 10


def same(keys: Codes, others: Mask) -> Codes:
    """Return, for each row, a row among `others` with the same key, or `UNKNOWN`.

    Args:
        keys: [rows], 0 or more, or `UNKNOWN`, which is like nothing.
        others: [rows]: where to look.
    """
    at = np.full(keys.max(initial=-1) + 2, UNKNOWN, np.int64)  # the last: of UNKNOWN
    rows = np.flatnonzero(others & (keys != UNKNOWN))[::-1]
    at[keys[rows]] = rows  # the first row of a key is written last
    return at[keys]


def soon(places: Codes, times: Times, others: Mask, seconds: float) -> Codes:
    """Return, for each row, a row among `others` at the same place and close in time.

    Args:
        places: [rows], `UNKNOWN` where it is not known, which is close to nothing.
        times: [rows], NaT where it is not known, which is close to nothing.
        others: [rows]: where to look.
        seconds: what is close.

    Returns:
        [rows], `UNKNOWN` for none.
    """
    known = np.flatnonzero((places != UNKNOWN) & ~np.isnat(times))
    order = known[np.lexsort((times[known], places[known]))]
    found = np.full(len(places), UNKNOWN, np.int64)
    for line in (order, order[::-1]):  # the last of the others before each, then the next after
        steps = np.where(others[line], np.arange(len(line)), -1)
        last = np.maximum.accumulate(steps) if len(line) else steps
        twin = line[last]
        gap = np.abs(times[line] - times[twin]) <= np.timedelta64(round(seconds * 1e9), "ns")
        close = (last >= 0) & (places[line] == places[twin]) & gap
        found[line[close]] = twin[close]
    return found


def alike(mine: Words, theirs: Words) -> Codes:
    """Return, for each of `mine`, one of `theirs` in which at most `NEAR` bits differ.

    Up to `ALL_PAIRS` pairs, all are compared. Beyond that, `theirs` are sorted by their first 64
    bits, the coarsest, and each of `mine` is compared with the `WINDOW` nearest to its place;
    again after each rotation by 16 bits. The work grows like the number of pictures even where
    thousands look alike. What it returns is alike; a rare pair may be missed (of copies that
    differ in 5 % of their bits, hidden among a million pictures, it finds more than 99 %).

    Args:
        mine: [m, 4], perceptual hashes.
        theirs: [t, 4], where to look.

    Returns:
        [m]: the place in `theirs`, `UNKNOWN` for none.
    """
    if not len(mine) or not len(theirs):
        return np.full(len(mine), UNKNOWN, np.int64)
    if len(mine) * len(theirs) <= ALL_PAIRS:
        return _among_all(mine, theirs)
    return _among_neighbours(mine, theirs)


def _among_all(mine: Words, theirs: Words) -> Codes:
    found = np.full(len(mine), UNKNOWN, np.int64)
    step = max(1, BLOCK // len(theirs))
    for start in range(0, len(mine), step):
        away = _differing(mine[start : start + step, None], theirs[None])
        nearest = away.argmin(1)
        near = np.take_along_axis(away, nearest[:, None], 1)[:, 0] <= NEAR
        found[start : start + step] = np.where(near, nearest, UNKNOWN)
    return found


def _among_neighbours(mine: Words, theirs: Words) -> Codes:
    found = np.full(len(mine), UNKNOWN, np.int64)
    for turn in range(TURNS):
        key = _key(theirs, turn)
        order = np.argsort(key)
        key, line = key[order], theirs[order]
        left = np.flatnonzero(found == UNKNOWN)
        left = left[
            np.argsort(_key(mine[left], turn))
        ]  # neighbours in turn, which the processor's cache likes
        for start in range(0, len(left), BLOCK):
            rows = left[start : start + BLOCK]
            place = np.searchsorted(key, _key(mine[rows], turn))
            twin = _nearby(mine[rows], line, place)
            found[rows] = np.where(twin == UNKNOWN, UNKNOWN, order[twin])
    return found


def _nearby(mine: Words, line: Words, place: Codes) -> Codes:
    """Return, for each of `mine`, one like it around its place in `line`."""
    found = np.full(len(mine), UNKNOWN, np.int64)
    for offset in range(-WINDOW // 2, WINDOW // 2):
        at = np.clip(place + offset, 0, len(line) - 1)
        found = np.where(_differing(mine, line[at]) <= NEAR, at, found)
    return found


def _differing(one: Words, other: Words) -> NDArray[np.int64]:
    """Count the bits that differ; the last axis holds the words of a hash."""
    bits: NDArray[np.int64] = np.bitwise_count(one ^ other).sum(-1, dtype=np.int64)
    return bits


def _key(hashes: Words, turn: int) -> Words:
    """Return 64 of the bits of each hash, in every turn others in front."""
    word, shift = divmod(16 * turn, 64)
    if shift == 0:
        return hashes[:, word]
    return (hashes[:, word] << np.uint64(shift)) | (hashes[:, word + 1] >> np.uint64(64 - shift))
