"""What the network sees at once, a picture or a stack of them: decoded and fitted in a graph."""

import tensorflow as tf

from ctc.dataset.fitting import GREY, rounded, whole
from ctc.dataset.image_spec import STACK, ImageSpec

RATIOS = (8, 4, 2)  # at which libjpeg decodes within the DCT


def views(jpegs: tf.Tensor, image: ImageSpec) -> tf.Tensor:
    """Return what there is to see of a capture, [views, pictures of each]: every picture, or every
    stack of consecutive ones, the last of which is repeated where they are too few."""
    if not image.stacked:
        return jpegs[:, None]
    first = tf.range(tf.maximum(tf.size(jpegs) - STACK + 1, 1))
    places = tf.minimum(first[:, None] + tf.range(STACK), tf.size(jpegs) - 1)
    return tf.gather(jpegs, places)


def pixels_of(view: tf.Tensor, image: ImageSpec) -> tf.Tensor:
    """Decode what `views` gives as the network wants it, uint8 [H, W, 3]; for graphs of tf.data."""
    if not image.stacked:
        return _fit(_decode(view[0], image), image)
    grey = [_fit(_decode(view[place], image), image) for place in range(STACK)]
    return tf.concat(grey, axis=-1)


def _whole(height: tf.Tensor, width: tf.Tensor, image: ImageSpec) -> tuple[tf.Tensor, tf.Tensor]:
    return whole(height, width, image, tf.minimum, tf.maximum)


def _decode(jpeg: tf.Tensor, image: ImageSpec) -> tf.Tensor:
    """Decode at the smallest scale that is still as large as the network's picture."""
    shape = tf.image.extract_jpeg_shape(jpeg)
    rows, columns = _whole(shape[0], shape[1], image)
    enough = [
        tf.logical_and(shape[0] // ratio >= rows, shape[1] // ratio >= columns) for ratio in RATIOS
    ]
    channels = 1 if image.stacked else 3  # one is the luminance, as it stands in the JPEG
    at = {ratio: lambda ratio=ratio: _decode_at(jpeg, ratio, channels) for ratio in (*RATIOS, 1)}
    cases = [(fits, at[ratio]) for fits, ratio in zip(enough, RATIOS, strict=True)]
    return tf.case(cases, default=at[1], exclusive=False)


def _decode_at(jpeg: tf.Tensor, ratio: int, channels: int) -> tf.Tensor:
    return tf.io.decode_jpeg(
        jpeg, channels=channels, ratio=ratio, dct_method="INTEGER_FAST", fancy_upscaling=False
    )


def _fit(pixels: tf.Tensor, image: ImageSpec) -> tf.Tensor:
    if image.fit == "crop":  # before it is resized, when there are the fewest pixels to move
        pixels = _centre(pixels, image)
    resized = _resized(pixels, image)
    if image.fit == "pad":
        resized = _padded(resized, image)
    return tf.ensure_shape(resized, (image.height, image.width, pixels.shape[-1]))


def _centre(pixels: tf.Tensor, image: ImageSpec) -> tf.Tensor:
    """Cut the largest part of the network's aspect ratio."""
    height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
    rows = tf.clip_by_value(rounded(width * image.height, image.width), 1, height)
    columns = tf.clip_by_value(rounded(height * image.width, image.height), 1, width)
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]


def _resized(pixels: tf.Tensor, image: ImageSpec) -> tf.Tensor:
    size = (image.height, image.width)
    if image.fit == "pad":
        size = _whole(tf.shape(pixels)[0], tf.shape(pixels)[1], image)
    # Reads bytes and writes floats; a mean of bytes is none that would have to be cut off.
    return tf.cast(tf.round(tf.image.resize(pixels, size, "bilinear")), tf.uint8)


def _padded(pixels: tf.Tensor, image: ImageSpec) -> tf.Tensor:
    rows, columns = image.height - tf.shape(pixels)[0], image.width - tf.shape(pixels)[1]
    around = [[rows // 2, rows - rows // 2], [columns // 2, columns - columns // 2], [0, 0]]
    return tf.pad(pixels, around, constant_values=GREY)
