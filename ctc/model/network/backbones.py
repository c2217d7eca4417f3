"""Builds a network: scaling, a backbone of the table in `ctc.networks`, a head a label."""

from collections.abc import Callable, Sequence
from importlib import import_module

import keras
from keras import layers

from ctc.dataset.image_spec import ImageSpec
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.networks import NETWORKS, Network, Scaling

# Mean of ImageNet's training pictures in BGR, subtracted by the networks ported from Caffe
# (keras.applications.imagenet_utils.preprocess_input, mode="caffe").
CAFFE_MEAN = (103.939, 116.779, 123.68)
DROPOUT = 0.2


def check_network(name: str, weights: str, image: ImageSpec) -> None:
    """Refuse what cannot be built, before any work.

    Raises:
        BadInput: for pictures that are too small and weights that do not exist.
    """
    network = NETWORKS[name]
    if min(image.height, image.width) < network.smallest:
        raise BadInput(
            f"image_size: found {min(image.height, image.width)}; allowed for {name}: at least "
            f"{network.smallest}"
        )
    if weights == "imagenet" and not network.imagenet:
        offered = ", ".join(name for name, one in NETWORKS.items() if one.imagenet)
        raise BadInput(f"weights=imagenet is not offered for {name}; it is for: {offered}")


def build_network(
    name: str, labels: Sequence[Label], image: ImageSpec, weights: str
) -> keras.Model:
    """Return a network from uint8 RGB [B, H, W, 3] to logits {label: float32 [B, classes]}.

    Raises:
        BadInput: see `check_network`, and if ImageNet weights cannot be fetched.
    """
    check_network(name, weights, image)
    network = NETWORKS[name]
    inputs = keras.Input((image.height, image.width, 3), dtype="uint8", name="images")
    features = _backbone(network, image, weights)(_scaled(inputs, network.scaling))
    features = layers.Dropout(DROPOUT, name="dropout")(features)
    heads = {label.name: _head(label)(features) for label in labels}
    return keras.Model(inputs, heads, name=name)


def backbone_of(network: keras.Model) -> keras.Model:
    """Return the part of a network that lies between the scaling and the heads.

    Raises:
        ValueError: if it is no network of `build_network`.
    """
    found = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} backbones in the network '{network.name}'; one is expected")
    return found[0]


def _backbone(network: Network, image: ImageSpec, weights: str) -> keras.Model:
    module, function = network.builder.split(":")
    build: Callable[..., keras.Model] = getattr(import_module(module), function)
    wanted = None if weights == "none" else weights
    try:
        return build(
            input_shape=(image.height, image.width, 3),
            weights=wanted,
            include_top=False,
            pooling="avg",
        )
    except OSError as error:  # urllib's errors among them
        raise BadInput(f"weights=imagenet: they cannot be downloaded ({error})") from error
    except Exception as error:
        # Keras wraps a failed download in a bare Exception, and a wrong file in a ValueError.
        if not any(said in str(error) for said in ("URL fetch failure", "corrupted file")):
            raise
        raise BadInput(f"weights=imagenet: they cannot be downloaded ({error})") from error


def _scaled(x: keras.KerasTensor, scaling: Scaling) -> keras.KerasTensor:
    if scaling == "symmetric":
        return layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")(x)
    if scaling == "caffe":
        bgr = keras.ops.flip(x, axis=-1)
        return layers.Rescaling(1.0, offset=[-mean for mean in CAFFE_MEAN], name="scaling")(bgr)
    return layers.Rescaling(1.0, name="scaling")(x)  # to float32; the backbone does the rest


def _head(label: Label) -> layers.Dense:
    # float32 under mixed precision too: softmax and loss need it.
    return layers.Dense(len(label.classes), name=label.name, dtype="float32")
