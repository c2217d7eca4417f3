"""Pictures that are blends of two: what the network sees, what the loss is, what metrics say."""

from collections.abc import Sequence

import keras
import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset

from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import training_batches
from ctc.labels import Label
from ctc.model.classifier import softmax
from ctc.model.fitting.fit import trainable
from ctc.model.fitting.losses import label_losses
from ctc.model.fitting.metrics import metrics_of
from ctc.model.fitting.mixing import MixedModel, Mixup
from ctc.model.fitting.optimizers import learning_rate
from ctc.model.fitting.training import train
from ctc.model.network.backbones import build_network
from ctc.model.planning.objective import Objective
from ctc.model.planning.training_plan import plan_training
from ctc.params import TrainParams

LABELS = (Label("side", ("down", "up")), Label("kind", ("a", "b", "c")))
SMOOTH = Objective(
    {"side": 2.0, "kind": 0.5}, {"kind": (0.5, 1.0, 4.0)}, label_smoothing=0.1, focal=1.5
)


def pictures(count: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3)).astype(np.uint8)


def batch() -> tuple[np.ndarray, dict, dict]:
    """Six pictures; of two the kind is not known, of one the side."""
    truth = {"side": np.array([0, 1, 1, 0, 0, 1]), "kind": np.array([2, 0, 0, 1, 0, 1])}
    known = {"side": np.array([1, 1, 0, 1, 1, 1.0]), "kind": np.array([1, 0, 1, 1, 0, 1.0])}
    return pictures(), truth, known


# --- pictures ---


def test_each_picture_is_a_blend_of_itself_and_the_one_before() -> None:
    images = pictures()
    layer = Mixup(1.0, 0)
    for _ in range(3):
        out = np.asarray(layer(images, training=True))
        share = float(layer.share.numpy())
        assert 0.5 <= share <= 1
        before = images[[5, 0, 1, 2, 3, 4]]
        expected = share * images.astype(float) + (1 - share) * before.astype(float)
        assert out.dtype == np.uint8
        assert np.abs(out - expected).max() <= 0.51


def test_outside_training_nothing_is_blended() -> None:
    images = pictures()
    np.testing.assert_array_equal(np.asarray(Mixup(1.0, 0)(images)), images)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_those_of_the_beta_distribution(alpha: float) -> None:
    shares = Mixup(alpha, 1).shares
    wanted = np.random.default_rng(0).beta(alpha, alpha, 100_000)
    wanted = np.maximum(wanted, 1 - wanted)
    for share in (0.1, 0.5, 0.9):
        assert np.quantile(shares, share) == pytest.approx(np.quantile(wanted, share), abs=0.01)


def test_the_same_seed_draws_the_same_shares() -> None:
    found = []
    for seed in (1, 1, 2):
        layer = Mixup(0.4, seed)
        found.append([float(layer._drawn()) for _ in range(40)])
    assert found[0] == found[1] != found[2]
    assert len(set(found[0])) > 35
    assert np.mean(found[0]) == pytest.approx(Mixup(0.4, 1).shares.mean(), abs=0.08)


# --- the loss ---


def made(objective: Objective, jit: bool = False) -> MixedModel:
    """Heads on the pixels themselves, so that what is said of a blend can be computed by hand."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((4, 4, 3), dtype="uint8")
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(Mixup(1.0, 3)(inputs)))
    heads = {x.name: keras.layers.Dense(len(x.classes), name=x.name)(flat) for x in LABELS}
    model = MixedModel(inputs, heads)
    model.compile(
        keras.optimizers.SGD(0.0),
        loss=label_losses(objective, LABELS),
        loss_weights=dict(objective.loss_weights) or None,
        weighted_metrics={label.name: [*metrics_of(label).values()] for label in LABELS},
        jit_compile=jit,
    )
    return model


def logits(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    flat = images.reshape(len(images), -1) / 255
    said = {}
    for label in LABELS:
        kernel, bias = (w.numpy() for w in model.get_layer(label.name).weights)
        said[label.name] = flat @ kernel + bias
    return said


def lost(objective: Objective, name: str, said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The loss of each picture, computed by hand."""
    probabilities = softmax(said)
    classes = said.shape[1]
    smoothing = objective.label_smoothing
    wanted = np.eye(classes)[truth] * (1 - smoothing) + smoothing / classes
    terms = -wanted * np.log(probabilities) * (1 - probabilities) ** objective.focal
    weights = np.array(objective.class_weights.get(name, np.ones(classes)))
    return terms.sum(axis=1) * weights[truth]


@pytest.mark.parametrize("objective", [Objective(), SMOOTH], ids=["plain", "all at once"])
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_the_loss_is_a_blend_of_the_losses_against_both_labels(objective, jit: bool) -> None:
    model = made(objective, jit)
    images, truth, known = batch()
    found = model.train_on_batch(images, truth, known, return_dict=True)
    share = float(model.layers[1].share.numpy())
    blend = np.round(share * images.astype(float) + (1 - share) * np.roll(images, 1, axis=0))
    expected = 0.0
    for label in LABELS:
        name, said = label.name, logits(model, blend)[label.name]
        own = lost(objective, name, said, truth[name]) * known[name]
        before = np.roll(truth[name], 1), np.roll(known[name], 1)
        other = lost(objective, name, said, before[0]) * before[1]
        of_label = share * own.mean() + (1 - share) * other.mean()
        expected += of_label * objective.loss_weights.get(name, 1.0)
    assert 0.5 < share < 0.99
    assert found["loss"] == pytest.approx(expected, rel=1e-4)
    said = logits(model, blend)
    for label in LABELS:  # of the pictures that are seen best, where their class is known
        name = label.name
        right = (said[name].argmax(axis=1) == truth[name])[known[name] > 0].mean()
        assert found[f"{name}_accuracy"] == pytest.approx(right)


def test_validation_is_of_the_pictures_as_they_are() -> None:
    model = made(Objective())
    images, truth, known = batch()
    found = model.test_on_batch(images, truth, known, return_dict=True)
    said = logits(model, images)
    expected = sum(
        (lost(Objective(), name, said[name], truth[name]) * known[name]).mean() for name in truth
    )
    assert found["loss"] == pytest.approx(expected, rel=1e-5)


# --- a training ---


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Mixture:
    generator = np.random.default_rng(0)
    captures = [
        Made(
            "train" if number < 16 else "val",
            {"side": ("up", "down")[number % 2], "kind": ("", "a", "b")[number % 3]},
            (half_bright(number % 2 == 0, generator, top=True),),
        )
        for number in range(24)
    ]
    return Mixture.of(make_dataset(tmp_path_factory.mktemp("mixed"), captures))


def params(labels: Sequence[str], **changes: float) -> TrainParams:
    quick = {"image_size": 16, "batch_size": 8, "epochs": 2, "learning_rate": 0.003}
    return TrainParams(labels=tuple(labels), **{**quick, **changes})


def test_unless_asked_there_is_no_such_layer(dataset: Mixture) -> None:
    for mixup in (0.0, 0.3):
        plan = plan_training(dataset, params(("side",), mixup=mixup))
        network = build_network("tiny", plan.labels, plan.training.image, "none")
        model = trainable(network, plan, learning_rate(plan.params, plan.steps))
        found = [layer for layer in model.layers if isinstance(layer, Mixup)]
        assert [layer.alpha for layer in found] == ([mixup] if mixup else [])
        assert isinstance(model, MixedModel) == bool(mixup)


def test_the_augmented_pictures_of_a_batch_are_blended_and_both_are_learnt_from(dataset) -> None:
    plan = plan_training(dataset, params(("side", "kind"), mixup=1.0))
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    model = trainable(network, plan, learning_rate(plan.params, plan.steps))
    (batch,) = training_batches(plan.training, 1, 0).take(1)
    seen = keras.Model(model.inputs, model.get_layer("mixup").output)(batch[0], training=True)
    share = float(model.get_layer("mixup").share.numpy())
    again = trainable(network, plan, learning_rate(plan.params, plan.steps))
    augmented = np.asarray(again.get_layer("augmentation")(batch[0], training=True)).astype(float)
    expected = share * augmented + (1 - share) * np.roll(augmented, 1, axis=0)
    assert np.abs(np.asarray(seen) - expected).max() <= 0.51


def test_a_training_with_mixup_reports_what_any_training_does(dataset: Mixture) -> None:
    plan = plan_training(dataset, params(("side",), mixup=0.4, epochs=1))
    done = train(plan, report=lambda epoch: None)
    figures = {"loss", "accuracy", "macro_f1"}
    named = {f"{split}/side/{name}" for split in ("train", "val") for name in figures}
    assert named <= {*done.best.metrics}
    assert all(np.isfinite(value) for value in done.best.metrics.values())
    assert "mixup" not in {layer.name for layer in done.classifier.network.layers}
