import contextlib
import dataclasses
import io
import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import validation_batches
from ctc.errors import BadInput, CannotGoOn
from ctc.labels import Label
from ctc.model.classifier import softmax
from ctc.model.fitting.augmentation import strength
from ctc.model.fitting.fit import trainable
from ctc.model.fitting.optimizers import FINAL, learning_rate
from ctc.model.fitting.training import Trained, train
from ctc.model.fitting.watching import Epoch
from ctc.model.network.backbones import build_network
from ctc.model.planning.training_plan import TrainingPlan, plan_training
from ctc.params import TrainParams

LABELS = ("side", "kind")


@pytest.fixture(scope="module")
def easy(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Bright above or below, which the picture shows; `kind` is missing in every third capture.

    `never` occurs in val alone. In the split `swapped` the labels of `side` are the wrong ones.
    """
    generator = np.random.default_rng(0)
    captures = []
    for number in range(74):
        split = ("train", "val", "test", "swapped")[
            (number >= 40) + (number >= 54) + (number >= 64)
        ]
        up = number % 2 == 0
        kind = "" if number % 3 == 0 else ("a", "b")[number % 4 // 2]
        side = "up" if up != (split == "swapped") else "down"
        labels = {"side": side, "kind": "never" if number == 53 else kind}
        pictures = [half_bright(up, generator, top=True) for _ in range(1 + (number % 5 == 0))]
        captures.append(Made(split, labels, tuple(pictures)))
    return make_dataset(tmp_path_factory.mktemp("easy"), captures)


def params(**changes) -> TrainParams:
    """The shortest training."""
    quick = {"labels": ("side",), "image_size": 16, "batch_size": 8, "epochs": 1}
    return TrainParams(**{**quick, **changes})


def trained(dataset: Dataset, **changes) -> Trained:
    return train(plan_training(Mixture.of(dataset), params(**changes)), report=lambda epoch: None)


def weights(one: Trained) -> list[np.ndarray]:
    return one.classifier.network.get_weights()


@dataclass(frozen=True)
class Watched:
    """A training, what it reported, what it said and where it could have written."""

    trained: Trained
    reported: list[Epoch]
    said: str
    folder: Path


@pytest.fixture(scope="module")
def watched(easy: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Two epochs with one label; read only."""
    reported: list[Epoch] = []
    said = io.StringIO()
    folder = tmp_path_factory.mktemp("watched")
    plan = plan_training(Mixture.of(easy), params(epochs=2, output=str(folder / "classifier")))
    with contextlib.redirect_stderr(said), contextlib.chdir(folder):
        done = train(plan, reported.append)
    return Watched(done, reported, said.getvalue(), folder)


@pytest.fixture(scope="module")
def one_head(watched: Watched) -> Trained:
    return watched.trained


def judged(plan: TrainingPlan, network: keras.Model) -> dict[str, float]:
    """Loss and metrics on the validation split, computed by hand from the logits."""
    reading = plan.validation
    sums: dict[str, float] = {}
    known: dict[str, float] = {}
    for images, truth, weight in validation_batches(reading).take(reading.validation_steps):
        logits = network.predict_on_batch(images.numpy())
        for name, classes in truth.items():
            said = softmax(logits[name])
            right = said.argmax(axis=1) == classes.numpy()
            lost = -np.log(said[np.arange(len(said)), classes.numpy()])
            for what, values in (("loss", lost), ("accuracy", right)):
                key = f"val/{name}/{what}"
                sums[key] = sums.get(key, 0.0) + float((values * weight[name].numpy()).sum())
                known[key] = known.get(key, 0.0) + float(weight[name].numpy().sum())
    means = {key: value / known[key] for key, value in sums.items()}
    return {"val/loss": sum(v for key, v in means.items() if key.endswith("/loss")), **means}


# --- the loss ---


@pytest.fixture(scope="module")
def batch() -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Eight pictures; `kind` is known of the first five, `side` of all."""
    generator = np.random.default_rng(2)
    images = generator.integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)
    truth = {"side": np.int32([0, 1] * 4), "kind": np.int32([0, 1, 1, 0, 1, 0, 0, 0])}
    known = {"side": np.ones(8, np.float32), "kind": np.float32([1, 1, 1, 1, 1, 0, 0, 0])}
    return images, truth, known


def model_of(easy: Dataset, **changes) -> tuple[keras.Model, keras.Model]:
    """A network and the model that trains it, the same at each call."""
    from ctc.model.network.backbones import build_network

    keras.utils.set_random_seed(0)
    plan = plan_training(Mixture.of(easy), params(labels=LABELS, **changes))
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    return network, trainable(network, plan, learning_rate(plan.params, plan.steps))


def other_where_missing(truth, known):
    return {name: np.where(known[name] > 0, truth[name], 1 - truth[name]) for name in truth}


def test_what_stands_in_the_place_of_a_missing_label_changes_no_figure(easy, batch) -> None:
    images, truth, known = batch
    _, model = model_of(easy)
    figures = model.test_on_batch(images, truth, known, return_dict=True)
    other = model.test_on_batch(images, other_where_missing(truth, known), known, return_dict=True)
    assert other == figures
    every = {name: np.ones(8, np.float32) for name in truth}
    assert model.test_on_batch(images, truth, every, return_dict=True) != figures


def test_what_stands_in_the_place_of_a_missing_label_changes_no_weight(easy, batch) -> None:
    images, truth, known = batch
    network, model = model_of(easy, epochs=20)
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    start = [np.array(variable.numpy()) for variable in variables]

    def learnt(labels, known) -> list[np.ndarray]:
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        for _ in range(3):
            model.train_on_batch(images, labels, known)
        return network.get_weights()

    first = learnt(truth, known)
    again = learnt(other_where_missing(truth, known), known)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    every = {name: np.ones(8, np.float32) for name in truth}
    assert np.abs(first[0] - learnt(truth, every)[0]).max() > 0


def test_the_figures_of_a_label_are_those_of_the_captures_that_have_it(easy, batch) -> None:
    images, truth, known = batch
    network, model = model_of(easy)
    figures = model.test_on_batch(images, truth, known, return_dict=True)
    said = softmax(network.predict_on_batch(images)["kind"][:5])
    lost = -np.log(said[np.arange(5), truth["kind"][:5]])
    assert figures["kind_crossentropy"] == pytest.approx(lost.mean(), rel=1e-5)
    right = said.argmax(axis=1) == truth["kind"][:5]
    assert figures["kind_accuracy"] == pytest.approx(right.mean())


# --- what comes out ---


def test_one_head_has_metrics_of_its_label(one_head: Trained) -> None:
    epoch = one_head.epochs[-1]
    assert {*epoch.metrics} == {
        "train/loss",
        "train/side/loss",
        "train/side/accuracy",
        "train/side/macro_f1",
        "val/loss",
        "val/side/loss",
        "val/side/accuracy",
        "val/side/macro_f1",
        "learning_rate",
        "train/images_per_second",
        "train/waiting_share",
    }
    assert epoch.metrics["val/side/loss"] == pytest.approx(epoch.metrics["val/loss"], rel=1e-4)


def test_two_heads_have_metrics_of_each_label(small_trained: Trained) -> None:
    of_label = {
        "empty": ("loss", "accuracy", "macro_f1"),
        "species": ("loss", "accuracy", "macro_f1", "top3_accuracy"),  # it has more than 3 classes
    }
    of_run = {"learning_rate", "train/images_per_second", "train/waiting_share"}
    expected = {"train/loss", "val/loss", *of_run} | {
        f"{split}/{label}/{metric}"
        for split in ("train", "val")
        for label, metrics in of_label.items()
        for metric in metrics
    }
    for number, epoch in enumerate(small_trained.epochs):
        assert epoch.number == number
        assert {*epoch.metrics} == expected
        assert all(math.isfinite(value) for value in epoch.metrics.values())


def test_each_epoch_is_reported(watched: Watched) -> None:
    assert [epoch.number for epoch in watched.reported] == [0, 1]
    assert tuple(watched.reported) == watched.trained.epochs


def test_progress_says_how_many_pictures_were_trained_on(watched: Watched) -> None:
    assert "train: 80 pictures in " in watched.said
    first, second = re.findall(r"^train: (epoch .*)$", watched.said, re.MULTILINE)
    for epoch, line in zip(watched.reported, (first, second), strict=True):
        figures = epoch.metrics
        assert line.startswith(
            f"epoch {epoch.number + 1}/2: train/loss {figures['train/loss']:.3f}"
        )
        assert f"val/loss {figures['val/loss']:.3f} (" in line
        assert f", val/side/accuracy {figures['val/side/accuracy']:.3f}; " in line
    assert "(the lowest)" in first


def test_nothing_is_written_while_training(watched: Watched) -> None:
    assert list(watched.folder.iterdir()) == []


def test_the_best_epoch_has_the_lowest_validation_loss_and_its_weights_are_kept(
    easy: Dataset,
) -> None:
    # The better it learns the worse it does on the swapped labels.
    plan = plan_training(
        Mixture.of(easy), params(epochs=6, learning_rate=0.003, val_split="swapped")
    )
    done = train(plan, report=lambda epoch: None)
    losses = [epoch.metrics["val/loss"] for epoch in done.epochs]
    assert done.best == done.epochs[int(np.argmin(losses))]
    assert losses[-1] > 1.1 * min(losses)
    figures = judged(plan, done.classifier.network)
    assert {name: done.best.metrics[name] for name in figures} == pytest.approx(figures, rel=1e-3)


def test_the_figures_of_the_validation_are_over_every_picture_and_known_label(
    small_dataset: Dataset, small_params: TrainParams, small_trained: Trained
) -> None:
    plan = plan_training(Mixture.of(small_dataset), small_params)
    assert plan.validation.images % plan.validation.batch_size  # the last batch is smaller
    figures = judged(plan, small_trained.classifier.network)
    found = {name: small_trained.best.metrics[name] for name in figures}
    assert found == pytest.approx(figures, rel=1e-3)


def test_the_classifier_knows_what_it_was_made_from(easy: Dataset, one_head: Trained) -> None:
    classifier = one_head.classifier
    assert classifier.labels == (Label("side", ("down", "up")),)
    assert (classifier.image.height, classifier.image.width) == (16, 16)
    assert classifier.origin.model == "tiny"
    assert classifier.origin.datasets == (easy.digest,)
    assert classifier.origin.splits == ("train",)
    assert classifier.origin.locations == ("site0", "site1", "site2")
    names = {layer.name for layer in classifier.network.layers}
    assert "augmentation" not in names


def test_the_same_seed_gives_the_same_weights(easy: Dataset, one_head: Trained) -> None:
    again = trained(easy, epochs=2)
    for a, b in zip(weights(one_head), weights(again), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.best.metrics["val/loss"] == one_head.best.metrics["val/loss"]


@pytest.mark.slow
def test_another_seed_gives_other_weights(easy: Dataset, one_head: Trained) -> None:
    other = trained(easy, epochs=2, seed=1)
    assert np.abs(weights(one_head)[0] - weights(other)[0]).max() > 1e-3


def test_what_a_picture_shows_is_learnt(easy: Dataset) -> None:
    done = trained(easy, epochs=12, learning_rate=0.003)
    assert done.best.metrics["val/side/accuracy"] >= 0.9
    assert max(epoch.metrics["train/side/accuracy"] for epoch in done.epochs) >= 0.8
    assert done.epochs[-1].metrics["train/loss"] < 0.5 * done.epochs[0].metrics["train/loss"]


def test_the_model_that_is_trained_changes_pictures_as_asked(easy: Dataset) -> None:
    how = {"color": "full", "crop": 0.3, "zoom": 0.2, "rotate": 30.0, "flip": False}
    plan = plan_training(Mixture.of(easy), params(**how))
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    model = trainable(network, plan, learning_rate(plan.params, plan.steps))
    assert model.get_layer("augmentation").strength == strength(
        TrainParams(**how), plan.training.image
    )


def test_a_network_learns_from_stacks_and_says_so(easy: Dataset) -> None:
    plan = plan_training(Mixture.of(easy), params(capture_images="grayscale_stack", color="full"))
    done = train(plan, report=lambda epoch: None)
    assert done.classifier.image == ImageSpec(16, 16, stacked=True)
    figures = judged(plan, done.classifier.network)
    assert {name: done.best.metrics[name] for name in figures} == pytest.approx(figures, rel=1e-3)


# --- the schedule ---


def test_the_learning_rate_rises_and_then_falls(easy: Dataset) -> None:
    plan = plan_training(Mixture.of(easy), params(epochs=40, learning_rate=0.02))
    steps = plan.steps
    assert steps == 5 * 40
    rate = [float(learning_rate(plan.params, steps)(step)) for step in range(steps + 1)]
    top = round(TrainParams.warm_up * steps)
    assert rate[0] == 0.0
    assert rate[top // 2] == pytest.approx(0.01)
    assert rate[top] == pytest.approx(0.02)
    assert rate[(top + steps) // 2] == pytest.approx(0.02 * (1 + FINAL) / 2, rel=1e-3)
    assert rate[steps] == pytest.approx(0.02 * FINAL)
    assert all(a < b for a, b in pairwise(rate[: top + 1]))
    assert all(a > b for a, b in pairwise(rate[top:]))


def test_the_learning_rate_ends_at_its_last_value_in_the_training_too(one_head: Trained) -> None:
    assert one_head.epochs[-1].metrics["learning_rate"] == pytest.approx(0.001 * FINAL, rel=1e-3)


# --- refusals and remarks ---


def test_an_unknown_label_is_refused_with_those_known(easy: Dataset) -> None:
    with pytest.raises(BadInput) as refused:
        plan_training(Mixture.of(easy), params(labels=("species",)))
    assert str(refused.value) == "unknown label 'species'; the dataset has: side, kind"


def test_all_means_every_label(easy: Dataset) -> None:
    names = [
        label.name for label in plan_training(Mixture.of(easy), params(labels=("all",))).labels
    ]
    assert names == ["side", "kind"]


def test_the_same_split_for_both_is_refused(easy: Dataset) -> None:
    with pytest.raises(BadInput) as refused:
        plan_training(Mixture.of(easy), params(train_split="*", val_split="val"))
    assert str(refused.value) == "split 'val' is asked for both to learn from and to choose by"


@pytest.mark.parametrize("which", ["train_split", "val_split"])
def test_a_split_that_does_not_exist_is_refused_with_those_that_do(easy, which: str) -> None:
    with pytest.raises(BadInput, match=r"matches 'nowhere\*'; it has: ") as refused:
        plan_training(Mixture.of(easy), params(**{which: "nowhere*"}))
    has = str(refused.value).partition("it has: ")[2].split(", ")
    assert sorted(has) == ["swapped", "test", "train", "val"]


def test_a_label_with_one_class_is_refused(easy: Dataset) -> None:
    counts = {**easy.labels, "side": {"train": {"up": 3}, "val": {"up": 1, "down": 1}}}
    with pytest.raises(BadInput, match="label 'side' has up in train; it needs two"):
        plan_training(Mixture.of(dataclasses.replace(easy, labels=counts)), params())


def test_a_label_whose_name_keras_would_refuse_is_refused(easy: Dataset) -> None:
    counts = {"my side": easy.labels["side"]}
    with pytest.raises(BadInput, match="label 'my side': a label's name starts with"):
        plan_training(
            Mixture.of(dataclasses.replace(easy, labels=counts)), params(labels=("my side",))
        )


def test_pictures_that_are_too_small_for_the_network_are_refused_before_any_work(easy) -> None:
    with pytest.raises(BadInput, match="image_size: found 16; allowed for ResNet18: at least 32"):
        plan_training(Mixture.of(easy), params(model="ResNet18"))


def test_a_class_that_is_not_in_the_training_is_remarked_upon(easy: Dataset) -> None:
    assert plan_training(Mixture.of(easy), params(labels=LABELS)).remarks == (
        "label 'kind': never cannot be learnt, for no capture of train shows it; as a true class "
        "it will count as an error",
    )
    assert plan_training(Mixture.of(easy), params()).remarks == ()


def test_a_loss_that_is_no_number_ends_the_training_with_advice(
    easy: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_training(Mixture.of(easy), params(epochs=3))
    plan = dataclasses.replace(plan, params=dataclasses.replace(plan.params, learning_rate=1e30))
    reported = []
    with pytest.raises(CannotGoOn, match=r"is (nan|inf) in epoch \d: try a lower learning_rate"):
        train(plan, reported.append)
    assert all(math.isfinite(epoch.metrics["val/loss"]) for epoch in reported)


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """`kind` is known in train alone, and `dull` has one class."""
    generator = np.random.default_rng(4)
    captures = []
    for number in range(24):
        split = "train" if number < 16 else "val"
        kind = ("a", "b")[number % 2] if split == "train" else ""
        labels = {"side": ("up", "down")[number % 2], "kind": kind, "dull": "grey"}
        captures.append(Made(split, labels, (half_bright(number % 2 == 0, generator, top=True),)))
    return make_dataset(tmp_path_factory.mktemp("sparse"), captures)


def test_a_label_that_the_validation_does_not_know_has_no_figures_there(sparse: Dataset) -> None:
    (epoch,) = trained(sparse, labels=("side", "kind")).epochs
    assert not [name for name in epoch.metrics if name.startswith("val/kind")]
    assert {"val/side/loss", "train/kind/loss"} <= {*epoch.metrics}
    assert epoch.metrics["val/loss"] == epoch.metrics["val/side/loss"]


def test_nothing_to_choose_the_best_epoch_by_is_refused(sparse: Dataset) -> None:
    with pytest.raises(BadInput, match="no capture of val has a class that is learnt"):
        plan_training(Mixture.of(sparse), params(labels=("kind",)))


def test_of_all_labels_those_that_cannot_be_learnt_are_left_out_and_named(sparse) -> None:
    plan = plan_training(Mixture.of(sparse), params(labels=("all",)))
    assert [label.name for label in plan.labels] == ["side", "kind"]
    assert [remark for remark in plan.remarks if "'dull' has grey in train" in remark]


def test_a_batch_is_never_larger_than_all_there_is_to_learn_from(sparse: Dataset) -> None:
    plan = plan_training(Mixture.of(sparse), params(batch_size=100_000))
    assert (plan.training.batch_size, plan.training.steps) == (16, 1)
