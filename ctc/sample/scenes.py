"""The ten places where the cameras of the sample hang, each drawn once and used again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ctc.sample.figure import RGB, shade
from ctc.sample.places import PLACES, Place
from ctc.sample.scenery import (
    Rng,
    acacia,
    boulder,
    bush,
    gradient,
    ridge,
    roundtree,
    soft_noise,
    trunk,
    tuft,
    vary,
)

MARGIN = 0.02  # of the picture, on every side: room for a camera that shakes a little
SWAYS = (-0.25, 0.0, 0.25)
SEED = 10_000_000  # the first seed of a background; those of captures are below it
Bytes = npt.NDArray[np.uint8]


Drawing = Callable[[Rng, ImageDraw.ImageDraw, tuple[float, float], float, RGB], None]
DRAWINGS: dict[str, Drawing] = {
    "acacia": acacia,
    "boulder": boulder,
    "bush": bush,
    "roundtree": roundtree,
    "trunk": trunk,
}


@dataclass(frozen=True)
class Scene:
    """A location ready for captures: pictures with a margin of `margin` pixels on every side.

    `day` is RGB, `night` grey; `grass` are RGBA fringes of nearby grass, bent by the wind in
    three ways; `shrub` is an RGBA bush to stand in front of an animal.
    """

    place: Place
    margin: tuple[int, int]
    day: Image.Image
    night: Image.Image
    grass: tuple[Image.Image, ...]
    shrub: Image.Image


def draw_scene(index: int, width: int, height: int, seed: int) -> Scene:
    """Draw location `index` for pictures of `width` x `height` pixels."""
    place, rng = PLACES[index], np.random.default_rng([seed, SEED + index])
    times = 2 if width <= 1024 else 1
    margin = (round(width * MARGIN), round(height * MARGIN))
    wide, tall = (width + 2 * margin[0]) * times, (height + 2 * margin[1]) * times
    sky = _sky(rng, place, wide, tall)
    day = _landscape(rng, place, sky).reduce(times)
    night = _by_night(day, sky.reduce(times), place)
    grass = tuple(_fringe(place, wide, tall, sway, [seed, index]).reduce(times) for sway in SWAYS)
    return Scene(place, margin, day, night, grass, _shrub(rng, place, height))


def _landscape(rng: Rng, place: Place, sky: Image.Image) -> Image.Image:
    image, (wide, tall) = sky.copy(), sky.size
    horizon = round(place.horizon * tall)
    if place.hills:
        for size, mix in ((1.6, 0.75), (1.0, 0.5)):
            colour = _mixed(place.leaf, place.sky[1], mix)
            ridge(rng, image, horizon, place.hills * size * tall, colour)
    image.paste(_ground(rng, place, wide, tall - horizon), (0, horizon))
    brush = ImageDraw.Draw(image)
    for what, count, size, far, near in place.things:
        _things(rng, brush, place, (what, count, size, far, near), (wide, tall))
    _tufts(rng, brush, place, wide, tall)
    return image.filter(ImageFilter.GaussianBlur(tall / 900))


def _mixed(one: RGB, other: RGB, share: float) -> RGB:
    red, green, blue = (round(a * (1 - share) + b * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _sky(rng: Rng, place: Place, wide: int, tall: int) -> Image.Image:
    sky = gradient(*place.sky, wide, tall)
    clouds = soft_noise(rng, wide, tall, (6, 14)) + 0.5 * soft_noise(rng, wide, tall, (14, 40))
    cover = np.clip(clouds - 0.25, 0, 0.6)[:, :, None]
    return Image.fromarray(np.clip(sky + cover * (250 - sky) * 0.9, 0, 255).astype(np.uint8))


def _ground(rng: Rng, place: Place, wide: int, deep: int) -> Image.Image:
    ground = gradient(*place.ground, wide, deep)
    rows = ((5, 7, 0.12), (16, 28, 0.08), (70, 110, 0.05), (260, 260, 0.05))
    light = sum(soft_noise(rng, wide, deep, (across, down)) * share for across, down, share in rows)
    return Image.fromarray(
        np.clip(ground * (1 + np.asarray(light)[:, :, None]), 0, 255).astype(np.uint8)
    )


def _things(
    rng: Rng,
    brush: ImageDraw.ImageDraw,
    place: Place,
    what: tuple[str, int, float, float, float],
    size: tuple[int, int],
) -> None:
    name, count, tallest, far, near = what
    if name == "water":
        _water(brush, place, size, far, near)
        return
    for depth in np.sort(rng.uniform(far, near, count)):
        foot = (float(rng.uniform(0, size[0])), (place.horizon + float(depth) * 0.6) * size[1])
        tall = tallest * size[1] * float(rng.uniform(0.6, 1.0))
        colour = {"boulder": (150, 128, 108), "trunk": (92, 78, 62)}.get(name, place.leaf)
        DRAWINGS[name](rng, brush, foot, tall, vary(rng, colour, 0.12))


def _water(
    brush: ImageDraw.ImageDraw, place: Place, size: tuple[int, int], far: float, near: float
) -> None:
    wide, tall = size
    top, low = ((place.horizon + depth) * tall for depth in (far, near))
    left, right, rim = 0.12 * wide, 0.88 * wide, 0.012 * tall
    brush.ellipse(
        (left - 2 * rim, top - rim, right + 2 * rim, low + rim), fill=shade(place.ground[1], 0.72)
    )
    for share in np.linspace(0.0, 1.0, 12):
        colour = _mixed(place.sky[1], place.sky[0], float(share))
        inset = 0.5 * float(share)
        half = (low - top) * inset
        brush.ellipse(
            (
                left + inset * 0.5 * wide * 0.7,
                top + half * 0.6,
                right - inset * 0.5 * wide * 0.7,
                low - half,
            ),
            fill=shade(colour, 0.82),
        )


def _tufts(rng: Rng, brush: ImageDraw.ImageDraw, place: Place, wide: int, tall: int) -> None:
    for depth in np.sort(rng.uniform(0.0, 1.0, place.tufts) ** 1.3):
        y = (place.horizon + 0.02 + float(depth) * (1 - place.horizon)) * tall
        if depth > 0.12:
            foot = (float(rng.uniform(0, wide)), y)
            tuft(
                rng,
                brush,
                foot,
                (0.008 + 0.045 * float(depth)) * tall,
                vary(rng, place.grass, 0.15),
            )


def _fringe(place: Place, wide: int, tall: int, sway: float, seed: list[int]) -> Image.Image:
    """Return the grass right in front of the camera, the same blades for every `sway`."""
    rng = np.random.default_rng([*seed, 1])
    image = Image.new("RGBA", (wide, tall), (*place.grass, 0))
    brush = ImageDraw.Draw(image)
    for _ in range(place.tufts // 12):
        foot = (float(rng.uniform(0, wide)), tall * float(rng.uniform(0.97, 1.04)))
        tuft(rng, brush, foot, 0.13 * tall, vary(rng, shade(place.grass, 0.85), 0.15), sway)
    return image.filter(ImageFilter.GaussianBlur(tall / 400))


def _shrub(rng: Rng, place: Place, height: int) -> Image.Image:
    side = max(16, height)
    image = Image.new("RGBA", (side, side), (*place.leaf, 0))
    brush = ImageDraw.Draw(image)
    bush(rng, brush, (side / 2, side * 0.92), side * 0.62, vary(rng, place.leaf, 0.1))
    for x in np.linspace(0.1, 0.9, 9):
        tuft(rng, brush, (side * float(x), side * 0.99), side * 0.22, place.grass)
    return image.resize((side // 2, side // 2), Image.Resampling.BOX)


def _by_night(day: Image.Image, sky: Image.Image, place: Place) -> Image.Image:
    """Return the scene in the light of an infrared flash: near ground bright, the sky black."""
    grey = np.asarray(day.convert("L"), dtype=np.float32)
    rows = np.arange(grey.shape[0], dtype=np.float32) / grey.shape[0]
    near = np.clip((rows - place.horizon) / 0.4, 0.0, 1.0)
    light = 0.28 + 0.24 * near
    # The flash does not reach the sky, which is what nothing was drawn on.
    drawn = np.asarray(ImageChops.difference(day, sky).convert("L")) > 6
    lit = np.where(drawn | (rows > place.horizon)[:, None], grey * light[:, None], 9.0)
    return Image.fromarray(lit.astype(np.uint8)).filter(ImageFilter.BoxBlur(grey.shape[0] / 500))
