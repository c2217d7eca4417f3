"""What the camera makes of a scene: light, shadows, flash, shining eyes, haze and noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ctc.sample.animals import Sprite
from ctc.sample.scenery import Pixels
from ctc.sample.scenes import Scene

XY = tuple[float, float]


@dataclass(frozen=True)
class Light:
    """The light of one capture: its hour (0..24), whether it is night, and haze in 0..1."""

    hour: float
    night: bool
    haze: float

    def tint(self) -> npt.NDArray[np.float32]:
        """Return the factors of red, green and blue: warm and dim early and late."""
        high = float(np.sin(np.pi * np.clip((self.hour - 5.5) / 13, 0, 1)))
        low = 1 - high
        level = 0.70 + 0.34 * high
        return np.array([level * (1 + 0.10 * low), level, level * (1 - 0.16 * low)], np.float32)


@dataclass(frozen=True)
class Placed:
    """A sprite and the pixel (x, y) of the picture on which it stands."""

    sprite: Sprite
    at: XY

    def corner(self) -> tuple[int, int]:
        """Return the pixel of the picture where the sprite's upper left corner goes."""
        (x, y), (foot_x, foot_y) = self.at, self.sprite.foot
        return round(x - foot_x), round(y - foot_y)


def expose(
    scene: Scene, light: Light, shift: tuple[int, int], placed: Sequence[Placed]
) -> Image.Image:
    """Return the scene with animals on it, cut to the picture; `shift` is the camera's, pixels.

    By night the result is grey, still in RGB. `placed` goes from far to near.
    """
    scene_image = scene.night.convert("RGB") if light.night else scene.day
    image = scene_image.crop(_window(scene, shift))
    if not light.night:
        _shadows(image, light, placed)
    for one in placed:
        drawn = _flashed(one.sprite.image) if light.night else one.sprite.image
        image.paste(drawn, one.corner(), drawn)
    return image


def overlay(image: Image.Image, front: Image.Image, corner: tuple[int, int], night: bool) -> None:
    """Put `front`, RGBA, on `image` with its upper left corner at `corner`."""
    drawn = _flashed(front, 0.0, 0.6) if night else front
    image.paste(drawn, corner, drawn)


def fringe(scene: Scene, shift: tuple[int, int], sway: int) -> Image.Image:
    """Return the grass before the camera, bent in the way `sway` (0..2), cut to the picture."""
    return scene.grass[sway].crop(_window(scene, shift))


def develop(
    image: Image.Image, light: Light, eyes: Sequence[XY], rng: np.random.Generator
) -> Image.Image:
    """Return the picture as it comes from the sensor: lit, hazy and noisy.

    `eyes` are pixels that throw the flash back by night.
    """
    if light.night:
        return _developed_night(image, eyes, light, rng)
    pixels = np.asarray(image, dtype=np.float32) * light.tint()
    pixels += light.haze * (214 - pixels)
    pixels += _noise(rng, (*pixels.shape[:2], 1), 4.0)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _window(scene: Scene, shift: tuple[int, int]) -> tuple[int, int, int, int]:
    (mx, my), (width, height) = scene.margin, scene.day.size
    left, top = mx + shift[0], my + shift[1]
    return left, top, left + width - 2 * mx, top + height - 2 * my


def _shadows(image: Image.Image, light: Light, placed: Sequence[Placed]) -> None:
    if not placed:
        return
    dark = Image.new("L", image.size, 0)
    brush = ImageDraw.Draw(dark)
    lean = 0.5 * float(np.clip((light.hour - 12) / 6, -1, 1))
    for one in placed:
        width = 0.46 * one.sprite.image.width
        x, y, deep = one.at[0] + lean * width, one.at[1], 0.17 * width
        brush.ellipse((x - width, y - deep * 0.55, x + width, y + deep * 0.75), fill=112)
    soft = dark.filter(ImageFilter.BoxBlur(max(1.0, image.height / 110)))
    image.paste((30, 26, 22), (0, 0), soft)


def _flashed(sprite: Image.Image, lift: float = 60.0, gain: float = 0.56) -> Image.Image:
    """Return RGBA pixels as infrared shows them: grey, and dark coats paler than to the eye."""
    grey = sprite.convert("L").point([round(lift + gain * level) for level in range(256)])
    return Image.merge("RGBA", (grey, grey, grey, sprite.getchannel("A")))


def _developed_night(
    image: Image.Image, eyes: Sequence[XY], light: Light, rng: np.random.Generator
) -> Image.Image:
    grey = np.asarray(image.getchannel(0), dtype=np.float32)
    flash = _vignette(image.width, image.height)
    grey = grey * flash * 1.06 + light.haze * 70 * flash
    grey = np.maximum(grey, _shine(image.size, eyes))
    grey += _noise(rng, grey.shape, 8.5)
    return Image.merge("RGB", [Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))] * 3)


def _vignette(width: int, height: int) -> Pixels:
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 0.9, height, dtype=np.float32)[:, None]
    edge = np.clip(0.75 * x * x + 0.5 * y * y, 0, 1).astype(np.float32)
    return np.float32(1.12) - np.float32(0.52) * edge


def _shine(size: tuple[int, int], eyes: Sequence[XY]) -> Pixels:
    glow = Image.new("L", size, 0)
    brush = ImageDraw.Draw(glow)
    radius = max(0.6, size[1] / 150)
    for x, y in eyes:
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    halo = glow.filter(ImageFilter.BoxBlur(max(0.6, size[1] / 200)))
    return np.asarray(ImageChops.lighter(glow, halo), dtype=np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], level: float) -> Pixels:
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(level)
