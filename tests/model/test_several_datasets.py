"""A training from several datasets, and with classes that are given: what is planned and said."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset
from test_inheriting import HERE, KNOWN, made

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.mixture import open_mixture
from ctc.dataset.reading import training_batches
from ctc.errors import BadInput
from ctc.evaluation.judging import judge, plan_judgement
from ctc.labels import Label
from ctc.model.classifier import Classifier
from ctc.model.fitting.training import _origin
from ctc.model.parents import Parent, open_parent
from ctc.model.planning.training_plan import TrainingPlan, plan_training
from ctc.params import EvaluateParams, TrainParams


@dataclasses.dataclass(frozen=True)
class Places:
    """Where two datasets are: `own` has the label `kind` and val, `other` a shared picture."""

    own: str
    other: str
    folder: Path


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    generator = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("mixed")

    def capture(number: int, split: str, **labels: str) -> Made:
        side = ("up", "down")[number % 2]
        return Made(split, {"side": side, **labels}, (half_bright(side == "up", generator),))

    kinds = ("a", "b", "d")
    own = [
        capture(n, "train" if n < 12 else "val", kind=kinds[n % 3] if n < 12 else "a")
        for n in range(16)
    ]
    other = [capture(n, "train_late") for n in range(20)]
    other[7] = dataclasses.replace(other[7], pictures=own[13].pictures)  # of val
    for name, captures in (("own", own), ("other", other)):
        make_dataset(folder / name, captures)
    return Places(str(folder / "own" / "dataset"), str(folder / "other" / "dataset"), folder)


def planned(
    places: Places, weight: str = "", given: dict | None = None, parent=None, **asked
) -> TrainingPlan:
    path = places.folder / "classes.json"
    path.write_text(json.dumps(given))
    mixture = open_mixture((places.own, places.other + weight), str(path) if given else None)
    quick = {"image_size": 16, "batch_size": 8, "epochs": 1, **asked}
    return plan_training(mixture, TrainParams(**quick), parent)


# --- several datasets ---


def test_labels_of_either_dataset_are_learnt(places: Places) -> None:
    plan = planned(places)
    assert plan.labels == (Label("side", ("down", "up")), Label("kind", ("a", "b", "d")))
    assert plan.training.splits == ("train", "train_late")
    assert (plan.training.captures, plan.training.steps) == (32, 4)
    assert plan.validation.captures == 4


def test_a_label_that_a_dataset_lacks_is_missing_there(places: Places) -> None:
    known = {"side": 0.0, "kind": 0.0}
    for _, _, weights in training_batches(planned(places).training, 1, 0).as_numpy_iterator():
        for name, of_batch in weights.items():
            known[name] += float(of_batch.sum())
    assert known == {"side": 32, "kind": 12}


def test_class_weights_make_up_for_what_an_epoch_shows(places: Places) -> None:
    given = {"side": {"up": 0, "down": 1}, "kind": {"b": "a"}}
    plan = planned(places, "=3", given, class_weights="balanced", labels=("side", "kind"))
    assert plan.objective.class_weights["kind"] == pytest.approx((12 / 16, 12 / 8))  # 8 a, 4 d
    table = plan.class_table().set_index(["label", "class"])
    assert table.loc[("side", "up")].tolist() == [16, 36, 2]
    assert table.loc[("kind", "a")].tolist() == [8, 8, 4]


def test_a_classifier_knows_all_datasets_it_was_made_from(places: Places, tmp_path: Path) -> None:
    plan = planned(places)
    origin = _origin(plan)
    assert origin.datasets == tuple(part.dataset.digest for part in plan.training.mixture.parts)
    assert len({*origin.datasets}) == 2
    assert origin.locations == ("site0", "site1", "site2")
    one = dataclasses.replace(made("tiny", KNOWN, ImageSpec(16, 16)), origin=origin)
    one.save(tmp_path / "classifier")
    assert Classifier.load(tmp_path / "classifier").origin == origin


def test_how_much_of_each_dataset_an_epoch_shows_is_said(places: Places) -> None:
    assert planned(places, "=0.3").remarks[:2] == (
        f"an epoch shows 12 captures of '{places.own}'",
        f"an epoch shows 6 of 20 captures of '{places.other}'",
    )
    remarks = " ".join(planned(places, "=2").remarks)
    assert f"an epoch shows 2 times 20 captures of '{places.other}'" in remarks


def test_a_dataset_that_the_best_epoch_is_chosen_without_is_named(places: Places) -> None:
    assert f"the best epoch is chosen without '{places.other}': it has no split val" in (
        planned(places).remarks
    )


def test_pictures_and_places_that_one_learns_from_and_another_judges_by_are_told(places) -> None:
    remarks = planned(places).remarks
    assert (
        f"1 capture of val of '{places.own}' with a picture that '{places.other}' has to learn "
        "from, byte by byte: figures will be better than for pictures never seen"
    ) in remarks
    assert (
        f"site0, site1, site2: names of locations of val of '{places.own}' and of what "
        f"'{places.other}' has to learn from; where the places are the same, figures will be "
        "better than for cameras never seen"
    ) in remarks


def test_a_single_dataset_has_no_remark_of_mixing(places: Places) -> None:
    assert plan_training(open_mixture((places.own,)), TrainParams(batch_size=8)).datasets == ()
    alone = plan_training(open_mixture((f"{places.own}=0.5",)), TrainParams(batch_size=8))
    assert alone.datasets == (f"an epoch shows 6 of 12 captures of '{places.own}'",)


def test_a_weight_that_shows_nothing_is_refused(places: Places) -> None:
    with pytest.raises(BadInput) as refused:
        planned(places, "=0.02")
    assert str(refused.value) == (
        f"dataset: 0.02 times the 20 captures of train, train_late of '{places.other}' are none "
        "an epoch; give it more"
    )


# --- given classes ---


def test_given_classes_keep_their_order_and_others_are_named(places: Places) -> None:
    plan = planned(places, given={"kind": {"e": 0, "b": 1, "a": 2}})
    assert plan.labels[1] == Label("kind", ("e", "b", "a"))
    assert plan.heads.remarks == (
        "label 'kind': not among the classes given and not learnt from: d (4 captures); as a true "
        "class it will count as an error",
        "label 'kind': no capture to learn from shows e, which the classes given have",
    )


def test_merged_classes_are_one_and_that_is_said(places: Places) -> None:
    plan = planned(places, given={"kind": {"a": "x", "b": "x", "c": "x"}})
    assert plan.labels[1] == Label("kind", ("d", "x"), {"a": "x", "b": "x", "c": "x"})
    assert plan.heads.remarks == (
        "label 'kind': counted as x: a (4 captures), b (4 captures), c (0 captures)",
    )


# --- and a parent ---


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Parent:
    """Knows the classes of `KNOWN`, and counts z as b."""
    folder = tmp_path_factory.mktemp("merging") / "classifier"
    side, kind = KNOWN
    labels = (side, dataclasses.replace(kind, merged={"z": "b"}))
    made("tiny", labels, ImageSpec(16, 16)).save(folder)
    return open_parent(folder, HERE)


def test_a_class_that_the_parent_does_not_know_may_count_as_one_it_knows(places, parent) -> None:
    with pytest.raises(BadInput, match="label 'kind': the parent does not know d; unknown=drop"):
        planned(places, parent=parent, strategy="finetune")
    plan = planned(places, given={"kind": {"d": "z"}}, parent=parent)
    assert plan.params.strategy == "finetune"
    assert plan.labels == (KNOWN[0], Label("kind", ("c", "a", "b"), {"z": "b", "d": "b"}))
    assert "label 'kind': counted as b: z (0 captures), d (4 captures)" in plan.remarks


def test_a_child_by_finetune_merges_what_its_parent_does(places, parent) -> None:
    plan = planned(places, parent=parent, unknown="drop")
    assert plan.labels[1].merged == {"z": "b"}
    by_transfer = planned(places, parent=parent, strategy="transfer")
    assert by_transfer.labels[1] == Label("kind", ("a", "b", "d"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"a": 0, "b": 1, "d": 2},
            "classes: label 'kind' is given a, b, d; the parent knows c, a, b, which "
            "strategy=finetune keeps",
        ),
        (
            {"a": "d"},
            "classes: label 'kind': 'a', which is to count as 'd', is a class of the parent, and "
            "strategy=finetune keeps those",
        ),
    ],
)
def test_classes_that_are_not_the_parents_are_refused_by_finetune_alone(
    places, parent, given: dict, sentence: str
) -> None:
    with pytest.raises(BadInput) as refused:
        planned(places, given={"kind": given}, parent=parent, strategy="finetune")
    assert str(refused.value) == sentence
    assert planned(places, given={"kind": given}, parent=parent).params.strategy == "transfer"


def test_the_parents_own_classes_may_be_given(places, parent) -> None:
    given = {"kind": {"c": 0, "a": 1, "b": 2, "d": "a"}}
    plan = planned(places, given=given, parent=parent, strategy="finetune")
    assert plan.labels[1] == Label("kind", ("c", "a", "b"), {"z": "b", "d": "a"})


# --- judged ---


def test_the_truth_of_a_merged_class_is_the_class_it_counts_as(places: Places) -> None:
    kind = Label("kind", ("x", "y"), {"a": "x", "b": "x", "d": "y"})
    classifier = made("tiny", (kind,), ImageSpec(16, 16))
    mixture = open_mixture((places.own,))
    plan = plan_judgement(classifier, mixture, EvaluateParams(split="train"))
    predictions, evaluation = judge(plan)
    assert [row.truth for row in predictions.rows].count("x") == 8
    (figures,) = evaluation.labels
    assert {*figures.confusion.index} == {"x", "y"}
    plain = made("tiny", (Label("kind", ("x", "y")),), ImageSpec(16, 16))
    with pytest.raises(BadInput, match="the classifier knows no class of train"):
        plan_judgement(plain, mixture, EvaluateParams(split="train"))
