"""Trainings with each option: what is minimised, when they end, which weights are kept."""

import keras
import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset
from test_model_training import judged

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.model.classifier import softmax
from ctc.model.fitting.fit import trainable
from ctc.model.fitting.optimizers import learning_rate
from ctc.model.fitting.reacting import Averaging, epochs_since_best, share_left
from ctc.model.fitting.training import Trained, train
from ctc.model.network.backbones import build_network
from ctc.model.planning.training_plan import TrainingPlan, plan_training
from ctc.params import TrainParams

QUICK = {"labels": ("side", "kind"), "image_size": 16, "batch_size": 8, "epochs": 1}


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """24 captures up and 8 down to learn from; `kind` is missing in every fourth capture.

    In the split `swapped` the labels of `side` are the wrong ones.
    """
    generator = np.random.default_rng(0)
    captures = []
    for number in range(56):
        split = ("train", "val", "swapped")[(number >= 32) + (number >= 44)]
        up = number % 4 > 0
        side = "up" if up != (split == "swapped") else "down"
        labels = {"side": side, "kind": ("", "a", "b", "c")[number // 4 % 4]}
        captures.append(Made(split, labels, (half_bright(up, generator, top=True),)))
    return make_dataset(tmp_path_factory.mktemp("uneven"), captures)


def planned(dataset: Dataset, **changes) -> TrainingPlan:
    return plan_training(Mixture.of(dataset), TrainParams(**{**QUICK, **changes}))


# --- what is minimised ---


@pytest.fixture(scope="module")
def network(uneven: Dataset) -> keras.Model:
    """An untrained network; read only."""
    keras.utils.set_random_seed(0)
    plan = planned(uneven)
    return build_network("tiny", plan.labels, plan.training.image, "none")


@pytest.fixture(scope="module")
def batch() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Eight pictures; `kind` is known of the first five, `side` of all."""
    images = np.random.default_rng(2).integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)
    truth = {"side": np.int32([0, 1] * 4), "kind": np.int32([0, 1, 2, 0, 1, 0, 0, 0])}
    known = {"side": np.ones(8, np.float32), "kind": np.float32([1, 1, 1, 1, 1, 0, 0, 0])}
    return images, truth, known


def cross_entropy(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return -np.log(said[np.arange(8), truth])


def smoothed(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return 0.7 * cross_entropy(said, truth) - 0.3 * np.log(said).mean(axis=1)


def focal(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return (1 - said[np.arange(8), truth]) ** 2 * cross_entropy(said, truth)


# 24 up and 8 down: n / (classes * n_c); kind: 24 known, 8 of each class.
BALANCED = {"side": np.array([32 / 16, 32 / 48]), "kind": np.ones(3)}
RAW = 1 / (1 - 0.999 ** np.array([8, 24]))
EFFECTIVE = {"side": RAW * 32 / (RAW @ [8, 24]), "kind": np.ones(3)}
EVEN = {"side": np.ones(2), "kind": np.ones(3)}


@pytest.mark.parametrize(
    ("asked", "of_label", "of_class", "lost"),
    [
        ({}, {"side": 1, "kind": 1}, EVEN, cross_entropy),
        ({"loss_weights": ("side=3",)}, {"side": 3, "kind": 1}, EVEN, cross_entropy),
        ({"class_weights": "balanced"}, {"side": 1, "kind": 1}, BALANCED, cross_entropy),
        ({"class_weights": "effective"}, {"side": 1, "kind": 1}, EFFECTIVE, cross_entropy),
        ({"label_smoothing": 0.3}, {"side": 1, "kind": 1}, EVEN, smoothed),
        ({"focal": 2.0}, {"side": 1, "kind": 1}, EVEN, focal),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_is_minimised_is_what_was_asked_for_and_no_figure_changes(
    uneven, network, batch, asked, of_label, of_class, lost
) -> None:
    plan = planned(uneven, **asked)
    images, truth, known = batch
    model = trainable(network, plan, learning_rate(plan.params, plan.steps))
    figures = model.test_on_batch(images, truth, known, return_dict=True)
    said = {name: softmax(logits) for name, logits in network.predict_on_batch(images).items()}
    by_hand = {
        name: lost(said[name], truth[name]) * of_class[name][truth[name]] * known[name]
        for name in truth
    }
    expected = sum(of_label[name] * by_hand[name].mean() for name in truth)
    assert figures["loss"] == pytest.approx(expected, rel=1e-4)
    for name in truth:
        plain = np.average(cross_entropy(said[name], truth[name]), weights=known[name])
        assert figures[f"{name}_crossentropy"] == pytest.approx(plain, rel=1e-4)


def test_a_single_label_can_have_a_weight_too(uneven: Dataset, batch) -> None:
    plan = planned(uneven, labels=("side",), loss_weights=("side=2",))
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    model = trainable(network, plan, learning_rate(plan.params, plan.steps))
    images, truth, known = batch
    figures = model.test_on_batch(
        images, {"side": truth["side"]}, {"side": known["side"]}, return_dict=True
    )
    assert figures["loss"] == pytest.approx(2 * figures["crossentropy"], rel=1e-5)


def test_the_model_is_trained_by_the_optimiser_asked_for(uneven, network) -> None:
    plan = planned(uneven, optimizer="sgd", momentum=0.5)
    model = trainable(network, plan, learning_rate(plan.params, plan.steps))
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert model.optimizer.momentum == 0.5


def test_a_plan_reads_as_asked(uneven: Dataset) -> None:
    plan = planned(uneven, steps_per_epoch=3, sampling="balanced:kind", epochs=5)
    assert (plan.training.steps, plan.steps) == (3, 15)
    assert plan.training.sampled == plan.labels[1]
    assert plan.validation.validation_steps == 2


def test_weights_of_classes_are_remarked_upon(uneven: Dataset) -> None:
    (side, _) = planned(uneven, class_weights="balanced").remarks
    assert side == "label 'side': a capture of up counts 0.667, one of down 2"


# --- when val/loss gets no better ---


@pytest.mark.parametrize(
    ("losses", "since", "falls"),
    [
        ([], 0, 0),
        ([3], 0, 0),
        ([3, 2, 1], 0, 0),
        ([3, 2, 2], 1, 0),
        ([3, 2, 2, 4], 2, 1),
        ([3, 2, 2, 4, 3], 3, 1),
        ([3, 2, 2, 4, 3, 5], 4, 2),
        ([3, 2, 2, 4, 1, 5], 1, 1),
        ([3, 2, 4, 1, 4, 1, 1], 3, 1),
    ],
)
def test_epochs_without_a_better_loss_are_counted(losses, since, falls) -> None:
    assert epochs_since_best(losses) == since
    assert share_left(losses, patience=2) == pytest.approx(0.1**falls)


def test_the_learning_rate_falls_to_a_thousandth_at_most() -> None:
    assert share_left([1.0] * 50, patience=1) == 1e-3


def test_the_rate_falls_and_training_ends_when_the_loss_gets_no_better(uneven: Dataset) -> None:
    # The better it learns, the worse it does on the swapped labels.
    done = train(
        planned(
            uneven,
            labels=("side",),
            val_split="swapped",
            learning_rate=0.01,
            schedule="plateau",
            warm_up=0.0,
            plateau_patience=2,
            patience=3,
            epochs=50,
        ),
        report=lambda epoch: None,
    )
    losses = [epoch.metrics["val/loss"] for epoch in done.epochs]
    assert len(losses) == done.best.number + 4 < 50
    assert losses[done.best.number] == min(losses)
    rates = [epoch.metrics["learning_rate"] for epoch in done.epochs]
    # A rate is reported as the epoch had it, before what the epoch brings about.
    expected = [0.01 * share_left(losses[:number], 2) for number in range(len(losses))]
    assert rates == pytest.approx(expected)
    assert rates[-1] < rates[0]


# --- averages, and the same seed ---


class Remembers(keras.callbacks.Callback):
    """Keeps the weights after each step, and before and after what stands after it."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[np.ndarray] = []
        self.at_end: list[np.ndarray] = []
        self.at_begin: list[np.ndarray] = []

    def weights(self) -> np.ndarray:
        return np.concatenate([w.numpy().ravel() for w in self.model.trainable_variables])

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.at_begin.append(self.weights())

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.steps.append(self.weights())

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.at_end.append(self.weights())


def test_averages_are_judged_and_training_goes_on_from_the_weights_themselves() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(32, 3)), generator.normal(size=(32, 1))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7), "mse")
    seen = Remembers()
    model.fit(
        x, y, batch_size=8, epochs=3, validation_data=(x, y), verbose=0,
        callbacks=[seen, Averaging()],
    )  # fmt: skip
    average = seen.steps[0]
    for number, now in enumerate(seen.steps):
        average = 0.7 * average + 0.3 * now if number else now
        if number % 4 == 3:
            epoch = number // 4
            assert seen.at_end[epoch] == pytest.approx(average, rel=1e-5)
            assert np.abs(seen.at_end[epoch] - now).max() > 1e-3
    for epoch in (1, 2):
        np.testing.assert_array_equal(seen.at_begin[epoch], seen.steps[4 * epoch - 1])


EVERYTHING = {
    "optimizer": "sgd",
    "schedule": "plateau",
    "epochs": 2,
    "patience": 5,
    "loss_weights": ("side=2",),
    "label_smoothing": 0.1,
    "focal": 1.0,
    "sampling": "balanced:side",
    "steps_per_epoch": 6,
    "ema": 0.9,
    "learning_rate": 0.05,
}


@pytest.fixture(scope="module")
def with_everything(uneven: Dataset) -> Trained:
    return train(planned(uneven, **EVERYTHING), report=lambda epoch: None)


def test_the_weights_that_are_kept_are_those_that_were_judged(uneven, with_everything) -> None:
    figures = judged(planned(uneven, **EVERYTHING), with_everything.classifier.network)
    found = {name: with_everything.best.metrics[name] for name in figures}
    assert found == pytest.approx(figures, rel=1e-3)


def test_with_every_option_the_same_seed_gives_the_same_weights(uneven, with_everything) -> None:
    again = train(planned(uneven, **EVERYTHING), report=lambda epoch: None)
    first, second = (one.classifier.network.get_weights() for one in (with_everything, again))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_share_of_time_spent_waiting_is_a_share(with_everything) -> None:
    shares = [epoch.metrics["train/waiting_share"] for epoch in with_everything.epochs]
    assert all(0 <= share <= 1 for share in shares)
