import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from ctc.dataset.image_spec import ImageSpec
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.network.backbones import build_network, check_network
from ctc.model.network.blocks import resnet18, resnet34, tiny
from ctc.networks import NETWORKS

LABELS = (Label("empty", ("empty", "not_empty")), Label("species", ("a", "b", "c")))
QUICK = ("tiny", "ResNet18", "MobileNetV3Large")


def smallest(name: str) -> ImageSpec:
    return ImageSpec(NETWORKS[name].smallest, NETWORKS[name].smallest)


def pictures(image: ImageSpec, count: int = 2) -> np.ndarray:
    """Noise, every second picture dark: to a network without training equal noise is the same."""
    size = (count, image.height, image.width, 3)
    noise = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    noise[1::2] //= 8
    return noise


def after_scaling(network: keras.Model, images: np.ndarray) -> np.ndarray:
    part = keras.Model(network.inputs, network.get_layer("scaling").output)
    return np.asarray(part.predict_on_batch(images))


def check_whole(name: str, folder: Path, network: keras.Model) -> None:
    image = smallest(name)
    images = pictures(image)
    logits = network.predict_on_batch(images)
    assert {key: (value.shape, value.dtype) for key, value in logits.items()} == {
        "empty": ((2, 2), np.float32),
        "species": ((2, 3), np.float32),
    }
    assert network.inputs[0].dtype == "uint8"
    assert np.abs(logits["species"][0] - logits["species"][1]).max() > 0
    network.save(folder / "network.keras")
    loaded = keras.models.load_model(folder / "network.keras", compile=False)
    again = loaded.predict_on_batch(images)
    for key, value in logits.items():
        np.testing.assert_array_equal(again[key], value)


def trainable(network: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


# Of torchvision.models less its last layer of 512 x 1000 weights and 1000 offsets.
@pytest.mark.parametrize(
    ("build", "published"),
    [(resnet18, 11_689_512 - 513_000), (resnet34, 21_797_672 - 513_000)],
    ids=["ResNet18", "ResNet34"],
)
def test_a_resnet_has_as_many_weights_as_the_published_one(build, published) -> None:
    network = build((64, 64, 3), weights=None, include_top=False, pooling="avg")
    assert trainable(network) == published
    assert network.output_shape == (None, 512)


def test_a_resnet_halves_the_picture_five_times() -> None:
    network = resnet18((64, 64, 3), weights=None, include_top=False, pooling="avg")
    assert network.layers[-1].input.shape == (None, 2, 2, 512)


def test_the_tiny_network_has_some_240000_weights() -> None:
    network = tiny((32, 32, 3), weights=None, include_top=False, pooling="avg")
    assert 235_000 < trainable(network) < 250_000


@pytest.mark.parametrize("wrong", [{"weights": "x"}, {"include_top": True}, {"pooling": "max"}])
def test_a_block_refuses_what_it_does_not_build(wrong) -> None:
    with pytest.raises(ValueError, match="only weights=None, include_top=False"):
        tiny((32, 32, 3), **{"weights": None, "include_top": False, "pooling": "avg", **wrong})


@pytest.mark.parametrize("name", QUICK)
def test_a_network_gives_logits_and_survives_saving(name: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    check_whole(name, tmp_path, build_network(name, LABELS, smallest(name), "none"))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_gives_logits_takes_a_step_and_survives_saving(
    name: str, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(0)
    network = build_network(name, LABELS, smallest(name), "none")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Eagerly, for to compile a step takes a minute for the larger ones.
    network.compile("adam", loss={label.name: loss for label in LABELS}, run_eagerly=True)
    before = [weight.numpy() for weight in network.trainable_weights]
    truth = {label.name: np.array([0, 1]) for label in LABELS}
    network.train_on_batch(pictures(smallest(name)), truth)
    network.run_eagerly = False
    after = [weight.numpy() for weight in network.trainable_weights]
    assert all(np.isfinite(weight).all() for weight in after)
    moved = [bool((a != b).any()) for a, b in zip(after, before, strict=True)]
    assert sum(moved) > 0.5 * len(moved)
    check_whole(name, tmp_path, network)


@pytest.mark.parametrize(
    ("name", "mode"), [("ResNet50", "caffe"), ("tiny", "tf"), ("ResNet18", "tf")]
)
def test_pictures_are_scaled_as_keras_applications_scales_them(name: str, mode: str) -> None:
    network = build_network(name, LABELS, smallest(name), "none")
    images = pictures(smallest(name), 4)
    expected = keras.applications.imagenet_utils.preprocess_input(
        images.astype(np.float32), mode=mode
    )
    scaled = after_scaling(network, images)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


def test_a_network_that_scales_by_itself_gets_the_pixels_as_they_are() -> None:
    network = build_network("MobileNetV3Large", LABELS, smallest("MobileNetV3Large"), "none")
    images = pictures(smallest("MobileNetV3Large"))
    np.testing.assert_array_equal(after_scaling(network, images), images.astype(np.float32))


@pytest.mark.parametrize("name", list(NETWORKS))
def test_pictures_that_are_too_small_are_refused(name: str) -> None:
    least = NETWORKS[name].smallest
    check_network(name, "none", ImageSpec(least, least))
    for image in (ImageSpec(least, least - 1), ImageSpec(least - 1, least)):
        with pytest.raises(BadInput) as refused:
            build_network(name, LABELS, image, "none")
        assert str(refused.value) == (
            f"image_size: found {least - 1}; allowed for {name}: at least {least}"
        )


@pytest.mark.parametrize("name", ["tiny", "ResNet18", "ResNet34"])
def test_imagenet_weights_are_refused_where_there_are_none_with_those_offered(name: str) -> None:
    with pytest.raises(BadInput, match=f"weights=imagenet is not offered for {name}; ") as refused:
        check_network(name, "imagenet", ImageSpec(64, 64))
    offered = str(refused.value).partition("it is for: ")[2].split(", ")
    assert offered == [other for other in NETWORKS if other not in ("tiny", "ResNet18", "ResNet34")]


# Keras reads its folder from the environment when it is imported. The hash of the file that is
# made up here takes the place of the published one's; its format is that of the published ones.
IMAGENET = """
import hashlib, json, pathlib, sys
import h5py, keras, numpy as np
from keras.src.applications import mobilenet_v3
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
from ctc.dataset.image_spec import ImageSpec
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.network.backbones import build_network

def build():
    labels = [Label("a", ("x", "y"))]
    return build_network("MobileNetV3Large", labels, ImageSpec(32, 32), "imagenet")

answer = {}
try:
    build()
except BadInput as error:
    answer["refused"] = str(error)
source = keras.applications.MobileNetV3Large((32, 32, 3), weights=None, include_top=False)
path = pathlib.Path(sys.argv[1], "models/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5")
with h5py.File(path, "w") as file:
    save_weights_to_hdf5_group(file, source)
key, hashes = "large_224_1.0_float", mobilenet_v3.WEIGHTS_HASHES
hashes[key] = (hashes[key][0], hashlib.md5(path.read_bytes()).hexdigest())
(backbone,) = [one for one in build().layers if isinstance(one, keras.Model)]
pairs = zip(source.get_weights(), backbone.get_weights(), strict=True)
answer["same"] = all(np.array_equal(a, b) for a, b in pairs)
answer["weights"] = len(source.get_weights())
print("ANSWER" + json.dumps(answer))
"""


def test_imagenet_weights_come_from_kerass_folder_and_are_refused_where_there_is_no_network(
    tmp_path: Path,
) -> None:
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-c", IMAGENET, str(tmp_path)],
        env={
            **os.environ,
            "KERAS_HOME": str(tmp_path),
            "http_proxy": nowhere,
            "https_proxy": nowhere,
            "no_proxy": "",
        },
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.partition("ANSWER")[2])
    assert answer["refused"].startswith("weights=imagenet: they cannot be downloaded (URL fetch")
    assert answer["weights"] > 100
    assert answer["same"] is True
