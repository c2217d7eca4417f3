"""A training that goes on from any of its states ends as if it had never been cut off."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.model.classifier import Ancestor
from ctc.model.fitting.fit import trainable
from ctc.model.fitting.optimizers import learning_rate
from ctc.model.fitting.training import Trained, train
from ctc.model.fitting.watching import Epoch
from ctc.model.network.backbones import build_network
from ctc.model.parents import open_parent
from ctc.model.planning.training_plan import TrainingPlan, plan_training
from ctc.model.resuming.keeping import put_back
from ctc.model.resuming.state import State
from ctc.params import TrainParams

SPEEDS = ("train/images_per_second", "train/waiting_share")
QUICK = {
    "labels": ("side",),
    "image_size": 16,
    "batch_size": 8,
    "epochs": 3,
    "checkpoint_minutes": 1e-9,  # after each step
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """36 captures to learn from (five batches of 8, the last of them filled up), 12 to judge by."""
    generator = np.random.default_rng(0)
    captures = []
    for number in range(48):
        split = "train" if number < 36 else "val"
        up = number % 4 > 0
        labels = {"side": "up" if up else "down"}
        pictures = [half_bright(up, generator, top=True) for _ in range(1 + number % 2)]
        captures.append(Made(split, labels, tuple(pictures)))
    return make_dataset(tmp_path_factory.mktemp("going_on"), captures)


def planned(dataset: Dataset, **changes) -> TrainingPlan:
    return plan_training(Mixture.of(dataset), TrainParams(**{**QUICK, **changes}))


@dataclasses.dataclass(frozen=True)
class Whole:
    """A training that nothing disturbed, and the state after each step and epoch."""

    plan: TrainingPlan
    trained: Trained
    states: dict[tuple[int, int], State]


def whole(plan: TrainingPlan) -> Whole:
    states: list[State] = []
    trained = train(plan, lambda epoch: None, states.append)
    return Whole(plan, trained, {(state.epoch, state.step): state for state in states})


def weights(one: Trained) -> list[np.ndarray]:
    return one.classifier.network.get_weights()


def figures(epochs: list[Epoch] | tuple[Epoch, ...]) -> list[tuple[int, dict[str, float]]]:
    """Every figure but those of the clock."""
    return [
        (epoch.number, {k: v for k, v in epoch.metrics.items() if k not in SPEEDS})
        for epoch in epochs
    ]


def is_the_same(one: Trained, other: Trained) -> None:
    assert figures(one.epochs) == figures(other.epochs)
    assert one.best.number == other.best.number
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


# Together they have all that a state has to hold. What is drawn in the middle of an epoch, and what
# Keras does at the end of a fit, are the hard parts: averages, from the middle of an epoch.
AVERAGED = {
    "optimizer": "sgd",
    "schedule": "plateau",
    "plateau_patience": 1,
    "ema": 0.8,
    "mixup": 0.4,
}
BALANCED = {
    "sampling": "balanced:side",
    "steps_per_epoch": 4,
    "capture_images": "grayscale_stack",
    "zoom": 0.2,
}
PLACES = [(0, 1), (0, 3), (1, 0), (1, 2), (2, 3), (3, 0)]


@pytest.fixture(scope="module")
def averaged(dataset: Dataset) -> Whole:
    return whole(planned(dataset, **AVERAGED))


def goes_on_as_if_never_cut_off(undisturbed: Whole, place: tuple[int, int], folder: Path) -> None:
    undisturbed.states[place].write(folder, "a run")
    state = State.read(folder / "state.npz", "a run")
    assert state is not None
    reported: list[Epoch] = []
    keras.utils.clear_session()
    done = train(undisturbed.plan, reported.append, state=state)
    is_the_same(done, undisturbed.trained)
    assert [epoch.number for epoch in reported] == list(range(place[0], 3))


def test_from_the_middle_of_an_epoch_it_ends_as_if_never_cut_off(averaged, tmp_path) -> None:
    goes_on_as_if_never_cut_off(averaged, (1, 2), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [{}, AVERAGED, BALANCED], ids=["adamw", "ema", "balanced"])
def test_from_any_state_it_ends_as_if_never_cut_off(dataset, asked, tmp_path) -> None:
    undisturbed = whole(planned(dataset, **asked))
    for place in PLACES:
        goes_on_as_if_never_cut_off(undisturbed, place, tmp_path)


@pytest.mark.slow
def test_with_a_backbone_that_is_frozen_at_first_it_ends_as_if_never_cut_off(
    dataset, averaged: Whole, tmp_path
) -> None:
    averaged.trained.classifier.save(tmp_path / "parent")
    parent = open_parent(tmp_path / "parent", Ancestor("it", "it", None, None))
    two = {"strategy": "finetune", "trainable": "heads", "unfreeze_epoch": 2}
    asked = {**QUICK, **two, "ema": 0.8, "parent": "it", "output": str(tmp_path / "child")}
    undisturbed = whole(plan_training(Mixture.of(dataset), TrainParams(**asked), parent))
    # After the first phase, whose averages the second begins with; and in the middle of each.
    for place in [(1, 0), (0, 2), (1, 3)]:
        goes_on_as_if_never_cut_off(undisturbed, place, tmp_path)


def test_with_another_batch_size_it_goes_on_at_the_same_share(dataset, averaged: Whole) -> None:
    plan = planned(dataset, **AVERAGED, batch_size=16)
    assert (averaged.plan.training.steps, plan.training.steps) == (5, 3)
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    model = trainable(network, plan, learning_rate(plan.params, plan.steps))
    place = put_back(model, averaged.states[1, 3], plan, 0)
    assert (place.epoch, place.step) == (1, 1)  # 24 captures were shown: one batch of 16 was
    assert int(model.optimizer.iterations) == 3 + 1
    assert len(place.metrics) == len(averaged.states[1, 3].metrics)
    between = put_back(model, averaged.states[2, 0], plan, 0)
    assert (between.epoch, between.step, between.metrics) == (2, 0, ())
    assert int(model.optimizer.iterations) == 2 * 3


def test_the_state_of_another_network_is_refused(dataset, averaged: Whole) -> None:
    plan = planned(dataset)  # adamw has moments that sgd lacks
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    model = trainable(network, plan, learning_rate(plan.params, plan.steps))
    with pytest.raises(BadInput, match="is of another network or optimiser"):
        put_back(model, averaged.states[1, 2], plan, 0)
