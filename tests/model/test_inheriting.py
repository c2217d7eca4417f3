"""Weights that a network takes over from its parent, and those that learn then."""

from pathlib import Path

import keras
import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import training_batches
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.classifier import Ancestor, Classifier, Origin
from ctc.model.fitting.training import first_network, train
from ctc.model.network.backbones import backbone_of, build_network
from ctc.model.network.inheriting import inherit
from ctc.model.parents import Parent, open_parent
from ctc.model.planning.training_plan import plan_training
from ctc.networks import NETWORKS
from ctc.params import TrainParams

# Neither the order of the dataset nor that of the alphabet.
KNOWN = (Label("side", ("up", "down")), Label("kind", ("c", "a", "b")))
HERE = Ancestor("models:/m@champion", "models:/m/3", "r" * 32, "m-1")
QUICK = ("tiny", "ResNet18")
NETWORK = "ctc.model.fitting.training.first_network"


def season(folder: Path, kinds: tuple[str, ...]) -> Dataset:
    """24 captures, 16 of them to learn from; `kind` goes round."""
    generator = np.random.default_rng(0)
    captures = []
    for number in range(24):
        labels = {"kind": kinds[number % len(kinds)], "side": ("up", "down")[number % 2]}
        picture = half_bright(number % 2 == 0, generator, top=True)
        captures.append(Made("train" if number < 16 else "val", labels, (picture,)))
    return make_dataset(folder, captures)


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The labels of the parent; of `kind`, a and b alone occur."""
    return season(tmp_path_factory.mktemp("same"), ("a", "b"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Of `kind` the parent knows b, and neither d nor e."""
    return season(tmp_path_factory.mktemp("other"), ("d", "b", "e"))


def made(name: str, labels: tuple[Label, ...], image: ImageSpec) -> Classifier:
    """A classifier with weights, offsets and batch statistics as no network starts with."""
    keras.utils.set_random_seed(3)
    network = build_network(name, labels, image, "none")
    generator = np.random.default_rng(0)
    network.set_weights([w + generator.uniform(0, 0.05, w.shape) for w in network.get_weights()])
    return Classifier(network, labels, image, Origin(name, ("d1",), ("train",), ("siteX",)))


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Parent:
    """A parent as it comes from its folder."""
    folder = tmp_path_factory.mktemp("parent") / "classifier"
    made("tiny", KNOWN, ImageSpec(20, 16)).save(folder)
    return open_parent(folder, HERE)


def params(**changes) -> TrainParams:
    return TrainParams(**{"batch_size": 8, "epochs": 1, **changes})


def first(dataset: Dataset, parent: Parent, **changes) -> keras.Model:
    """The network before its first step."""
    return first_network(plan_training(Mixture.of(dataset), params(**changes), parent))


def pictures(height: int = 20, width: int = 16) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (4, height, width, 3)).astype(np.uint8)


def logits(network: keras.Model) -> dict[str, np.ndarray]:
    return network.predict_on_batch(pictures())


def same_arrays(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# --- before the first step ---


def test_finetune_starts_with_the_answers_of_the_parent(same, parent) -> None:
    network = first(same, parent, strategy="finetune", labels=("kind", "side"))
    answers = logits(network)
    for name, expected in logits(parent.classifier.network).items():
        np.testing.assert_array_equal(answers[name], expected)


def test_finetune_adds_classes_behind_those_of_the_parent(other, parent) -> None:
    network = first(other, parent, strategy="finetune", unknown="add")
    answers, expected = logits(network), logits(parent.classifier.network)
    assert answers["kind"].shape == (4, 5)
    np.testing.assert_allclose(answers["kind"][:, :3], expected["kind"], rtol=1e-6)
    np.testing.assert_array_equal(answers["side"], expected["side"])
    assert np.abs(answers["kind"][:, 3:]).max() > 0


def test_finetune_without_new_classes_has_the_classes_of_the_parent(other, parent) -> None:
    network = first(other, parent, strategy="finetune", unknown="drop")
    np.testing.assert_array_equal(
        logits(network)["kind"], logits(parent.classifier.network)["kind"]
    )


def test_transfer_keeps_the_weights_of_classes_that_both_know(other, parent) -> None:
    answers = logits(first(other, parent, strategy="transfer"))
    expected = logits(parent.classifier.network)
    assert answers["kind"].shape == (4, 3)  # b, d, e
    np.testing.assert_allclose(answers["kind"][:, 0], expected["kind"][:, 2], rtol=1e-6)
    # down, up here and up, down in the parent
    np.testing.assert_allclose(answers["side"], expected["side"][:, ::-1], rtol=1e-6)


def test_transfer_with_new_heads_keeps_the_backbone_alone(same, parent) -> None:
    network = first(same, parent, strategy="transfer", keep_heads=False)
    old, new = backbone_of(parent.classifier.network), backbone_of(network)
    assert same_arrays(old.get_weights(), new.get_weights())
    answers, expected = logits(network), logits(parent.classifier.network)
    assert np.abs(answers["side"] - expected["side"][:, ::-1]).min() > 1e-4
    assert not network.get_layer("side").get_weights()[1].any()


def test_a_label_that_the_parent_alone_has_is_dropped(same, parent) -> None:
    assert {*logits(first(same, parent, labels=("side",)))} == {"side"}


def test_the_backbone_is_taken_over_for_pictures_of_another_size(same, parent) -> None:
    network = first(same, parent, image_size=32)
    assert network.input_shape == (None, 32, 32, 3)
    old, new = backbone_of(parent.classifier.network), backbone_of(network)
    assert same_arrays(old.get_weights(), new.get_weights())


def check_answers(name: str, folder: Path) -> None:
    """A network in other classes' order answers as its parent, through a file and back."""
    side = NETWORKS[name].smallest
    image = ImageSpec(side, side)
    made(name, KNOWN, image).save(folder / "classifier")
    parent = open_parent(folder / "classifier", HERE)
    network = build_network(name, KNOWN[::-1], image, "none")
    inherit(network, KNOWN[::-1], parent, keep_heads=True)
    expected = parent.classifier.network.predict_on_batch(pictures(side, side))
    found = network.predict_on_batch(pictures(side, side))
    for label in KNOWN:
        np.testing.assert_array_equal(found[label.name], expected[label.name])


@pytest.mark.parametrize("name", QUICK)
def test_a_network_gives_its_weights_to_one_that_is_built_anew(name: str, tmp_path: Path) -> None:
    check_answers(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*NETWORKS} - {*QUICK}))
def test_every_network_gives_its_weights_on(name: str, tmp_path: Path) -> None:
    check_answers(name, tmp_path)


def test_a_parent_whose_backbone_has_another_shape_is_refused(same, parent) -> None:
    network = build_network("ResNet18", KNOWN, ImageSpec(32, 32), "none")
    with pytest.raises(BadInput, match="parent 'models:/m/3': its tiny has other weights than"):
        inherit(network, KNOWN, parent, keep_heads=True)


# --- what learns ---


def parts(network: keras.Model) -> dict[str, list[np.ndarray]]:
    """The weights of a network: what of its backbone learns, what is counted, and the heads."""
    backbone = backbone_of(network)
    return {
        "weights": [w.numpy() for w in backbone.weights if "moving" not in w.path],
        "statistics": [w.numpy() for w in backbone.weights if "moving" in w.path],
        "heads": [w for label in KNOWN for w in network.get_layer(label.name).get_weights()],
    }


def test_what_is_frozen_does_not_move_by_a_bit_and_the_heads_do(same, parent) -> None:
    plan = plan_training(Mixture.of(same), params(strategy="transfer", epochs=2), parent)
    keras.utils.set_random_seed(plan.params.seed)
    start = parts(first_network(plan))
    kept = train(plan, report=lambda epoch: None).classifier.network
    end = parts(kept)
    assert all(layer.trainable for layer in backbone_of(kept).layers)
    assert {name: same_arrays(start[name], end[name]) for name in start} == {
        "weights": True,
        "statistics": True,
        "heads": False,
    }


def test_from_the_epoch_asked_for_the_backbone_learns_at_its_own_rate(same, parent) -> None:
    rates = {"learning_rate": 0.01, "unfreeze_learning_rate": 0.002}
    plan = plan_training(
        Mixture.of(same), params(strategy="transfer", epochs=4, unfreeze_epoch=3, **rates), parent
    )
    network, seen = [], []

    def report(epoch) -> None:
        seen.append((epoch.number, epoch.metrics["learning_rate"], parts(network[0])))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ctc.model.fitting.training.first_network", lambda plan: _kept(plan, network))
        train(plan, report)
    assert [number for number, _, _ in seen] == [0, 1, 2, 3]
    start = parts(parent.classifier.network)
    for _, rate, now in seen[:2]:
        assert rate <= 0.01
        assert same_arrays(now["weights"], start["weights"])
        assert same_arrays(now["statistics"], start["statistics"])
    assert not same_arrays(seen[0][2]["heads"], seen[1][2]["heads"])
    for _, rate, now in seen[2:]:
        assert 0 < rate <= 0.002
        assert not same_arrays(now["weights"], start["weights"])
        assert not same_arrays(now["statistics"], start["statistics"])


def _kept(plan, network: list[keras.Model]) -> keras.Model:
    network.append(first_network(plan))
    return network[0]


def test_captures_of_dropped_classes_teach_nothing(other, parent) -> None:
    plan = plan_training(Mixture.of(other), params(strategy="finetune", unknown="drop"), parent)
    known = [weight for _, _, weight in training_batches(plan.training, 1, 0)]
    # d, b and e take turns in 16 captures; all have a side.
    assert sum(float(weight["kind"].numpy().sum()) for weight in known) == 5
    assert sum(float(weight["side"].numpy().sum()) for weight in known) == 16


def test_later_epochs_have_the_pictures_they_would_have_had_in_one_go(same, parent) -> None:
    reading = plan_training(Mixture.of(same), params(), parent).training
    whole = [truth["side"].numpy() for _, truth, _ in training_batches(reading, 3, 5)]
    rest = [truth["side"].numpy() for _, truth, _ in training_batches(reading, 3, 5, first=1)]
    assert len(rest) == 2 * reading.steps
    assert same_arrays(rest, whole[reading.steps :])
    assert not same_arrays(whole[: reading.steps], whole[reading.steps : 2 * reading.steps])


def test_finetune_moves_all_and_the_child_knows_what_it_came_from(same, parent, tmp_path) -> None:
    plan = plan_training(Mixture.of(same), params(strategy="finetune"), parent)
    done = train(plan, report=lambda epoch: None).classifier
    start, end = parts(parent.classifier.network), parts(done.network)
    assert not [name for name in start if same_arrays(start[name], end[name])]
    done.save(tmp_path / "child")
    child = Classifier.load(tmp_path / "child")
    assert child.origin.parent == HERE
    assert (child.origin.model, child.origin.strategy) == ("tiny", "finetune")
    assert child.origin.locations == ("site0", "site1", "site2", "siteX")
    assert child.image == ImageSpec(20, 16)
    assert child.labels == KNOWN
