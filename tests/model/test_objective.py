import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.planning.objective import (
    Objective,
    class_weights,
    plan_objective,
    sampled_label,
    weight_remarks,
)
from ctc.params import Aims

SPECIES, COUNT = Label("species", ("kudu", "lion")), Label("count", ("1", "2"))
LABELS = (SPECIES, COUNT)


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    """90 kudu and 10 lions in two splits; `herd` has one class."""
    labels = {
        "species": {"train_1": {"kudu": 60, "lion": 4}, "train_2": {"kudu": 30, "lion": 6}},
        "count": {"train_1": {"1": 10, "2": 10}, "val": {"1": 99}},
        "herd": {"train_1": {"yes": 3}},
    }
    return Dataset(tmp_path, "here", {}, labels, {}, (), {}, "", "")


def objective(dataset: Dataset, **aims) -> Objective:
    return plan_objective(Mixture.of(dataset), ("train_1", "train_2"), LABELS, Aims(**aims))


def sampled(dataset: Dataset, **aims) -> Label | None:
    return sampled_label(Mixture.of(dataset), ("train_1", "train_2"), LABELS, Aims(**aims))


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    counts = (90, 9, 1)
    classes = [name for name, count in zip("abc", counts, strict=True) for _ in range(count)]
    expected = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=classes)
    assert class_weights("balanced", counts) == pytest.approx(expected)


def test_effective_weights_are_those_of_the_paper_scaled_to_a_mean_of_one() -> None:
    # 1 - 0.999^1000 and 1 - 0.999^10, computed by hand.
    raw = [0.001 / 0.6323045752, 0.001 / 0.0099551190]
    mean = (1000 * raw[0] + 10 * raw[1]) / 1010
    found = class_weights("effective", (1000, 10))
    assert found == pytest.approx([raw[0] / mean, raw[1] / mean], rel=1e-6)
    assert 1 < found[1] / found[0] < 100  # less apart than the numbers of captures


@pytest.mark.parametrize("kind", ["balanced", "effective"])
def test_the_mean_weight_of_the_captures_is_one_and_a_class_without_any_has_none(kind) -> None:
    weights = class_weights(kind, (70, 0, 30))
    assert (70 * weights[0] + 30 * weights[2]) / 100 == pytest.approx(1)
    assert weights[1] == 0


def test_weights_of_classes_come_from_the_splits_that_are_learnt_from(dataset: Dataset) -> None:
    found = objective(dataset, class_weights="balanced").class_weights
    assert found["species"] == pytest.approx((100 / 180, 100 / 20))
    assert found["count"] == pytest.approx((1, 1))


def test_without_being_asked_nothing_is_weighted(dataset: Dataset) -> None:
    assert objective(dataset) == Objective()


def test_weights_of_labels_are_read(dataset: Dataset) -> None:
    found = objective(dataset, loss_weights=("species=2", "count=0.5"))
    assert found.loss_weights == {"species": 2.0, "count": 0.5}


def test_a_label_without_a_weight_counts_one(dataset: Dataset) -> None:
    assert objective(dataset, loss_weights=("count=3",)).loss_weights == {"species": 1, "count": 3}


@pytest.mark.parametrize(
    "word",
    ["lion=2", "species", "species=", "species=two", "species=0", "species=-1", "species=nan"],
)
def test_a_weight_that_cannot_be_is_refused(dataset: Dataset, word: str) -> None:
    with pytest.raises(BadInput) as refused:
        objective(dataset, loss_weights=(word,))
    assert str(refused.value) == (
        f"loss_weights: found '{word}'; allowed: LABEL=NUMBER with a number above 0, once for each "
        "of species, count"
    )


def test_two_weights_of_one_label_are_refused(dataset: Dataset) -> None:
    with pytest.raises(BadInput, match="found 'species=3'; allowed"):
        objective(dataset, loss_weights=("species=2", "species=3"))


def test_a_label_can_be_sampled_and_naturally_none_is(dataset: Dataset) -> None:
    assert sampled(dataset) is None
    assert sampled(dataset, sampling="balanced:species") == SPECIES


@pytest.mark.parametrize("word", ["balanced", "species", "balanced:", "balanced:lion", "even"])
def test_another_sampling_is_refused_with_those_there_are(dataset: Dataset, word: str) -> None:
    with pytest.raises(BadInput) as refused:
        sampled(dataset, sampling=word)
    assert str(refused.value) == (
        f"sampling: found '{word}'; allowed: natural, or balanced:LABEL with one of species, "
        "count, herd"
    )


def test_sampling_by_a_label_with_one_class_is_refused(dataset: Dataset) -> None:
    with pytest.raises(BadInput, match="label 'herd' has yes in train_1, train_2; it needs two"):
        sampled(dataset, sampling="balanced:herd")


def test_making_up_for_rare_classes_twice_is_refused(dataset: Dataset) -> None:
    with pytest.raises(BadInput, match="both make up for rare classes; allowed: one of them"):
        sampled(dataset, sampling="balanced:species", class_weights="effective")


def test_how_far_weights_are_apart_is_remarked_upon(dataset: Dataset) -> None:
    remarks = weight_remarks(objective(dataset, class_weights="balanced"), LABELS)
    assert remarks[0] == "label 'species': a capture of kudu counts 0.556, one of lion 5"
    assert weight_remarks(objective(dataset), LABELS) == ()
