"""Who passes which camera when: the captures of a survey, before anything is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ctc.sample.animals import KINDS
from ctc.sample.places import PLACES

# By location: six to train on, two to validate, two to test.
# A split has locations of its own, as an honest one has; every kind of landscape (water, rocks,
# forest) is among those of training, for six cameras are too few to learn what was never seen.
SPLITS = ("train", "train", "val", "train", "train", "train", "test", "val", "test", "train")
EMPTY_SHARE = 0.4
NIGHT_SHARE = 0.35
START = datetime(2024, 5, 3)
SEASON_DAYS = 150
SLOTS = 720  # minutes of a day's light half, or of its dark half
SEED = 20_000_000  # the first seed of a plan; those of captures and backgrounds are below it


@dataclass(frozen=True)
class Capture:
    """One firing of a camera: `kind` is None when nothing is there, one time per picture.

    `place` is the index of the location.
    """

    number: int
    place: int
    kind: str | None
    times: tuple[datetime, ...]

    @property
    def night(self) -> bool:
        """Whether the camera needs its infrared flash: before 6 or from 18 o'clock on."""
        return not 6 <= self.times[0].hour < 18

    @property
    def name(self) -> str:
        """The id of the capture."""
        return f"{PLACES[self.place].name}_{self.number:06d}"

    @property
    def split(self) -> str:
        """The split that its location belongs to."""
        return SPLITS[self.place]


def plan(captures: int, seed: int) -> list[Capture]:
    """Return `captures` captures, in the order of their numbers; those of a location go in time."""
    places = [number % len(PLACES) for number in range(captures)]
    kinds = _kinds(places, seed)
    days = season_days(captures)
    times = [
        iter(_times(places.count(i), days, [seed, SEED + 100 + i])) for i in range(len(PLACES))
    ]
    return [
        Capture(number, place, kinds[number], next(times[place]))
        for number, place in enumerate(places)
    ]


def season_days(captures: int) -> int:
    """Return for how many days the cameras hang: enough to give every capture its own minute."""
    return max(SEASON_DAYS, captures // 100)


def plan_broken(captures: int, broken: int) -> list[Capture]:
    """Return `broken` captures of one picture after the season of `captures` captures.

    The good captures stay what they are without them.
    """
    end = START + timedelta(days=season_days(captures) + 2, hours=7)
    names = list(KINDS)
    return [
        Capture(
            captures + j,
            (captures + j) % len(PLACES),
            names[j % len(names)],
            (end + timedelta(days=j // 10, hours=j % 10),),
        )
        for j in range(broken)
    ]


def _kinds(places: Sequence[int], seed: int) -> dict[int, str | None]:
    """Deal each split its own shuffled deck, so that all classes come equally often in it."""
    kinds: dict[int, str | None] = {}
    for index, split in enumerate(("train", "val", "test")):
        numbers = [n for n, place in enumerate(places) if SPLITS[place] == split]
        deck = _deck(len(numbers), np.random.default_rng([seed, SEED + index]))
        kinds.update(zip(numbers, deck, strict=True))
    return kinds


def _deck(cards: int, rng: np.random.Generator) -> list[str | None]:
    names = list(KINDS)
    first = int(rng.integers(len(names)))
    empty = round(EMPTY_SHARE * cards)
    deck: list[str | None] = [None] * empty
    deck += [names[(first + i) % len(names)] for i in range(cards - empty)]
    return [deck[i] for i in rng.permutation(cards)]


def _times(captures: int, days: int, seed: list[int]) -> list[tuple[datetime, ...]]:
    """Return the times of the pictures of each capture of one location, in order."""
    rng = np.random.default_rng(seed)
    dark = int(NIGHT_SHARE * captures + rng.uniform())
    minutes = [*_minutes(rng, days, captures - dark, 360), *_minutes(rng, days, dark, 1080)]
    return [_burst(rng, minute) for minute in sorted(minutes)]


def _minutes(rng: np.random.Generator, days: int, count: int, first: int) -> list[int]:
    slots = rng.choice(days * SLOTS, count, replace=False)
    return [int(slot) // SLOTS * 1440 + first + int(slot) % SLOTS for slot in slots]


def _burst(rng: np.random.Generator, minute: int) -> tuple[datetime, ...]:
    start = START + timedelta(minutes=minute, seconds=int(rng.integers(50)))
    gaps = rng.integers(1, 3, int(rng.integers(1, 4)) - 1)
    offsets = np.concatenate([[0], np.cumsum(gaps)])
    return tuple(start + timedelta(seconds=int(offset)) for offset in offsets)
