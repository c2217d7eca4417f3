"""The kinds of animals of the survey, and how a posed one becomes pixels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ctc.sample.elephant import elephant
from ctc.sample.figure import Figure, Individual, Layer, Pose
from ctc.sample.giraffe import giraffe
from ctc.sample.lion import lion
from ctc.sample.ostrich import ostrich
from ctc.sample.strokes import Points
from ctc.sample.zebra import zebra

BULGE = 0.30  # how much lighter the back is than the belly


@dataclass(frozen=True)
class Kind:
    """A species: how it is drawn and at which distances it is met.

    `far` and `near` are sizes of a metre at those distances, as shares of the picture's height.
    """

    draw: Callable[[Individual, Pose], Figure]
    far: float
    near: float


KINDS = {
    "elephant": Kind(elephant, 0.115, 0.20),
    "giraffe": Kind(giraffe, 0.090, 0.145),
    "lion": Kind(lion, 0.215, 0.33),
    "ostrich": Kind(ostrich, 0.165, 0.29),
    "zebra": Kind(zebra, 0.175, 0.31),
}
BABY = 0.58  # the size of a baby relative to an adult


@dataclass(frozen=True)
class Sprite:
    """A drawn animal: RGBA pixels, where the ground under its middle is, and its eyes.

    `foot` and `eyes` are (x, y) in pixels from the upper left corner of `image`.
    """

    image: Image.Image
    foot: tuple[float, float]
    eyes: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Canvas:
    """How metres become pixels of the oversized drawing."""

    left: float
    top: float
    scale: float
    right: bool

    def pixels(self, points: Points) -> Points:
        sign = 1.0 if self.right else -1.0
        return np.stack(
            [
                (points[:, 0] * sign - self.left) * self.scale,
                (self.top - points[:, 1]) * self.scale,
            ],
            axis=1,
        )


def sprite(figure: Figure, metre: float, right: bool, oversample: int) -> Sprite:
    """Draw `figure` with `metre` pixels to the metre, facing right or left.

    It is drawn `oversample` times as large and reduced, which makes its rim smooth.
    """
    left, bottom, end, top = figure.box()
    low = left if right else -end
    pad = 2.0 / metre
    canvas = _Canvas(low - pad, top + pad, metre * oversample, right)
    width, height = (int(metre * span) + 5 for span in (end - left, top - bottom))
    tile = Image.new("RGBA", (width * oversample, height * oversample), (0, 0, 0, 0))
    for layer in figure.layers:
        _paint(tile, layer, canvas)
    eyes = canvas.pixels(np.array(figure.eyes)) / oversample
    foot = canvas.pixels(np.zeros((1, 2)))[0] / oversample
    return Sprite(
        _rounded(tile.reduce(oversample)),
        (float(foot[0]), float(foot[1])),
        tuple((float(x), float(y)) for x, y in eyes),
    )


def _paint(tile: Image.Image, layer: Layer, canvas: _Canvas) -> None:
    if not layer.marks:
        _fill(ImageDraw.Draw(tile), layer.outlines, (*layer.colour, 255), canvas)
        return
    mask = Image.new("L", tile.size, 0)
    _fill(ImageDraw.Draw(mask), layer.outlines, 255, canvas)
    coat = Image.new("RGB", tile.size, layer.colour)
    brush = ImageDraw.Draw(coat)
    for outline, colour in layer.marks:
        _fill(brush, (outline,), colour, canvas)
    tile.paste(coat, (0, 0), mask)


def _fill(
    brush: ImageDraw.ImageDraw,
    outlines: tuple[Points, ...],
    colour: int | tuple[int, ...],
    canvas: _Canvas,
) -> None:
    for outline in outlines:
        brush.polygon(canvas.pixels(outline).ravel().tolist(), fill=colour)


def _rounded(image: Image.Image) -> Image.Image:
    """Return the drawing lit from above: its upper rims lighter, its lower rims darker."""
    reach = max(1, image.height // 14)
    soft = image.getchannel("A").filter(ImageFilter.BoxBlur(reach))
    cover = np.asarray(soft, dtype=np.float32) / 255
    padded = np.pad(cover, ((reach, reach), (0, 0)))
    light = 1 + BULGE * (padded[2 * reach :] - padded[: -2 * reach])
    pixels = np.asarray(image).copy()
    lit = pixels[:, :, :3] * light[:, :, None]
    pixels[:, :, :3] = np.clip(lit, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)
