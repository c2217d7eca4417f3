"""A classifier is calibrated on one part and judged on another, and says what it was made by."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_answers import CLASSES, SPECIES, answer, answers, drawn, known
from mlflow.utils.validation import _validate_metric_name

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.evaluation.calibrating import Calibrating, calibrate, fit_calibration
from ctc.evaluation.calibration import fit_temperature
from ctc.evaluation.effort import accepted_confidence
from ctc.evaluation.evaluation import Evaluation, Setting, evaluate
from ctc.evaluation.examination import plan_examination
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.judging import judge, plan_judgement
from ctc.evaluation.known import known_answers
from ctc.evaluation.suspects import with_paths
from ctc.evaluation.tables import (
    as_text,
    confusions,
    figure_table,
    label_table,
    suspect_table,
)
from ctc.labels import Label
from ctc.model.classifier import Classifier
from ctc.model.planning.training_plan import plan_training
from ctc.params import EvaluateParams, TrainParams
from ctc.prediction.asking.predicting import predict
from ctc.prediction.photos.captures import captures_of_dataset


@pytest.fixture(scope="module")
def raw(small_classifier: Path) -> Classifier:
    return replace(Classifier.load(small_classifier), calibration=None)


@pytest.fixture(scope="module")
def fitted(raw: Classifier, small_dataset: Dataset) -> Classifier:
    return calibrate(raw, Calibrating(Mixture.of(small_dataset), ("val",), 16, target_accuracy=0.6))


def examined(dataset: Dataset, params: TrainParams, **other: object):
    changed = replace(params, **other)
    return plan_examination(plan_training(Mixture.of(dataset), changed), changed)


def judged(classifier: Classifier, dataset: Dataset, split: str, **params: object) -> Evaluation:
    asked = EvaluateParams(split=split, **{"bootstrap": 0} | params)
    return judge(plan_judgement(classifier, Mixture.of(dataset), asked))[1]


def refitted(classifier: Classifier, dataset: Dataset, split: str) -> dict[str, float | None]:
    """The temperatures that the captures of a split ask for."""
    rows = predict(classifier, captures_of_dataset(dataset, (split,)), 16)
    return {
        label.name: fit_temperature(known_answers(label.name, rows.of(label.name)))
        for label in classifier.labels
    }


# --- what is fitted where ---


def test_temperatures_are_those_of_the_validation_and_not_of_the_test(
    raw: Classifier, fitted: Classifier, small_dataset: Dataset
) -> None:
    assert fitted.calibration is not None
    assert fitted.calibration.splits == ("val",)
    assert fitted.calibration.datasets == (small_dataset.digest,)
    temperatures = dict(fitted.calibration.temperatures)
    assert temperatures == pytest.approx(refitted(raw, small_dataset, "val"))
    others = refitted(raw, small_dataset, "test")
    assert all(abs(temperatures[name] / (others[name] or 1) - 1) > 0.01 for name in temperatures)


def test_a_training_is_calibrated_by_what_chooses_its_epoch_and_judged_by_what_has_no_part(
    small_dataset: Dataset, small_params: TrainParams
) -> None:
    planned = examined(small_dataset, small_params)
    assert planned.calibrating.splits == ("val",)
    assert planned.test is not None
    assert planned.test.split == "test*"
    swapped = examined(small_dataset, small_params, val_split="test", test_split="val")
    assert swapped.calibrating.splits == ("test",)
    assert swapped.test is not None
    assert swapped.test.split == "val"


@pytest.mark.parametrize("split", ["train", "val", "*", "[tv]*"])
def test_nothing_is_judged_by_what_it_was_made_by(
    small_dataset: Dataset, small_params: TrainParams, split: str
) -> None:
    with pytest.raises(BadInput, match=r"test_split: '(train|val)' is learnt from, or chosen by"):
        examined(small_dataset, small_params, test_split=split)


def test_a_classifier_is_not_calibrated_by_what_it_has_learnt_from(
    raw: Classifier, small_dataset: Dataset
) -> None:
    with pytest.raises(
        ValueError, match="'train' was learnt from: nothing can be calibrated by it"
    ):
        calibrate(raw, Calibrating(Mixture.of(small_dataset), ("train",), 16, 0.98))


def test_where_there_is_nothing_to_judge_by_that_is_said_and_not_refused(
    small_dataset: Dataset, small_params: TrainParams
) -> None:
    everything = {"train_split": "t*", "val_split": "val"}
    planned = examined(small_dataset, small_params, **everything)
    assert planned.test is None
    (remark,) = planned.remarks
    assert remark == (
        "the model will not be judged: test_split: 'test' is learnt from, or chosen by"
    )
    assert examined(small_dataset, small_params, test_split=None).remarks == ()
    with pytest.raises(BadInput, match=r"no split of .* matches 'holdout'; it has: "):
        examined(small_dataset, small_params, test_split="holdout")


def test_what_a_training_is_judged_by_has_to_be_known_before_it(
    small_dataset: Dataset, small_params: TrainParams
) -> None:
    with pytest.raises(BadInput, match=r"by: no capture of test of .* has 'altitude'"):
        examined(small_dataset, small_params, test_split="test", by=("altitude",))


# --- what is fitted ---


def calibrating(dataset: Dataset, target: float = 0.9, aggregate: str = "mean") -> Calibrating:
    return Calibrating(Mixture.of(dataset), ("val",), 16, target, aggregate)


def test_the_confidence_is_chosen_at_the_fitted_temperature(small_dataset: Dataset) -> None:
    truth, shares = drawn(600, 0, sharpness=3.0, signal=4)
    calibration = fit_calibration(answers(truth, shares), (SPECIES,), calibrating(small_dataset))
    assert calibration.temperatures["species"] == pytest.approx(3, rel=0.15)
    powers = shares ** (1 / calibration.temperatures["species"])
    cooled = powers / powers.sum(axis=1, keepdims=True)
    chosen = accepted_confidence(known(truth, cooled), 0.9)
    assert calibration.accepted_confidence["species"] == pytest.approx(chosen, abs=1e-6)
    sure = cooled.max(axis=1)
    accepted = sure >= calibration.accepted_confidence["species"]
    right = shares.argmax(axis=1) == [CLASSES.index(name) for name in truth]
    assert 0 < accepted.sum() < 600
    assert (~right[accepted]).sum() + 1 <= 0.1 * (accepted.sum() + 1)
    assert right[accepted].mean() > right.mean()


def test_a_target_that_no_confidence_reaches_accepts_nothing(small_dataset: Dataset) -> None:
    truth, shares = drawn(40, 1)
    plan = calibrating(small_dataset, target=0.98)
    assert fit_calibration(answers(truth, shares), (SPECIES,), plan).accepted_confidence == {}


def test_a_label_that_the_validation_does_not_know_stays_as_it_is(small_dataset: Dataset) -> None:
    _, shares = drawn(5, 2)
    unknown = answers([None] * 5, shares)
    calibration = fit_calibration(unknown, (SPECIES,), calibrating(small_dataset))
    assert (calibration.temperatures, calibration.accepted_confidence) == ({}, {})


def test_a_temperature_fitted_on_one_part_lowers_the_error_that_is_shown_of_another(
    small_dataset: Dataset,
) -> None:
    truth, shares = drawn(1200, 3, sharpness=2.5)
    plan = calibrating(small_dataset)
    calibration = fit_calibration(answers(truth[:400], shares[:400]), (SPECIES,), plan)
    powers = shares[400:] ** (1 / calibration.temperatures["species"])
    calibrated = answers(truth[400:], powers / powers.sum(axis=1, keepdims=True))
    setting = Setting("test", calibration=calibration)
    sureness = evaluate(calibrated, (SPECIES,), setting).labels[0].sureness
    assert sureness.error is not None
    assert sureness.error_before is not None
    assert sureness.error < sureness.error_before / 2
    raw = evaluate(answers(truth[400:], shares[400:]), (SPECIES,), Setting("test")).labels[0]
    assert sureness.error_before == pytest.approx(raw.sureness.error)


def test_every_later_prediction_is_calibrated_and_says_what_is_accepted(
    raw: Classifier, fitted: Classifier, small_dataset: Dataset
) -> None:
    assert fitted.calibration is not None
    captures = list(captures_of_dataset(small_dataset, ("test",)))
    before, after = predict(raw, captures, 16), predict(fitted, captures, 16)
    assert {row.accepted for row in before.rows} == {None}
    for old, new in zip(before.rows, after.rows, strict=True):
        temperature = fitted.calibration.temperatures[new.label]
        powers = np.array(list(old.probabilities.values())) ** (1 / temperature)
        assert list(new.probabilities.values()) == pytest.approx(powers / powers.sum(), rel=1e-4)
        least = fitted.calibration.accepted_confidence.get(new.label, 2.0)
        assert new.accepted == ((new.confidence or 0) >= least)
    assert {row.accepted for row in predict(fitted, captures, 16, aggregate="max").rows} == {None}


# --- what is said of it ---


def remarks(classifier: Classifier, dataset: Dataset, split: str, **params: object) -> str:
    return " ".join(judged(classifier, dataset, split, **params).remarks)


def test_splits_that_a_classifier_was_made_by_are_named(
    fitted: Classifier, raw: Classifier, small_dataset: Dataset
) -> None:
    assert "'train' was learnt from" in remarks(fitted, small_dataset, "train")
    on_val = remarks(fitted, small_dataset, "val")
    assert "'val' chose the epoch, the temperatures and the accepted confidences" in on_val
    on_test = remarks(fitted, small_dataset, "test")
    assert "'test'" not in on_test
    assert "'val'" not in on_test
    assert "not calibrated" in remarks(raw, small_dataset, "test")
    elsewhere = replace(small_dataset, digest="another")
    assert "learnt from:" not in remarks(fitted, elsewhere, "train")


def test_labels_that_nothing_is_accepted_of_are_named(
    raw: Classifier, small_dataset: Dataset
) -> None:
    hopeless = calibrate(raw, Calibrating(Mixture.of(small_dataset), ("val",), 16, 0.99))
    assert (
        "no confidence reached 0.99 on val for empty, species: there nothing is accepted unseen"
        in remarks(hopeless, small_dataset, "test")
    )
    said = remarks(hopeless, small_dataset, "test", aggregate="max")
    assert "was calibrated for captures combined by mean, not by max" in said


def test_seen_locations_are_set_against_unseen_ones_in_words(
    fitted: Classifier, small_dataset: Dataset
) -> None:
    places = sorted({*small_dataset.locations["test"]})
    origin = replace(fitted.origin, locations=(places[0], "elsewhere"))
    known_one = replace(fitted, origin=origin)
    said = remarks(known_one, small_dataset, "test")
    assert "at 1 locations that were learnt from" in said
    assert f"at {len(places) - 1} that were not: a difference of " in said
    drawn = remarks(known_one, small_dataset, "test", bootstrap=20)
    assert ", too narrow for other locations)" in drawn
    assert "that were learnt from" not in remarks(fitted, small_dataset, "test")


def test_figures_are_given_by_what_is_known_of_captures(
    fitted: Classifier, small_dataset: Dataset
) -> None:
    usual = judged(fitted, small_dataset, "test")
    assert usual.setting.by == ("location", "survey")
    (species,) = [one for one in usual.labels if one.label == "species"]
    assert {*species.groups["location"]["value"]} <= {*small_dataset.locations["test"]}
    assert species.groups["location"]["captures"].sum() == species.captures.count
    asked = judged(fitted, small_dataset, "test", by=("split_name",))
    assert {*asked.labels[0].groups["split_name"]["value"]} == {"test"}
    with pytest.raises(BadInput, match=r"by: no capture of test of .* has 'colour'; they have: "):
        judged(fitted, small_dataset, "test", by=("location", "colour"))


def test_the_way_to_combine_pictures_changes_the_figures_of_captures_alone(
    fitted: Classifier, small_dataset: Dataset
) -> None:
    mean = judged(fitted, small_dataset, "*").metrics
    least = judged(fitted, small_dataset, "*", aggregate="min").metrics
    assert mean["all/species/log_loss"] != least["all/species/log_loss"]
    assert mean["all/species/picture_log_loss"] == least["all/species/picture_log_loss"]
    images = sum(
        len(c.images) for c in captures_of_dataset(small_dataset, ("train", "val", "test"))
    )
    assert mean["all/empty/pictures"] == images
    assert mean["all/empty/captures"] == sum(small_dataset.splits.values())


def test_suspects_come_with_the_paths_of_their_pictures(
    raw: Classifier, small_dataset: Dataset
) -> None:
    found = suspect_table(judged(raw, small_dataset, "test"))
    listed = with_paths(found, Mixture.of(small_dataset), ("test",))
    assert len(listed) > 3
    pictures = small_dataset.images().to_pylist()
    for row in listed.to_dict("records"):
        of_capture = [one["image"] for one in pictures if one["capture_id"] == row["capture_id"]]
        assert row["paths"].split("; ") == of_capture
        assert row["images"] == len(of_capture)


# --- tables ---


def of_two(truth: Sequence[str | None], shares: np.ndarray, draws: int = 50) -> Evaluation:
    setting = Setting("test", resampling=Resampling(draws))
    return evaluate(answers(truth, shares), (SPECIES,), setting)


def test_the_table_of_figures_has_intervals_and_what_guessing_scores() -> None:
    evaluation = of_two(*drawn(60, 4))
    table = figure_table(evaluation).set_index(["level", "metric"])
    row = table.loc[("captures", "accuracy")]
    figures = evaluation.labels[0].figures
    assert row["value"] == figures["accuracy"]
    assert row["low"] < row["value"] < row["high"]
    assert row["guessing"] == figures["majority_accuracy"]
    assert table.loc[("pictures", "log_loss"), "value"] == figures["picture_log_loss"]
    assert label_table(evaluation).loc[0, "macro_f1"] == figures["macro_f1"]


def test_the_terminal_shows_a_line_a_label_and_what_limits_it() -> None:
    evaluation = replace(of_two(*drawn(60, 4)), remarks=("there is little",))
    head, line, remark = as_text(evaluation).splitlines()
    assert head.split()[:4] == ["label", "captures", "accuracy", "95"]
    assert line.split()[:2] == ["species", "60"]
    assert remark == "Mind: there is little."
    assert " - " in as_text(of_two(*drawn(60, 4), draws=0)).splitlines()[1]


def test_a_class_that_is_called_true_has_a_column_in_the_table_of_confusions() -> None:
    eating = Label("eating", ("false", "true"))
    said = answers(["true", "true", "false"], np.array([[0, 1], [1, 0], [1, 0]]), eating)
    (one,) = evaluate(said, (eating,), Setting("test", resampling=Resampling(0))).labels
    table = confusions(one)
    assert [*table.columns] == ["true", "false", "true"]
    assert table.to_numpy().tolist() == [["false", 1, 0], ["true", 1, 1]]


def test_missing_labels_and_labels_without_a_truth_count_in_nothing() -> None:
    truth, shares = drawn(30, 5)
    some: list[str | None] = [*truth, None, None]
    more = np.vstack([shares, shares[:2]])
    assert of_two(some, more, 0).metrics == of_two(truth, shares, 0).metrics
    nothing = of_two([None] * 30, shares)
    assert nothing.labels == ()
    assert label_table(nothing).empty
    assert suspect_table(nothing).empty
    assert not nothing.beats_guessing


def test_a_label_of_which_every_capture_failed_is_told_of() -> None:
    evaluation = evaluate([answer("a", "ant", [])], (SPECIES,), Setting("test"))
    assert evaluation.metrics == {"test/species/captures": 0.0}
    assert evaluation.labels[0].failed == 1
    assert "species" in as_text(evaluation)
    assert not evaluation.beats_guessing


def test_names_of_figures_are_names_that_mlflow_takes() -> None:
    for name in of_two(*drawn(60, 4)).metrics:
        assert name.startswith("test/species/")
        _validate_metric_name(name)
