import dataclasses
import re

import pytest

from ctc.dataset.mixture import Mixture
from ctc.model.classifier import Ancestor
from ctc.model.fitting.describing import described
from ctc.model.network.backbones import backbone_of, build_network
from ctc.model.parents import open_parent
from ctc.model.planning.training_plan import TrainingPlan, plan_training


@pytest.fixture
def plan(small_dataset, small_params, small_classifier) -> TrainingPlan:
    """Two epochs: the heads alone, then all."""
    parent = open_parent(small_classifier, Ancestor("it", "it", None, None))
    own = {"parent": "it", "strategy": "transfer", "unfreeze_epoch": 2, "output": "child"}
    return plan_training(
        Mixture.of(small_dataset), dataclasses.replace(small_params, **own), parent
    )


def weights(layer) -> tuple[int, int]:
    return layer.count_params(), sum(int(w.numpy().size) for w in layer.trainable_weights)


def test_every_layer_tells_its_weights_and_how_many_learn_in_each_phase(plan) -> None:
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    lines = described(network, plan).splitlines()
    assert re.split(r"  +", lines[0]) == [
        "layer", "kind", "output", "weights", "learn in epochs 1-1", "learn in epochs 2-2",
    ]  # fmt: skip
    assert len(lines) == 2 + len(network.layers) + len(backbone_of(network).layers)
    table = {line.split()[0]: line.split()[1:] for line in lines[3:]}
    assert not backbone_of(network).trainable  # as the first phase wants it
    heads = weights(network)[1]
    backbone_of(network).trainable = True
    all_weights, learning = weights(network)
    assert lines[1].split()[2:] == [f"{n:,}" for n in (all_weights, heads, learning)]
    assert table["species"] == ["Dense", "5", "645", "645", "645"]
    assert 0 < heads < learning < all_weights
