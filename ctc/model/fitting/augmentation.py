"""Augmentation on the whole batch, where the network runs: one warp, one colour matrix.

Crop, zoom, rotation and flip are a single affine map, read by a bilinear gather (which XLA can
compile, unlike an image library's affine operation). Brightness, contrast, saturation and hue
are a single 3 x 4 matrix. The layers stand in the model that is trained and not in the network
that is kept.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras
from keras import ops

from ctc.dataset.image_spec import ImageSpec
from ctc.model.devices import among_devices
from ctc.params import Changes

# Luminance of RGB and the YIQ colour space, ITU-R BT.601 (the NTSC primaries).
LUMINANCE = (0.299, 0.587, 0.114)
RGB_TO_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
YIQ_TO_RGB = ((1.0, 0.956, 0.619), (1.0, -0.272, -0.647), (1.0, -1.106, 1.703))


# What `color` comes to. `full` goes beyond the strongest of the 2019 tool, full_randomized:
# brightness 0.2, contrast 0.9 to 1.3, saturation 0.8 to 1.2, hue 0.05.
COLORS = {
    "none": {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0},
    "little": {"brightness": 0.15, "contrast": 0.2, "saturation": 0.2, "hue": 0.03},
    "full": {"brightness": 0.3, "contrast": 0.4, "saturation": 0.4, "hue": 0.06},
}


@dataclass(frozen=True)
class Strength:
    """How far a picture is changed at most.

    Attributes:
        crop: share of a side that may be cut away.
        zoom: factors 1 - x to 1 + x by which it is shown larger, about its centre.
        rotate: degrees to either side.
        flip: whether every other picture is mirrored.
        brightness: share of full scale to either side.
        contrast, saturation: factors 1 - x to 1 + x.
        hue: share of a full turn to either side.
    """

    crop: float
    zoom: float
    rotate: float
    flip: bool
    brightness: float
    contrast: float
    saturation: float
    hue: float

    @property
    def moves(self) -> bool:
        """Whether pixels change their places."""
        return self.flip or any((self.crop, self.zoom, self.rotate))

    @property
    def recolours(self) -> bool:
        """Whether pixels change their colours."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))


def strength(changes: Changes, image: ImageSpec) -> Strength:
    """Return what the parameters ask for; the channels of a stack have no saturation and no hue."""
    asked = Strength(
        crop=changes.crop,
        zoom=changes.zoom,
        rotate=changes.rotate,
        flip=changes.flip,
        **COLORS[changes.color],
    )
    return replace(asked, saturation=0.0, hue=0.0) if image.stacked else asked


class Augmentation(keras.layers.Layer):
    """Changes a batch of pictures at random, uint8 [B, H, W, 3] to the same.

    Outside training it changes nothing, and what has no strength costs nothing. What is drawn
    follows from the seed and the number of the step.
    """

    def __init__(self, strength: Strength, seed: int, **kwargs: Any) -> None:
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.strength = strength
        self.seed = seed
        self._draws = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        """Return the batch, changed if `training`."""
        if not training:
            return images
        if not self.strength.moves and not self.strength.recolours:
            return images
        count = ops.shape(images)[0]
        pixels = ops.cast(images, "float32")
        if self.strength.moves:
            pixels = _warp(pixels, self._affine(count))
        if self.strength.recolours:
            pixels = _recolour(pixels, *self._colour(count))
        return ops.cast(ops.round(ops.clip(pixels, 0.0, 255.0)), "uint8")

    def get_config(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        return {**super().get_config(), "strength": asdict(self.strength), "seed": self.seed}

    def _between(self, count: Any, low: float, high: float) -> Any:
        """[B]: drawn for the whole batch, of which each of several devices has a share, so that
        they change pictures as one would."""
        number, devices = among_devices()
        drawn = keras.random.uniform((count * devices,), low, high, seed=self._draws)
        return drawn if devices == 1 else drawn[number * count : (number + 1) * count]

    def _affine(self, count: Any) -> Any:
        """[B, 2, 3]: from a place in the new picture (x, y in -1..1) to one in the old."""
        s = self.strength
        part = self._between(count, 1 - s.crop, 1.0)
        angle = self._between(count, -s.rotate, s.rotate) * math.pi / 180
        mirror = ops.where(self._between(count, 0.0, 1.0) < 0.5 * s.flip, -1.0, 1.0)
        shift_x = self._between(count, -1.0, 1.0) * (1 - part)
        shift_y = self._between(count, -1.0, 1.0) * (1 - part)
        # Shown twice as large is half of it seen.
        seen = part / self._between(count, 1 - s.zoom, 1 + s.zoom) if s.zoom else part
        cos, sin = ops.cos(angle) * seen, ops.sin(angle) * seen
        first = ops.stack([cos * mirror, -sin, shift_x], axis=-1)
        second = ops.stack([sin * mirror, cos, shift_y], axis=-1)
        return ops.stack([first, second], axis=1)

    def _colour(self, count: Any) -> tuple[Any, Any]:
        """[B, 3, 3] and [B, 3]: the new colour is the matrix by the old one, plus the offset."""
        s = self.strength
        contrast = self._between(count, 1 - s.contrast, 1 + s.contrast)[:, None, None]
        matrix = contrast * (self._mixed(count) if s.saturation or s.hue else ops.eye(3)[None])
        brightness = self._between(count, -s.brightness, s.brightness)[:, None] * 255
        # Contrast turns about middle grey, which every other part of the matrix keeps.
        offset = (1 - contrast[:, :, 0]) * 127.5 + brightness
        return matrix, ops.broadcast_to(offset, (count, 3))

    def _mixed(self, count: Any) -> Any:
        """[B, 3, 3]: the matrix of saturation and hue, which mixes channels."""
        s = self.strength
        saturation = self._between(count, 1 - s.saturation, 1 + s.saturation)[:, None, None]
        hue = self._between(count, -s.hue, s.hue) * 2 * math.pi
        grey = ops.convert_to_tensor([LUMINANCE] * 3)[None]
        mixed = saturation * ops.eye(3)[None] + (1 - saturation) * grey
        return ops.matmul(mixed, _hue_matrix(hue))


def _hue_matrix(angle: Any) -> Any:
    """Rotate the chrominance plane of YIQ by an angle in radians, [B] to [B, 3, 3]."""
    zero, one = ops.zeros_like(angle), ops.ones_like(angle)
    cos, sin = ops.cos(angle), ops.sin(angle)
    rows = [(one, zero, zero), (zero, cos, -sin), (zero, sin, cos)]
    turn = ops.stack([ops.stack(row, axis=-1) for row in rows], axis=1)
    to_rgb, to_yiq = ops.convert_to_tensor(YIQ_TO_RGB), ops.convert_to_tensor(RGB_TO_YIQ)
    return ops.matmul(ops.matmul(to_rgb[None], turn), to_yiq[None])


def _recolour(images: Any, matrix: Any, offset: Any) -> Any:
    return ops.einsum("bhwc,bdc->bhwd", images, matrix) + offset[:, None, None, :]


def _warp(images: Any, affine: Any) -> Any:
    """Read each new pixel between four old ones; outside the picture its border goes on."""
    _, height, width, _ = images.shape
    x, y = _places(height, width, affine)
    left, top = ops.floor(x), ops.floor(y)
    right_share, low_share = (x - left)[..., None], (y - top)[..., None]

    # One gather over the pixels of the whole batch: along an axis it takes four times as long on
    # a CPU.
    pixels = ops.reshape(images, (-1, 3))
    first = ops.arange(ops.shape(images)[0], dtype="int32")[:, None] * (height * width)

    def at(row: Any, column: Any) -> Any:
        row = ops.clip(row, 0, height - 1)
        column = ops.clip(column, 0, width - 1)
        return ops.take(pixels, first + ops.cast(row * width + column, "int32"), axis=0)

    above = at(top, left) * (1 - right_share) + at(top, left + 1) * right_share
    below = at(top + 1, left) * (1 - right_share) + at(top + 1, left + 1) * right_share
    mixed = above * (1 - low_share) + below * low_share
    return ops.reshape(mixed, (-1, height, width, 3))


def _places(height: int, width: int, affine: Any) -> tuple[Any, Any]:
    """Columns and rows in the old pictures, [B, H * W] each, of every pixel of the new ones."""
    y, x = ops.meshgrid(
        ops.linspace(-1.0, 1.0, height), ops.linspace(-1.0, 1.0, width), indexing="ij"
    )
    grid = ops.stack([ops.ravel(x), ops.ravel(y), ops.ones(height * width)])
    moved = ops.matmul(affine, ops.cast(grid, "float32")[None])
    return (moved[:, 0] + 1) * (width - 1) / 2, (moved[:, 1] + 1) * (height - 1) / 2
