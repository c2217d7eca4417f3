"""Gives a new network the weights of its parent."""

from collections.abc import Sequence

import keras

from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.network.backbones import backbone_of
from ctc.model.parents import Parent


def inherit(
    network: keras.Model, labels: Sequence[Label], parent: Parent, keep_heads: bool
) -> None:
    """Copy the parent's backbone and, if `keep_heads`, what its heads know of the same classes.

    Args:
        network: as `build_network` makes it for `labels`.
        labels: of the network.
        parent: where the weights come from.
        keep_heads: whether classes that both know, by name of label and class, start with the
            parent's weights; the others stay as they are.

    Raises:
        BadInput: if the parent's backbone is of another shape.
    """
    _copy_backbone(network, parent)
    known = {label.name: label for label in parent.classifier.labels}
    for label in labels if keep_heads else ():
        if label.name in known:
            old = parent.classifier.network.get_layer(label.name)
            _copy_classes(network.get_layer(label.name), label, old, known[label.name])


def freeze(network: keras.Model, frozen: bool) -> None:
    """Let the heads alone learn, or all weights.

    Batch normalisation of a frozen backbone works as it does in prediction: its statistics stay
    (Keras gives `trainable = False` that meaning for this layer).
    """
    backbone_of(network).trainable = not frozen


def _copy_backbone(network: keras.Model, parent: Parent) -> None:
    # By place, not by name: Keras numbers the layers of each backbone that it builds anew.
    old, new = backbone_of(parent.classifier.network), backbone_of(network)
    if [w.shape for w in old.weights] != [w.shape for w in new.weights]:
        raise BadInput(
            f"parent '{parent.name}': its {parent.classifier.origin.model} has other weights than "
            "this version of ctc builds"
        )
    new.set_weights(old.get_weights())


def _copy_classes(new: keras.Layer, label: Label, old: keras.Layer, known: Label) -> None:
    """Copy the columns of the classes that both have; a head is a kernel [features, classes]."""
    shared = [name for name in label.classes if name in known.classes]
    to, source = [label.index(n) for n in shared], [known.index(n) for n in shared]
    (kernel, bias), (old_kernel, old_bias) = new.get_weights(), old.get_weights()
    kernel[:, to], bias[to] = old_kernel[:, source], old_bias[source]
    new.set_weights([kernel, bias])
