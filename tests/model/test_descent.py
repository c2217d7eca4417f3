"""What is decided of a training that starts from another model, before any work."""

import dataclasses
import json
from pathlib import Path

import pytest
from test_inheriting import HERE, KNOWN, made, other, params, parent, same

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.classifier import ABOUT, NETWORK, Ancestor, Classifier
from ctc.model.parents import Parent, open_parent
from ctc.model.planning.phases import Phase
from ctc.model.planning.training_plan import TrainingPlan, plan_training

__all__ = ["other", "parent", "same"]  # the fixtures


@pytest.mark.parametrize(
    ("asked", "of_same", "of_other"),
    [
        ({}, "finetune", "transfer"),
        ({"labels": ("kind", "side")}, "finetune", "transfer"),
        ({"labels": ("side",)}, "transfer", "transfer"),
        ({"unknown": "drop"}, "finetune", "finetune"),
        ({"unknown": "add"}, "finetune", "finetune"),
        ({"keep_heads": False}, "transfer", "transfer"),
        ({"strategy": "transfer"}, "transfer", "transfer"),
    ],
)
def test_auto_is_finetune_where_the_parent_knows_all(
    same, other, parent, asked, of_same, of_other
) -> None:
    for dataset, strategy in ((same, of_same), (other, of_other)):
        plan = plan_training(Mixture.of(dataset), params(**asked), parent)
        assert plan.params.strategy == strategy
        assert plan.params.trainable == ("heads" if strategy == "transfer" else "all")
        assert plan.remarks[0] == f"starts from 'models:/m/3', strategy={strategy}"


def kinds(plan: TrainingPlan) -> tuple[str, ...]:
    return next(label.classes for label in plan.labels if label.name == "kind")


def test_finetune_has_the_labels_and_classes_of_the_parent(same: Dataset, parent: Parent) -> None:
    plan = plan_training(Mixture.of(same), params(labels=("kind", "side")), parent)
    assert plan.labels == KNOWN
    assert plan.remarks[1:] == (
        "label 'kind': no capture to learn from shows c, which the parent knows and this model "
        "may forget",
    )


def test_classes_that_the_parent_does_not_know_are_refused_dropped_or_added(other, parent) -> None:
    with pytest.raises(BadInput) as refused:
        plan_training(Mixture.of(other), params(strategy="finetune"), parent)
    assert str(refused.value) == (
        "label 'kind': the parent does not know d, e; unknown=drop leaves such classes out, "
        "unknown=add adds them"
    )
    dropped = plan_training(Mixture.of(other), params(unknown="drop"), parent)
    assert kinds(dropped) == ("c", "a", "b")
    assert dropped.remarks[1] == (
        "label 'kind': not known to the parent and not learnt from: d (6 captures), e (5 "
        "captures); as a true class it will count as an error"
    )
    added = plan_training(Mixture.of(other), params(unknown="add"), parent)
    assert kinds(added) == ("c", "a", "b", "d", "e")
    assert added.remarks[1] == (
        "label 'kind': new to the parent and added: d (6 captures), e (5 captures)"
    )
    # c and a occur nowhere; that d and e cannot be learnt would be wrong of both.
    assert len(dropped.remarks) == len(added.remarks) == 3
    assert "shows c, a, which" in added.remarks[2]


def test_transfer_has_the_classes_of_the_dataset(other: Dataset, parent: Parent) -> None:
    plan = plan_training(Mixture.of(other), params(), parent)
    assert plan.labels == (Label("kind", ("b", "d", "e")), Label("side", ("down", "up")))
    assert plan.remarks[1:] == (
        "label 'kind' starts with the parent's weights for b, anew for d, e",
        "label 'side' starts with the parent's weights for down, up",
    )
    plan = plan_training(Mixture.of(other), params(labels=("side",), keep_heads=False), parent)
    assert plan.remarks[1:] == ("label 'side' starts anew for down, up",)


def test_labels_that_the_parent_lacks_are_left_out_of_all_by_finetune(same, parent) -> None:
    counts = {**same.labels, "weather": {"train": {"fog": 9, "sun": 7}}}
    plan = plan_training(
        Mixture.of(dataclasses.replace(same, labels=counts)), params(strategy="finetune"), parent
    )
    assert plan.labels == KNOWN
    assert plan.remarks[1] == (
        "left out: weather: none of the parent's labels; strategy=transfer takes others"
    )


def test_a_parent_that_knows_no_class_that_occurs_is_refused(same: Dataset, parent: Parent) -> None:
    counts = {**same.labels, "kind": {"train": {"x": 16}, "val": {"x": 8}}}
    dataset = dataclasses.replace(same, labels=counts)
    with pytest.raises(BadInput, match="label 'kind': no capture of train has a class that the"):
        plan_training(Mixture.of(dataset), params(strategy="finetune", unknown="drop"), parent)


def test_the_child_sees_what_its_parent_saw_unless_it_is_told(same, parent) -> None:
    assert plan_training(Mixture.of(same), params(), parent).training.image == ImageSpec(20, 16)
    assert plan_training(
        Mixture.of(same), params(image_size=32), parent
    ).training.image == ImageSpec(32, 32)
    assert plan_training(Mixture.of(same), params()).training.image == ImageSpec(224, 224)


@pytest.mark.parametrize(
    ("asked", "of_parents_child", "of_orphan"),
    [
        ({}, ImageSpec(20, 16, "pad"), ImageSpec(224, 224)),
        ({"image_size": 32}, ImageSpec(32, 32, "pad"), ImageSpec(32, 32)),
        ({"image_height": 32}, ImageSpec(32, 16, "pad"), ImageSpec(32, 224)),
        ({"image_width": 32}, ImageSpec(20, 32, "pad"), ImageSpec(224, 32)),
        ({"image_size": 32, "image_width": 48}, ImageSpec(32, 48, "pad"), ImageSpec(32, 48)),
        ({"image_height": 24, "image_width": 48}, ImageSpec(24, 48, "pad"), ImageSpec(24, 48)),
        ({"fit": "crop"}, ImageSpec(20, 16, "crop"), ImageSpec(224, 224, "crop")),
        ({"fit": "stretch"}, ImageSpec(20, 16), ImageSpec(224, 224)),
    ],
)
def test_each_part_of_what_is_seen_is_what_is_told_or_the_parents(
    same, parent, asked, of_parents_child, of_orphan
) -> None:
    seen = dataclasses.replace(parent.classifier, image=ImageSpec(20, 16, "pad"))
    padded = dataclasses.replace(parent, classifier=seen)
    plan = plan_training(Mixture.of(same), params(**asked), padded)
    assert plan.training.image == plan.validation.image == of_parents_child
    assert plan_training(Mixture.of(same), params(**asked)).training.image == of_orphan


def test_the_child_is_the_network_that_its_parent_is(same: Dataset, tmp_path: Path) -> None:
    made("ResNet18", KNOWN, ImageSpec(32, 32)).save(tmp_path / "c")
    parent = open_parent(tmp_path / "c", HERE)
    assert plan_training(Mixture.of(same), params(), parent).params.model == "ResNet18"
    assert (
        plan_training(Mixture.of(same), params(model="ResNet18"), parent).params.model == "ResNet18"
    )
    assert plan_training(Mixture.of(same), params()).params.model == "tiny"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"model": "ResNet18"}, "model=ResNet18: the parent 'models:/m/3' is a tiny; leave"),
        ({"weights": "imagenet"}, "weights=imagenet: the first weights are those of the parent"),
        ({"image_size": 16, "labels": ("x",)}, "unknown label 'x'; the dataset has: kind, side"),
        (
            {"strategy": "finetune", "labels": ("side",)},
            "strategy=finetune keeps the parent's labels, side, kind; found: side; strategy=tr",
        ),
        ({"strategy": "transfer", "unknown": "add"}, "unknown=add is for strategy=finetune"),
        ({"labels": ("side",), "unknown": "drop"}, "unknown=drop is for strategy=finetune"),
        ({"strategy": "finetune", "keep_heads": False}, "keep_heads=no is for strategy=transfer"),
        ({"strategy": "finetune", "unfreeze_epoch": 2, "epochs": 3}, "unfreeze_epoch=2: nothing"),
        (
            {"strategy": "transfer", "unfreeze_epoch": 4, "epochs": 3},
            "unfreeze_epoch: found 4; allowed: at least 2 and at most 3, the last epoch",
        ),
        (
            {"strategy": "transfer", "unfreeze_learning_rate": 0.1},
            "unfreeze_learning_rate has no effect without `unfreeze_epoch`",
        ),
    ],
)
def test_what_contradicts_itself_or_the_parent_is_refused(same, parent, asked, sentence) -> None:
    with pytest.raises(BadInput) as refused:
        plan_training(Mixture.of(same), params(**asked), parent)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"strategy": "finetune"}, "strategy=finetune needs a model to start from: `parent`"),
        ({"unknown": "add"}, "unknown=add needs a model to start from"),
        ({"keep_heads": False}, "keep_heads=no needs a model to start from"),
        ({"trainable": "heads"}, "a frozen backbone has to have learnt before; give `parent` or"),
    ],
)
def test_what_needs_a_parent_is_refused_without_one(same, asked, sentence) -> None:
    with pytest.raises(BadInput) as refused:
        plan_training(Mixture.of(same), params(**asked))
    assert sentence in str(refused.value)


def test_the_weights_of_imagenet_can_be_frozen_too(same: Dataset) -> None:
    frozen = params(model="MobileNetV3Large", weights="imagenet", trainable="heads")
    (phase,) = plan_training(Mixture.of(same), frozen).phases
    assert phase.frozen


def test_the_parent_is_not_written_over(same, parent, tmp_path: Path) -> None:
    folder = str(tmp_path / "classifier")
    here = dataclasses.replace(parent, ancestor=Ancestor(folder, folder, None, None))
    with pytest.raises(BadInput, match="is the parent's folder; name another one"):
        plan_training(Mixture.of(same), params(output=f"{tmp_path}/x/../classifier"), here)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"strategy": "finetune"}, [Phase(0, 6, 0.01, frozen=False)]),
        ({"strategy": "transfer"}, [Phase(0, 6, 0.01, frozen=True)]),
        ({"strategy": "transfer", "trainable": "all"}, [Phase(0, 6, 0.01, frozen=False)]),
        (
            {"strategy": "transfer", "unfreeze_epoch": 5},
            [Phase(0, 4, 0.01, frozen=True), Phase(4, 6, 0.001, frozen=False)],
        ),
        (
            {
                "strategy": "finetune",
                "trainable": "heads",
                "unfreeze_epoch": 2,
                "unfreeze_learning_rate": 0.5,
            },
            [Phase(0, 1, 0.01, frozen=True), Phase(1, 6, 0.5, frozen=False)],
        ),
    ],
)
def test_a_training_has_one_phase_or_two(same, parent, asked, expected) -> None:
    plan = plan_training(Mixture.of(same), params(epochs=6, learning_rate=0.01, **asked), parent)
    assert [*plan.phases] == expected


def test_a_stack_is_seen_by_the_child_too_unless_it_is_told(same, parent) -> None:
    seen = dataclasses.replace(parent.classifier, image=ImageSpec(20, 16, stacked=True))
    stacked = dataclasses.replace(parent, classifier=seen)
    for asked, of_child, of_orphan in (
        ("auto", "grayscale_stack", "random"),
        ("random", "random", "random"),
        ("first", "first", "first"),
        ("grayscale_stack", "grayscale_stack", "grayscale_stack"),
    ):
        for one, expected in ((stacked, of_child), (parent, of_orphan), (None, of_orphan)):
            plan = plan_training(Mixture.of(same), params(capture_images=asked), one)
            assert plan.capture_images == expected
            assert plan.training.image.stacked == (expected == "grayscale_stack")
            assert plan.validation.image == plan.training.image
            assert plan.training.take == ("first" if expected == "first" else "random")


def test_stacks_of_captures_with_one_picture_are_remarked_upon(same, parent) -> None:
    plan = plan_training(Mixture.of(same), params(capture_images="grayscale_stack"), parent)
    assert plan.remarks[1] == "every capture has one picture: a stack shows it three times"
    assert "every capture" not in " ".join(
        plan_training(Mixture.of(same), params(), parent).remarks
    )


# --- parents that cannot be used ---


@pytest.fixture
def folder(parent: Parent, tmp_path: Path) -> Path:
    parent.classifier.save(tmp_path / "classifier")
    return tmp_path / "classifier"


def rewrite(folder: Path, **changes: object) -> None:
    about = json.loads((folder / ABOUT).read_text())
    (folder / ABOUT).write_text(json.dumps({**about, **changes}))


def test_a_classifier_from_before_there_were_stacks_sees_none(folder: Path) -> None:
    rewrite(folder, image={"height": 20, "width": 16, "fit": "stretch"})
    assert Classifier.load(folder).image == ImageSpec(20, 16, "stretch", stacked=False)


def test_a_classifier_from_before_there_were_parents_has_none(folder: Path) -> None:
    about = json.loads((folder / ABOUT).read_text())
    former = {k: v for k, v in about["origin"].items() if k not in ("parent", "strategy")}
    rewrite(folder, origin=former)
    origin = Classifier.load(folder).origin
    assert (origin.model, origin.parent, origin.strategy) == ("tiny", None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": None},
        {"origin": {}},
        {"labels": [{"name": "x"}]},
        {"image": {"height": 3}},
        {"image": {"height": 20, "width": 16, "fit": "squeeze"}},
    ],
    ids=str,
)
def test_a_description_that_lacks_a_part_is_refused(folder: Path, changes) -> None:
    rewrite(folder, **changes)
    with pytest.raises(BadInput, match="does not describe a classifier"):
        open_parent(folder, HERE)


def test_a_network_with_spoilt_bytes_is_refused(folder: Path) -> None:
    data = bytearray((folder / NETWORK).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    (folder / NETWORK).write_bytes(data)
    with pytest.raises(BadInput, match="is missing or damaged"):
        open_parent(folder, HERE)


def test_a_network_that_does_not_fit_its_labels_is_refused(folder: Path) -> None:
    rewrite(folder, labels=[{"name": "kind", "classes": ["a", "b", "c"]}])
    with pytest.raises(BadInput, match=r"@champion': its network does not fit its 'classifier.js"):
        open_parent(folder, HERE)


def test_a_network_that_is_no_longer_known_is_refused(folder: Path) -> None:
    about = json.loads((folder / ABOUT).read_text())
    rewrite(folder, origin={**about["origin"], "model": "AlexNet"})
    with pytest.raises(BadInput, match="is a 'AlexNet'; known networks: tiny, ResNet18"):
        open_parent(folder, HERE)


def test_a_network_of_another_make_is_refused(folder: Path) -> None:
    import keras

    inputs = keras.Input((20, 16, 3), dtype="uint8")
    features = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs))
    heads = {x.name: keras.layers.Dense(len(x.classes), name=x.name)(features) for x in KNOWN}
    keras.Model(inputs, heads).save(folder / NETWORK)
    with pytest.raises(BadInput, match="its network is not one of ctc's"):
        open_parent(folder, HERE)
