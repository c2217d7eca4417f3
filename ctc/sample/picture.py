"""The pictures of a capture: the scene of its location with its animals, or with the wind alone."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ctc.sample.animals import KINDS, sprite
from ctc.sample.camera import XY, Light, Placed, develop, expose, fringe, overlay
from ctc.sample.figure import Pose
from ctc.sample.herd import Herd, Member, gather
from ctc.sample.plan import Capture
from ctc.sample.scenes import Scene

Rng = np.random.Generator
STRIDE = 0.28  # of a full cycle of steps between two pictures


@dataclass(frozen=True)
class Shot:
    """What stays the same through the burst of one capture.

    `shift` is the camera's in pixels; `shrub` hides part of an animal; `twig` blows by.
    """

    scene: Scene
    light: Light
    herd: Herd | None
    size: tuple[int, int]
    shift: tuple[int, int]
    phase: float
    sway: int
    shrub: bool
    twig: bool


def take(
    capture: Capture, scene: Scene, size: tuple[int, int], seed: int
) -> tuple[Herd | None, list[Image.Image]]:
    """Return the animals of `capture` and its pictures of `size` pixels, one per time."""
    rng = np.random.default_rng([seed, capture.number])
    shot = _shot(capture, scene, size, rng)
    return shot.herd, [_picture(shot, index, rng) for index in range(len(capture.times))]


def _shot(capture: Capture, scene: Scene, size: tuple[int, int], rng: Rng) -> Shot:
    herd = None
    if capture.kind is not None:
        herd = gather(capture.kind, scene.place, len(capture.times), rng)
    limit = [max(1, round(0.01 * side)) for side in size]
    shift = [int(rng.integers(-most, most + 1)) for most in limit]
    haze = float(rng.uniform(0.12, 0.3)) if rng.uniform() < 0.12 else 0.0
    time = capture.times[0]
    light = Light(time.hour + time.minute / 60, capture.night, haze)
    phase, sway = float(rng.uniform()), int(rng.integers(3))
    chance = float(rng.uniform())
    shrub = herd is not None and chance < 0.25 and _may_be_hidden(herd)
    return Shot(
        scene,
        light,
        herd,
        size,
        (shift[0], shift[1]),
        phase,
        sway,
        shrub,
        herd is None and chance < 0.3,
    )


def _may_be_hidden(herd: Herd) -> bool:
    return herd.action in ("standing", "eating") and not herd.interacting and not herd.babies


def _picture(shot: Shot, index: int, rng: Rng) -> Image.Image:
    members = sorted(shot.herd.members, key=lambda m: m.depth) if shot.herd else []
    placed = [_placed(shot, member, index, rng) for member in members]
    image = expose(shot.scene, shot.light, shot.shift, placed)
    if shot.shrub:
        _plant(shot, image)
    if shot.twig:
        _blow(shot, image, index)
    front = fringe(shot.scene, shot.shift, (shot.sway + index) % 3)
    overlay(image, front, (0, 0), shot.light.night)
    return develop(image, shot.light, _eyes(placed), rng)


def _placed(shot: Shot, member: Member, index: int, rng: Rng) -> Placed:
    herd, (_, height) = shot.herd, shot.size
    assert herd is not None  # only herds have members
    pose = Pose(herd.action, shot.phase + STRIDE * index, float(rng.uniform(-1, 1)))
    metre = herd.metre * height
    oversample = 3 if height <= 480 else 2
    drawn = sprite(
        KINDS[herd.kind].draw(member.one, pose), metre * member.size, member.right, oversample
    )
    x = (member.x + herd.travel * index) * metre - shot.shift[0]
    return Placed(drawn, (x, _ground(shot, member.depth)))


def _ground(shot: Shot, depth: float) -> float:
    """Return the row on which something at `depth` stands: the nearer, the lower."""
    place, height = shot.scene.place, shot.size[1]
    metre = shot.herd.metre if shot.herd else 0.0
    return (place.horizon + place.eye * metre * depth) * height - shot.shift[1]


def _eyes(placed: list[Placed]) -> list[XY]:
    corners = [one.corner() for one in placed]
    return [
        (x + left, y + top)
        for one, (left, top) in zip(placed, corners, strict=True)
        for x, y in one.sprite.eyes
    ]


def _plant(shot: Shot, image: Image.Image) -> None:
    """Put a bush before the hind legs of the first animal."""
    herd = shot.herd
    assert herd is not None  # only an animal is hidden
    member, metre = herd.members[0], herd.metre * shot.size[1]
    side = max(4, round(metre * (1.0 if herd.kind in ("lion", "ostrich") else 1.5)))
    behind = -0.7 if member.right else 0.7
    x = (member.x + behind * (2.0 if herd.kind == "elephant" else 1.0)) * metre - shot.shift[0]
    corner = (round(x - side / 2), round(_ground(shot, 1.08) - 0.95 * side))
    bush = shot.scene.shrub.resize((side, side), Image.Resampling.LANCZOS)
    overlay(image, bush, corner, shot.light.night)


def _blow(shot: Shot, image: Image.Image, index: int) -> None:
    """Draw a dry branch that tumbles over the ground from picture to picture."""
    width, height = shot.size
    x = ((shot.phase + 0.13 * index) % 1.0) * width
    y = (shot.scene.place.horizon + 0.2 + 0.25 * shot.phase) * height
    colour = (118, 118, 118) if shot.light.night else (104, 84, 62)
    brush, length = ImageDraw.Draw(image), 0.09 * height
    for share, turn in ((1.0, 0.0), (-0.8, 0.3), (0.7, 0.6), (0.6, -0.7), (-0.5, -0.5)):
        angle = 2.1 * index + shot.phase * 6 + turn
        end = (x + share * length * math.cos(angle), y - abs(share * length * math.sin(angle)))
        brush.line([(x, y), end], fill=colour, width=max(1, round(height / 140)))
