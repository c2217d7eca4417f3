"""The plainest ways from stored JPEGs to pictures for a network, by tf.data, to measure ours by."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Prepare = Callable[[tf.Tensor], tf.Tensor]

CROP, ZOOM, ROTATE = 0.15, 0.15, 5.0  # shares of a side, and degrees
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.15, 0.2, 0.2, 0.03


def pictures(jpegs: Sequence[bytes], prepare: Prepare) -> tf.data.Dataset:
    """Yield every picture prepared, as many at once as cores allow."""
    stored = tf.data.Dataset.from_tensor_slices(list(jpegs))
    return stored.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)


def counted(dataset: tf.data.Dataset) -> int:
    """Go through a dataset, none of which leaves TensorFlow, and return how many it yields."""
    return int(dataset.reduce(tf.constant(0, tf.int64), lambda count, _: count + 1))


def as_a_step(layer: Any, jit: bool) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return what a layer does in training, compiled as it is within a step."""
    step: Callable[[tf.Tensor], tf.Tensor] = tf.function(
        lambda pixels: layer(pixels, training=True), jit_compile=jit
    )
    return step


def decoded_and_resized(height: int, width: int) -> Prepare:
    """Do what every picture needs: decode it, as fast as the decoder can, and resize it."""

    def prepare(jpeg: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_jpeg(
            jpeg, channels=3, dct_method="INTEGER_FAST", fancy_upscaling=False
        )
        resized = tf.image.resize(pixels, (height, width), "bilinear")
        return tf.cast(resized, tf.uint8)

    return prepare


def one_after_the_other(height: int, width: int) -> Prepare:
    """Zoom, crop, rotate, resize and change the colours, each by an operation of its own."""

    def prepare(jpeg: tf.Tensor) -> tf.Tensor:
        pixels = tf.image.convert_image_dtype(tf.io.decode_jpeg(jpeg, channels=3), tf.float32)
        scale = tf.random.uniform([], 1 - ZOOM, 1 + ZOOM)
        pixels = _moved(pixels, tf.stack([[scale, 0.0], [0.0, scale]]))
        pixels = _cropped(pixels)
        angle = tf.random.uniform([], -ROTATE, ROTATE) * 0.017453292519943295  # pi / 180
        cos, sin = tf.cos(angle), tf.sin(angle)
        pixels = _moved(pixels, tf.stack([[cos, -sin], [sin, cos]]))
        pixels = tf.image.resize(tf.image.random_flip_left_right(pixels), (height, width))
        return tf.image.convert_image_dtype(_recoloured(pixels), tf.uint8, saturate=True)

    return prepare


def _moved(pixels: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Read each pixel where a map about the centre, [2, 2], says."""
    shape = tf.shape(pixels)
    centre = tf.cast(tf.stack([shape[1], shape[0]]) - 1, tf.float32) / 2
    shift = centre - tf.linalg.matvec(matrix, centre)
    rows = tf.concat([matrix, shift[:, None]], axis=1)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels[None],
        transforms=tf.concat([tf.reshape(rows, [1, 6]), tf.zeros([1, 2])], axis=1),
        output_shape=shape[:2],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )[0]


def _cropped(pixels: tf.Tensor) -> tf.Tensor:
    share = tf.random.uniform([], 1 - CROP, 1.0)
    size = tf.cast(tf.cast(tf.shape(pixels)[:2], tf.float32) * share, tf.int32)
    return tf.image.random_crop(pixels, tf.concat([size, [3]], axis=0))


def _recoloured(pixels: tf.Tensor) -> tf.Tensor:
    pixels = tf.image.random_brightness(pixels, BRIGHTNESS)
    pixels = tf.image.random_contrast(pixels, 1 - CONTRAST, 1 + CONTRAST)
    pixels = tf.image.random_saturation(pixels, 1 - SATURATION, 1 + SATURATION)
    return tf.image.random_hue(pixels, HUE)
