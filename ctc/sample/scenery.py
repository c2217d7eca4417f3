"""The things a landscape is made of: soft noise, hills, trees, bushes, rocks and grass.

Lengths are pixels of the drawing, x to the right and y downward; colours are RGB in 0..255.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ctc.sample.figure import RGB, shade

Pixels = npt.NDArray[np.float32]
Rng = np.random.Generator


def soft_noise(rng: Rng, width: int, height: int, cells: tuple[int, int]) -> Pixels:
    """Return smooth noise in about -1..1, shape (height, width), with `cells` (across, down)."""
    coarse = rng.uniform(-1.0, 1.0, (cells[1], cells[0])).astype(np.float32)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float32)


def gradient(top: RGB, bottom: RGB, width: int, height: int) -> Pixels:
    """Return a picture, shape (height, width, 3), that goes from `top` to `bottom`."""
    down = np.linspace(0.0, 1.0, max(height, 1), dtype=np.float32)[:, None, None]
    rows = np.array(top, np.float32) * (1 - down) + np.array(bottom, np.float32) * down
    return np.broadcast_to(rows, (max(height, 1), width, 3)).copy()


def vary(rng: Rng, colour: RGB, spread: float) -> RGB:
    """Return `colour` made lighter or darker by a share of up to `spread`."""
    return shade(colour, 1 + float(rng.uniform(-spread, spread)))


def ridge(rng: Rng, image: Image.Image, base: float, height: float, colour: RGB) -> None:
    """Draw a line of hills that stands on the row `base`."""
    steps = np.linspace(0.0, 1.0, 60)
    waves = [np.sin(steps * w + rng.uniform(0, 6.3)) / w for w in (4.0, 9.0, 17.0, 33.0)]
    crest = base - height * (0.6 + 1.2 * np.sum(waves, axis=0))
    rim = [(float(x * image.width), float(y)) for x, y in zip(steps, crest, strict=True)]
    low = base + 0.02 * image.height
    ImageDraw.Draw(image).polygon([*rim, (image.width, low), (0, low)], fill=colour)


def leaves(
    rng: Rng, brush: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: RGB
) -> None:
    """Draw a clump of leaves that fills `box` (left, top, right, bottom), lit from above."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    angle, radius = rng.uniform(0, 6.283, 90), np.sqrt(rng.uniform(0, 1, 90))
    spots = np.stack([np.cos(angle) * radius, np.sin(angle) * radius], axis=1)
    for u, v in spots[np.argsort(-spots[:, 1])]:
        x, y = left + wide * (0.5 + 0.42 * u), top + tall * (0.5 + 0.42 * v)
        rx, ry = wide * rng.uniform(0.04, 0.11), tall * rng.uniform(0.05, 0.13)
        tone = vary(rng, shade(colour, 0.92 - 0.34 * float(v)), 0.12)
        brush.ellipse((x - rx, y - ry, x + rx, y + ry), fill=tone)


def acacia(
    rng: Rng, brush: ImageDraw.ImageDraw, foot: tuple[float, float], tall: float, colour: RGB
) -> None:
    """Draw an umbrella thorn of `tall` pixels that stands on `foot`."""
    x, y = foot
    bark = vary(rng, (84, 70, 56), 0.15)
    crown = y - 0.78 * tall
    for lean in (-0.34, -0.12, 0.14, 0.36):
        bow = [(x, y), (x + 0.05 * lean * tall, y - 0.4 * tall), (x + lean * tall, crown)]
        brush.line(bow, fill=bark, width=max(1, round(0.045 * tall)), joint="curve")
    for dx, dy, size in ((-0.26, 0.03, 0.55), (0.24, 0.02, 0.6), (0.0, -0.1, 0.75)):
        middle = x + dx * tall
        half, top = size * tall / 2, crown + (dy - 0.10) * tall
        leaves(rng, brush, (middle - half, top, middle + half, top + 0.24 * tall), colour)


def roundtree(
    rng: Rng, brush: ImageDraw.ImageDraw, foot: tuple[float, float], tall: float, colour: RGB
) -> None:
    """Draw a leafy tree of `tall` pixels that stands on `foot`."""
    x, y = foot
    half = max(1.0, 0.04 * tall)
    bark = vary(rng, (76, 62, 48), 0.15)
    brush.polygon(
        [
            (x - half, y),
            (x + half, y),
            (x + half / 2, y - 0.5 * tall),
            (x - half / 2, y - 0.5 * tall),
        ],
        fill=bark,
    )
    for dx, dy in ((-0.2, 0.32), (0.2, 0.34), (0.0, 0.0)):
        left, top = x + (dx - 0.3) * tall, y + (dy - 1.0) * tall
        leaves(rng, brush, (left, top, left + 0.6 * tall, top + 0.5 * tall), colour)


def trunk(
    rng: Rng, brush: ImageDraw.ImageDraw, foot: tuple[float, float], wide: float, colour: RGB
) -> None:
    """Draw a forest trunk from `foot` up out of the picture, with light on one side."""
    x, y = foot
    lean = float(rng.uniform(-0.05, 0.05)) * y
    for share, light in ((1.0, 0.7), (0.72, 0.9), (0.4, 1.12)):
        half, shift = wide * share / 2, -wide * (1 - share) * 0.3
        brush.polygon(
            [
                (x - half * 1.25 + shift, y),
                (x + half * 1.25 + shift, y),
                (x + half + lean + shift, 0),
                (x - half + lean + shift, 0),
            ],
            fill=shade(colour, light),
        )


def bush(
    rng: Rng, brush: ImageDraw.ImageDraw, foot: tuple[float, float], tall: float, colour: RGB
) -> None:
    """Draw a round bush of `tall` pixels whose lower middle is `foot`."""
    x, y = foot
    for dx, size in ((-0.42, 0.75), (0.45, 0.7), (0.0, 1.0)):
        half, high = 0.62 * size * tall, size * tall
        leaves(
            rng,
            brush,
            (x + dx * tall - half, y - high, x + dx * tall + half, y + 0.1 * tall),
            colour,
        )


def boulder(
    rng: Rng, brush: ImageDraw.ImageDraw, foot: tuple[float, float], tall: float, colour: RGB
) -> None:
    """Draw a boulder of about `tall` pixels whose lower middle is `foot`."""
    x, y = foot
    angles = np.linspace(0.0, np.pi, 9)
    radius = rng.uniform(0.82, 1.08, 9)
    rim = np.stack([np.cos(angles) * radius * 0.8, np.sin(angles) * radius], axis=1)
    for share, light, dx in ((1.0, 0.72, 0.0), (0.84, 0.95, -0.07), (0.55, 1.15, -0.15)):
        outline = [
            (x + (u * share + dx) * tall, y - v * share * tall - 0.1 * tall * (1 - share))
            for u, v in rim
        ]
        brush.polygon(outline, fill=vary(rng, shade(colour, light), 0.05))


def tuft(
    rng: Rng,
    brush: ImageDraw.ImageDraw,
    foot: tuple[float, float],
    tall: float,
    colour: RGB,
    sway: float = 0.0,
) -> None:
    """Draw some blades of grass of about `tall` pixels; `sway` bends their tips sideways."""
    x, y = foot
    for lean, high, tone in rng.uniform((-0.5, 0.5, 0.72), (0.5, 1.0, 1.2), (6, 3)):
        tip = (x + (lean + sway) * high * tall, y - high * tall)
        root = x + 0.3 * lean * tall
        half = max(0.5, 0.035 * tall)
        brush.polygon([(root - half, y), (root + half, y), tip], fill=shade(colour, float(tone)))
