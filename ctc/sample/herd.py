"""The animals of one capture: what they do, and where they stand so that all of them are seen."""

from dataclasses import dataclass, replace

import numpy as np

from ctc.sample.animals import BABY, KINDS
from ctc.sample.figure import Action, Individual, Pose
from ctc.sample.places import Place

Rng = np.random.Generator
ACTIONS: tuple[Action, ...] = ("standing", "resting", "moving", "eating")
ACTION_SHARES = (0.31, 0.20, 0.25, 0.24)
ASPECT = 4 / 3
SMALLEST = 0.145  # of the picture's height: what a small network can still see
OVERLAP = 0.88  # of its width an animal keeps for itself beside the next
TOUCH_M = 0.12
PACE_M = {"elephant": 0.6, "giraffe": 0.7, "lion": 0.4, "ostrich": 0.5, "zebra": 0.45}


@dataclass(frozen=True)
class Member:
    """One animal: `x` metres from the picture's left rim; `depth` > 1 is nearer than the others."""

    one: Individual
    right: bool
    x: float = 0.0
    depth: float = 1.0

    @property
    def size(self) -> float:
        """Its size relative to an adult at the herd's distance."""
        return (BABY if self.one.baby else 1.0) * self.depth


@dataclass(frozen=True)
class Herd:
    """The animals of a capture. `metre` is the size of a metre as a share of the picture's height.

    `travel` is how many metres they go to the right from one picture to the next.
    """

    kind: str
    action: Action
    interacting: bool
    metre: float
    travel: float
    members: tuple[Member, ...]

    @property
    def babies(self) -> bool:
        """Whether a small one is among them."""
        return any(member.one.baby for member in self.members)


def gather(kind: str, place: Place, pictures: int, rng: Rng) -> Herd:
    """Return a herd of 1 to 3 animals of `kind` that fits the view from `place`.

    Animals are left out until the smallest of the rest is large enough to be seen.
    """
    herd, adults, babies = _behaviour(kind, rng)
    while True:
        crowd = replace(herd, members=_members(herd, adults, babies, rng))
        arranged = _arranged(crowd, place, pictures, rng)
        if arranged is not None:
            return arranged
        if babies and (herd.interacting or adults == 1):
            babies = 0
        else:
            adults -= 1
            herd = replace(herd, interacting=False)


def _behaviour(kind: str, rng: Rng) -> tuple[Herd, int, int]:
    action = ACTIONS[int(rng.choice(4, p=ACTION_SHARES))]
    animals = int(rng.choice((1, 2, 3), p=(0.48, 0.34, 0.18)))
    babies = int(animals > 1 and rng.uniform() < 0.4)
    interacting = animals - babies > 1 and bool(rng.uniform() < 0.45)
    action = "standing" if interacting else action
    pace = PACE_M[kind] if action == "moving" else 0.0
    heading = 1.0 if rng.uniform() < 0.5 else -1.0
    return Herd(kind, action, interacting, 0.0, pace * heading, ()), animals - babies, babies


def _members(herd: Herd, adults: int, babies: int, rng: Rng) -> tuple[Member, ...]:
    coats = [int(coat) for coat in rng.integers(0, 1 << 30, adults + babies)]
    right = [herd.travel > 0 if herd.travel else bool(rng.uniform() < 0.5) for _ in coats]
    # Who faces left goes first: heads meet only where animals interact.
    right.sort()
    depths = rng.permutation([1.0, 0.92, 1.05])[: len(coats)]
    if herd.interacting:
        right[:2], depths[:2] = [True, False], [1.0, 1.0]
    grown = [
        Member(Individual(coats[i], i >= adults), right[i], depth=float(depths[i]))
        for i in range(adults + babies)
    ]
    # A small one walks nearer to the camera than its mother, who would hide it.
    return tuple(replace(m, depth=1.06) if m.one.baby else m for m in grown)


def _box(herd: Herd, member: Member) -> tuple[float, float, float]:
    """Return how far the animal reaches left, right and up from its feet, in metres."""
    draw = KINDS[herd.kind].draw
    boxes = [draw(member.one, Pose(herd.action, stride)).box() for stride in (0.0, 0.5)]
    back, front = min(b[0] for b in boxes), max(b[2] for b in boxes)
    left, right = (back, front) if member.right else (-front, -back)
    return left * member.size, right * member.size, max(b[3] for b in boxes) * member.size


def _arranged(herd: Herd, place: Place, pictures: int, rng: Rng) -> Herd | None:
    boxes = [_box(herd, member) for member in herd.members]
    starts, width = _row(herd, boxes)
    path = abs(herd.travel) * (pictures - 1)
    low = SMALLEST / min(box[2] for box in boxes)
    high = _nearest(place, boxes, width + path)
    if high < low and len(boxes) > 1:
        return None
    kind = KINDS[herd.kind]
    metre = min(high, max(low, float(rng.uniform(kind.far, kind.near))))
    slack = ASPECT / metre - width - path
    first = max(0.0, slack) * float(rng.uniform(0.08, 0.92)) + (path if herd.travel < 0 else 0.0)
    members = tuple(replace(m, x=first + x) for m, x in zip(herd.members, starts, strict=True))
    return replace(herd, metre=metre, members=members)


def _row(herd: Herd, boxes: list[tuple[float, float, float]]) -> tuple[list[float], float]:
    """Return where the feet are when the animals stand in a row, and how long the row is."""
    feet, edge = [], 0.0
    for i, (left, right, _) in enumerate(boxes):
        feet.append(edge - left)
        touching = herd.interacting and i == 0
        edge = feet[-1] + (right - TOUCH_M if touching else left + (right - left) * OVERLAP)
    width = max(foot + box[1] for foot, box in zip(feet, boxes, strict=True))
    return feet, width


def _nearest(place: Place, boxes: list[tuple[float, float, float]], width: float) -> float:
    """Return the largest metre at which the row fits the picture."""
    tallest = max(box[2] for box in boxes)
    over = max(tallest - place.eye, 1e-9)
    return min(
        (place.horizon - 0.03) / over,
        (0.95 - place.horizon) / (place.eye * 1.06),
        0.97 * ASPECT / width,
    )
