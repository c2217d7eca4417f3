"""The network that is exported: from pictures to calibrated probabilities, in float32."""

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

    def copied(layer: keras.Layer) -> keras.Layer:
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(network, clone_function=copied, recursive=True)
    copy.set_weights(network.get_weights())
    return copy
