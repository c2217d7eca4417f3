"""The network that is exported: from pictures to calibrated probabilities, in float32."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ctc.dataset.image_spec import ImageSpec
from ctc.model.classifier import Classifier

INPUT = "images"


def probability_network(classifier: Classifier) -> keras.Model:
    """Return a network from uint8 [N, H, W, 3] to {label: float32 [N, classes]}.

    What a classifier does behind its network, dividing by the temperature and the softmax, is
    a part of it. It computes in float32, also where the classifier mixes precisions.
    """
    height, width = classifier.image.height, classifier.image.width
    images = keras.Input((height, width, 3), dtype="uint8", name=INPUT)
    logits = _in_float32(classifier.network)(images)
    said = {
        label.name: keras.ops.softmax(logits[label.name] / classifier.temperature(label.name))
        for label in classifier.labels
    }
    return keras.Model(images, said)


def mixes_precisions(network: keras.Model) -> bool:
    """Tell whether some layer computes in another type than float32."""
    return any(
        mixes_precisions(layer)
        if isinstance(layer, keras.Model)
        else layer.dtype_policy.compute_dtype not in ("float32", "uint8")
        for layer in network.layers
        if isinstance(layer, keras.Layer)
    )


def pictures_to_compare(image: ImageSpec, count: int = 16) -> NDArray[np.uint8]:
    """Return made-up pictures, [count, H, W, 3]: noise of every brightness and contrast.

    They are the same each time.
    """
    generator = np.random.default_rng(0)
    shape = (count, image.height, image.width, 3)
    middle = generator.uniform(0, 255, (count, 1, 1, 3))
    spread = generator.uniform(0, 128, (count, 1, 1, 1))
    noise = generator.normal(middle, spread, shape)
    return np.clip(np.rint(noise), 0, 255).astype(np.uint8)


def _in_float32(network: keras.Model) -> keras.Model:
    """Return a copy whose layers compute in float32; for weights have no other type."""
    copy = keras.models.clone_model(network, clone_function=_copied, recursive=True)
    for new, given in zip(copy.weights, network.weights, strict=True):
        new.assign(keras.ops.reshape(given, new.shape))
    return copy


def _copied(layer: keras.Operation) -> keras.Operation:
    # What is no layer, the sum of a residual block say, computes in the type that it is given.
    if not isinstance(layer, keras.Layer):
        return type(layer).from_config(layer.get_config())
    config = {**layer.get_config(), "dtype": "float32"}
    if isinstance(layer, keras.layers.Conv2D) and layer.groups == layer.filters > 1:
        return _depthwise(config)
    if isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.gelu:
        return keras.layers.Activation(_gelu, name=layer.name, dtype="float32")
    if isinstance(layer, keras.layers.Normalization):
        return _rescaling(layer)
    return type(layer).from_config(config)


def _rescaling(layer: keras.layers.Normalization) -> keras.Layer:
    """Return what does the same with numbers of its own; the converter loses those of the layer."""
    mean, variance = (np.asarray(one, np.float64).ravel() for one in (layer.mean, layer.variance))
    scale = 1 / np.maximum(np.sqrt(variance), keras.config.epsilon())
    offset = -mean * scale
    return keras.layers.Rescaling(scale.tolist(), offset.tolist(), name=layer.name, dtype="float32")


def _gelu(x: Any) -> Any:
    """Compute x times the normal distribution's share below x (https://arxiv.org/abs/1606.08415).

    By the error function, which ONNX has; Keras asks for its complement, which it has not.
    """
    return 0.5 * x * (1.0 + keras.ops.erf(x / np.float32(np.sqrt(2))))


def _depthwise(config: dict[str, Any]) -> keras.Layer:
    """Return a convolution of each channel by itself, which ConvNeXt writes as one in groups.

    Keras lets XLA compile groups, which ONNX cannot say. The weights, [rows, columns, 1, channels],
    stand in the same order as those of this layer, [rows, columns, channels, 1].
    """
    taken = ("name", "kernel_size", "strides", "padding", "data_format", "dilation_rate",
             "activation", "use_bias", "dtype")  # fmt: skip
    return keras.layers.DepthwiseConv2D(**{name: config[name] for name in taken})
