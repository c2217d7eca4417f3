import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset
from mlflow.utils.validation import _validate_metric_name

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.evaluation.judging import judge, plan_judgement
from ctc.labels import Label
from ctc.model.classifier import Classifier
from ctc.params import EvaluateParams


@pytest.fixture(scope="module")
def classifier(small_classifier: Path) -> Classifier:
    return Classifier.load(small_classifier)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two test splits and one that knows another label than the classifier."""
    generator = np.random.default_rng(0)
    captures = [
        Made(
            ("testA", "testB", "val")[number % 3],
            {
                "species": "" if number % 3 == 2 else ("zebra", "yak")[number % 2],
                "weather": "dry" if number % 2 else "wet",
            },
            (half_bright(True, generator),),
        )
        for number in range(18)
    ]
    return make_dataset(tmp_path_factory.mktemp("judged"), captures)


def name_of(classifier: Classifier, dataset: Dataset, pattern: str) -> str:
    return plan_judgement(classifier, Mixture.of(dataset), EvaluateParams(split=pattern)).name


def test_figures_are_those_of_every_capture_of_the_split(
    classifier: Classifier, small_dataset: Dataset
) -> None:
    plan = plan_judgement(
        classifier, Mixture.of(small_dataset), EvaluateParams(split="test", batch_size=5)
    )
    predictions, evaluation = judge(plan)
    assert predictions.captures == small_dataset.splits["test"]
    for one in evaluation.labels:
        known = sum(small_dataset.labels[one.label]["test"].values())
        assert one.captures.count == one.figures["captures"] == known
        right = [row.prediction == row.truth for row in predictions.of(one.label) if row.truth]
        assert one.figures["accuracy"] == pytest.approx(sum(right) / known)
        assert one.failed == 0
    assert {one.label for one in evaluation.labels} == {"empty", "species"}
    assert all(name.startswith("test/") for name in evaluation.metrics)


def test_a_class_that_was_not_learnt_counts_as_an_error(
    classifier: Classifier, dataset: Dataset
) -> None:
    _, evaluation = judge(plan_judgement(classifier, Mixture.of(dataset), EvaluateParams()))
    (species,) = evaluation.labels
    assert species.figures["captures"] == 12
    assert species.classes.set_index("class").loc["yak", "recall"] == 0
    assert species.figures["accuracy"] <= 0.5


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("test*", "test"),
        ("test[AB]", "test"),
        ("test?", "test"),
        ("testA", "testA"),
        ("*A", "testA"),
        ("*", "all"),
        ("[!x]*", "all"),
        ("t*t*", "tt"),
    ],
)
def test_figures_are_filed_under_the_split_or_the_fixed_part_of_its_pattern(
    classifier: Classifier, dataset: Dataset, pattern: str, name: str
) -> None:
    assert name_of(classifier, dataset, pattern) == name
    _validate_metric_name(f"{name}/species/accuracy")


def test_splits_that_know_no_label_of_the_classifier_are_refused(
    classifier: Classifier, dataset: Dataset
) -> None:
    with pytest.raises(BadInput) as refused:
        plan_judgement(classifier, Mixture.of(dataset), EvaluateParams(split="val"))
    assert str(refused.value) == (
        f"the classifier answers empty, species; val of '{dataset.uri}' knows: weather"
    )


def test_a_classifier_of_other_labels_is_refused(classifier: Classifier, dataset: Dataset) -> None:
    other = dataclasses.replace(classifier, labels=(Label("moving", ("0", "1")),))
    with pytest.raises(BadInput, match=r"answers moving; testA, testB of .* knows: species, weath"):
        plan_judgement(other, Mixture.of(dataset), EvaluateParams())


def test_a_split_that_does_not_exist_is_refused(classifier: Classifier, dataset: Dataset) -> None:
    with pytest.raises(BadInput, match="matches 'holdout'; it has: "):
        plan_judgement(classifier, Mixture.of(dataset), EvaluateParams(split="holdout"))


def test_a_classifier_that_knows_no_class_of_the_split_is_refused(
    classifier: Classifier, dataset: Dataset
) -> None:
    foreign = Label("species", ("cat", "dog"))
    other = dataclasses.replace(classifier, labels=(foreign,))
    with pytest.raises(BadInput, match=r"'species' is cat, dog to the one, yak, zebra to the"):
        plan_judgement(other, Mixture.of(dataset), EvaluateParams(split="testA"))
