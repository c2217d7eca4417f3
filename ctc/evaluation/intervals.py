"""Bootstrap: how far figures might be off, had other locations or captures been judged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ctc.evaluation.figures import Counts, Tally, counted
from ctc.evaluation.known import Floats, Ints, Known

LEVEL = 0.95
# Intervals from fewer clusters are too narrow (Cameron, Gelbach & Miller 2008, doi
# 10.1162/rest.90.3.414, see that still with up to 30, and nothing sensible with a handful).
FEWEST_LOCATIONS = 10
AT_ONCE = 4_000_000  # weights in memory: 32 MB


@dataclass(frozen=True)
class Resampling:
    """How resamples are drawn.

    Attributes:
        draws: their number; 0: no intervals.
        seed: of what is drawn.
    """

    draws: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Clusters:
    """What is drawn as a whole: the captures of a location, or the pictures of a capture.

    Attributes:
        unit: `locations` or `captures`.
        of: [N], the number of each answer's cluster.
        count: of clusters.
    """

    unit: str
    of: Ints
    count: int


def clusters(known: Known) -> Clusters:
    """Return the locations as clusters where there are `FEWEST_LOCATIONS`, else the captures.

    A capture whose location is not known is a cluster of its own.
    """
    places = [
        ("capture", capture) if location is None else ("location", location)
        for capture, location in zip(known.capture_ids, known.locations, strict=True)
    ]
    by_location = len({*known.locations} - {None}) >= FEWEST_LOCATIONS
    keys = places if by_location else [("capture", capture) for capture in known.capture_ids]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    unit = "locations" if by_location else "captures"
    return Clusters(unit, np.array([numbers[key] for key in keys], np.int64), len(numbers))


def interval(
    tally: Tally,
    clusters: Clusters,
    resampling: Resampling,
    figures: Callable[[Counts], dict[str, Floats]],
) -> dict[str, tuple[Floats, Floats]]:
    """Return the ends of the 95 % percentile interval of each figure; see `resampled`."""
    drawn = resampled(tally, clusters, resampling, figures)
    return {name: ends(values) for name, values in drawn.items()}


def resampled(
    tally: Tally,
    clusters: Clusters,
    resampling: Resampling,
    figures: Callable[[Counts], dict[str, Floats]],
) -> dict[str, Floats]:
    """Return each figure in every resample, [draws] or [draws, C]; none without draws.

    Clusters are drawn with replacement (Davison & Hinkley 1997, section 3.8).

    Args:
        tally: a row an answer.
        clusters: which answers are drawn together.
        resampling: how many resamples, and their seed.
        figures: from sums to figures, [B] or [B, C] each.
    """
    if not resampling.draws or clusters.count < 2:
        return {}
    sums = tally.grouped(clusters.of, clusters.count)
    drawn = [figures(counted(sums, weights)) for weights in _weights(clusters.count, resampling)]
    return {name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}


def _weights(count: int, resampling: Resampling) -> Iterator[Floats]:
    """Yield how often each of `count` clusters is drawn, [some resamples, count]."""
    generator = np.random.default_rng(resampling.seed)
    left = resampling.draws
    while left:
        now = min(left, max(1, AT_ONCE // count))
        drawn = generator.integers(count, size=(now, count)) + np.arange(now)[:, None] * count
        yield np.bincount(drawn.ravel(), minlength=now * count).reshape(now, count).astype(float)
        left -= now


def ends(values: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the middle 95 % of what resamples [draws, ...] came to.

    A resample in which a figure is not defined (NaN) does not count for it.
    """
    tail = (1 - LEVEL) / 2
    undefined = np.isnan(values).all(axis=0)
    filled = np.where(undefined, 0.0, values)  # NumPy warns of what is never defined
    low, high = np.nanquantile(filled, [tail, 1 - tail], axis=0)
    return np.where(undefined, np.nan, low), np.where(undefined, np.nan, high)
