"""When the second classifier of a cascade is asked, and what is said of the cascade."""

from collections import Counter
from dataclasses import replace

import made_up_answers  # noqa: F401, the same examples each time
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_cascade import MADE_OF, faunas, says_empty, says_side
from scipy import stats

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.evaluation.card import card
from ctc.evaluation.cascading import Made, Model, make_cascade, plan_cascade, threshold
from ctc.evaluation.evaluation import Evaluation
from ctc.evaluation.judging import judge, plan_judgement
from ctc.params import CascadeParams, EvaluateParams
from ctc.prediction.asking.cascading import Passed
from ctc.prediction.asking.predicting import predict
from ctc.prediction.photos.captures import captures_of_dataset
from ctc.provenance import Training

FIRST = Model(says_empty(ImageSpec(16, 16)), MADE_OF[0])
SECOND = Model(says_side(ImageSpec(24, 32)), MADE_OF[1])
RECALL = 0.9
BATCH = 16


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("choosing")
    return faunas(folder, {"train": 4, "val": 120, "test": 200})


@pytest.fixture(scope="module")
def made(dataset: Dataset) -> Made:
    return make(dataset)


def make(dataset: Dataset, **params: object) -> Made:
    asked = CascadeParams(**{"recall": RECALL, "batch_size": BATCH, "bootstrap": 0} | params)
    return make_cascade(plan_cascade(FIRST, SECOND, Mixture.of(dataset), asked))


@pytest.fixture(scope="module")
def evaluation(made: Made, dataset: Dataset) -> Evaluation:
    asked = EvaluateParams(split="test", bootstrap=0, batch_size=BATCH)
    return judge(plan_judgement(made.cascade, Mixture.of(dataset), asked))[1]


# --- the threshold ---


@given(st.integers(1, 400), st.floats(0.5, 0.995), st.integers(0, 99), st.sampled_from([1, 9]))
def test_so_few_losses_would_be_rare_at_a_lower_recall(
    count: int, recall: float, seed: int, digits: int
) -> None:
    scores = np.random.default_rng(seed).uniform(0, 0.5, count).round(digits)
    found = threshold(scores, recall)
    lost = int((scores < found).sum())
    enough = recall**count <= 0.05
    if not enough:
        assert lost == 0
        return
    assert stats.binomtest(lost, count, 1 - recall, "less").pvalue <= 0.05
    next_one = np.sort(scores)[lost]
    assert found <= next_one
    # Where that one, and what is equal to it, is lost too, there are too many.
    too_many = int((scores <= next_one).sum())
    assert stats.binomtest(too_many, count, 1 - recall, "less").pvalue > 0.05


def test_what_the_first_takes_for_an_animal_goes_on() -> None:
    assert threshold(np.array([0.7, 0.8, 0.9] * 20), 0.9) == 0.5


def test_other_captures_are_kept_in_95_of_100_choices() -> None:
    generator = np.random.default_rng(0)
    found = [threshold(generator.beta(2, 5, 60), 0.95) for _ in range(2000)]
    recalls = stats.beta(2, 5).sf(found)
    assert np.mean(recalls >= 0.95) == pytest.approx(1 - 0.95**60, abs=0.012)


def test_of_too_few_captures_none_is_lost_and_that_is_said(dataset: Dataset) -> None:
    few = make(dataset, recall=0.99)
    assert few.passed.kept == few.passed.animals == 60
    assert few.remarks == (
        "val has 60 captures with an animal, all of which go on; to promise 0.99 of others 299 are "
        "enough",
    )
    assert "no number is enough" in make(dataset, recall=1.0).remarks[0]


def test_a_higher_recall_asks_the_second_more_often(dataset: Dataset, made: Made) -> None:
    lower, higher = make(dataset, recall=0.6), make(dataset, recall=0.98)
    shares = [one.passed.figures["asked_share"] for one in (lower, made, higher)]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]


# --- what comes of it ---


def test_on_captures_that_had_no_part_in_it_the_recall_is_reached_by_less_work(
    made: Made, evaluation: Evaluation
) -> None:
    assert made.remarks == ()
    found = evaluation.passed
    assert found is not None
    assert found.animals == 100
    assert found.figures["animals_kept"] >= RECALL
    assert found.figures["asked_pictures_share"] < 0.75
    assert evaluation.metrics["test/empty/animals_kept"] == found.figures["animals_kept"]
    assert evaluation.metrics["test/empty/asked_share"] == found.figures["asked_share"]
    assert str(found) in evaluation.remarks


def test_it_is_no_worse_than_the_two_by_hand(
    made: Made, dataset: Dataset, evaluation: Evaluation
) -> None:
    """By hand: the first sorts out what it takes for empty, the second labels the rest."""
    captures = [*captures_of_dataset(dataset, ("test",))]
    firsts = predict(FIRST.classifier, captures, BATCH).of("empty")
    seconds = predict(SECOND.classifier, captures, BATCH).of("side")
    by_hand = [
        second.prediction if first.prediction == "species" else "empty"
        for first, second in zip(firsts, seconds, strict=True)
    ]
    animals = [n for n, one in enumerate(captures) if one.truth["empty"] == "species"]
    right = sum(by_hand[n] == captures[n].truth["side"] for n in animals) / len(animals)
    (side,) = [one for one in evaluation.labels if one.label == "side"]
    assert side.figures["accuracy"] >= right > 0.5


def test_an_animal_that_is_lost_is_an_error_of_the_second_label(dataset: Dataset) -> None:
    blind = Model(says_empty(ImageSpec(16, 16), middle=0.3), MADE_OF[0])
    asked = CascadeParams(recall=0.5, batch_size=BATCH)
    cascade = make_cascade(plan_cascade(blind, SECOND, Mixture.of(dataset), asked)).cascade
    how = EvaluateParams(split="test", bootstrap=0, batch_size=BATCH)
    found = judge(plan_judgement(cascade, Mixture.of(dataset), how))[1]
    (side,) = [one for one in found.labels if one.label == "side"]
    assert found.passed is not None
    lost = found.passed.animals - found.passed.kept
    assert lost > 10
    assert side.captures.count == found.passed.animals
    assert side.confusion["empty"].sum() == lost
    assert side.figures["accuracy"] <= 1 - lost / found.passed.animals


def test_what_may_be_accepted_is_chosen_by_the_answers_of_both(
    made: Made, dataset: Dataset
) -> None:
    fitted = made.cascade.calibration
    assert fitted is not None
    assert (fitted.splits, fitted.datasets) == (("val",), (dataset.digest,))
    assert (fitted.aggregate, fitted.temperatures) == ("mean", {})
    rows = predict(made.cascade, captures_of_dataset(dataset, ("val",)), BATCH).of("side")
    known = [row for row in rows if row.truth is not None]
    accepted = [row for row in known if (row.confidence or 0) >= fitted.accepted_confidence["side"]]
    right = Counter(row.prediction == row.truth for row in accepted)
    assert right[True] / len(accepted) >= 0.98
    strict = make(dataset, target_accuracy=1.0).cascade.calibration
    assert strict is not None
    assert "side" not in strict.accepted_confidence


# --- what cannot be ---


def planned(dataset: Dataset, first: Model = FIRST, second: Model = SECOND, **params: str) -> str:
    with pytest.raises(BadInput) as refused:
        plan_cascade(first, second, Mixture.of(dataset), CascadeParams(**params))
    return str(refused.value)


def learnt(model: Model, dataset: Dataset, split: str) -> Model:
    origin = replace(model.classifier.origin, datasets=(dataset.digest,), splits=(split,))
    return replace(model, classifier=replace(model.classifier, origin=origin))


def test_splits_that_cannot_choose_are_refused(dataset: Dataset) -> None:
    assert "no split of" in planned(dataset, val_split="validation")
    for number in (0, 1):
        models = [FIRST, SECOND]
        models[number] = learnt(models[number], dataset, "val")
        found = planned(dataset, *models)
        assert found == f"val_split: '{MADE_OF[number].uri}' has learnt from 'val'"
    assert "test_split: 'val' is learnt from, or chosen by" in planned(dataset, test_split="val")
    found = planned(dataset, second=learnt(SECOND, dataset, "test"), test_split="test")
    assert "test_split: 'test' is learnt from, or chosen by" in found


def test_a_split_without_an_animal_is_refused(dataset: Dataset) -> None:
    labels = {"empty": {"val": {"empty": 3}}, "side": {"val": {}}}
    bare = replace(dataset, labels=labels)
    assert "is known to show an animal: label 'empty' is empty there" in planned(bare)


def test_a_test_that_was_not_asked_for_and_cannot_be_is_said(dataset: Dataset) -> None:
    second = learnt(SECOND, dataset, "test")
    plan = plan_cascade(FIRST, second, Mixture.of(dataset), CascadeParams())
    assert plan.test is None
    assert "will not be judged: test_split: 'test' is learnt from" in plan.remarks[0]
    none = plan_cascade(FIRST, SECOND, Mixture.of(dataset), CascadeParams(test_split=None))
    assert (none.test, none.remarks) == (None, ())


# --- what is said of it ---


def test_the_card_says_which_two_are_asked_and_how_it_is_made_again(
    made: Made, dataset: Dataset, evaluation: Evaluation
) -> None:
    training = Training(
        "cascade", "r1", "2024-05-06", {"recall": "0.9", "dataset": "data/d"}, None, None, None
    )
    how = EvaluateParams(split="test", bootstrap=0)
    plan = plan_judgement(made.cascade, Mixture.of(dataset), how)
    text = card("models:/both/1", made.cascade, training, (plan, evaluation))
    gate = made.cascade.gate
    for said in (
        "- Dataset: not recorded (digest d1, d2)",
        "- Asked first: models:/empty/3, a tiny, pictures of 16 x 16 (stretch)",
        "- Asked then: data/side, a ResNet18, pictures of 24 x 32 (stretch)",
        f"- When: where the first finds an animal at least {gate.threshold:.3f} probable",
        "mlflow run . -e cascade -P dataset=data/d -P recall=0.9",
        "- Mind: the second network was asked about",
    ):
        assert said in text


def test_figures_that_nothing_is_known_for_are_left_out() -> None:
    assert Passed("empty", 4, 6, 1, 2).figures == {
        "asked_share": 0.25,
        "asked_pictures_share": 2 / 6,
    }
