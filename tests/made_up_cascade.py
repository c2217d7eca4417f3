"""Two classifiers that need no training, and pictures that they are right or wrong about.

An animal is a bright half of a picture, which is dark otherwise: the brighter a picture, the surer
is the first classifier of an animal, and the second says in which half it is.
"""

from pathlib import Path

import keras
import numpy as np
from made_up_dataset import Made, make_dataset

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.labels import Label
from ctc.model.classifier import Ancestor, Classifier, Origin

EMPTY = Label("empty", ("empty", "species"))
SIDE = Label("side", ("left", "right"))
MADE_OF = (
    Ancestor("models:/empty@champion", "models:/empty/3", "run1", "m-1"),
    Ancestor("data/side", "data/side", None, None),
)


def says_empty(image: ImageSpec, sharpness: float = 60.0, middle: float = 0.16) -> Classifier:
    """A classifier of mean brightness, 0..1; above the middle it says that there is an animal."""
    pictures = keras.Input((image.height, image.width, 3), dtype="uint8")
    bright = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pictures))
    head = keras.layers.Dense(2, name="empty")
    network = keras.Model(pictures, {"empty": head(bright)})
    head.set_weights(
        [np.array([[0, sharpness / 3]] * 3), np.array([0.0, -sharpness * middle])],
    )
    origin = Origin("tiny", ("d1",), ("train",), ("x",))
    return Classifier(network, (EMPTY,), image, origin)


def says_side(image: ImageSpec) -> Classifier:
    """A classifier that says which half is brighter."""
    pictures = keras.Input((image.height, image.width, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255)(pictures)
    halves = keras.layers.AveragePooling2D((image.height, image.width // 2))(scaled)
    head = keras.layers.Dense(2, name="side")
    network = keras.Model(pictures, {"side": head(keras.layers.Flatten()(halves))})
    left = [[20.0, 0.0]] * 3
    head.set_weights([np.array(left + [one[::-1] for one in left]), np.zeros(2)])
    origin = Origin("ResNet18", ("d2",), ("train",), ("y",))
    return Classifier(network, (SIDE,), image, origin)


def pictures(generator: np.random.Generator, side: str) -> tuple[np.ndarray, ...]:
    """One or two pictures of a capture; "" for an empty one."""
    many = int(generator.integers(1, 3))
    light = 255 * generator.uniform(0.05, 0.16) if side == "" else 20
    found = generator.uniform(0, 2 * light, (many, 24, 24, 3))
    if side:
        half = slice(0, 12) if side == "left" else slice(12, 24)
        found[:, :, half] += generator.uniform(20, 150)
    return tuple(found.clip(0, 255).astype(np.uint8))


def faunas(folder: Path, counts: dict[str, int], seed: int = 0) -> Dataset:
    """A dataset with so many captures a split; every other one has an animal."""
    generator = np.random.default_rng(seed)
    captures = []
    for split, count in counts.items():
        for number in range(count):
            side = ("", "left", "", "right")[number % 4]
            labels = {"empty": "species" if side else "empty", "side": side}
            captures.append(Made(split, labels, pictures(generator, side)))
    return make_dataset(folder, captures)
