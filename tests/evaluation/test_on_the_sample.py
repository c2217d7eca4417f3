"""What was planted in a drawn survey is found by a network that was trained on it."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.evaluation.calibrating import Calibrating, calibrate
from ctc.evaluation.evaluation import LabelEvaluation
from ctc.evaluation.judging import judge, plan_judgement
from ctc.inventory.sources import take_inventory
from ctc.model.classifier import Classifier
from ctc.model.fitting.training import train
from ctc.model.planning.training_plan import plan_training
from ctc.params import DatasetParams, EvaluateParams, InventoryParams, TrainParams
from ctc.sample import draw_survey

pytestmark = pytest.mark.slow
CAPTURES, NEW = 320, "S1-10"  # a camera that is set up later, and is another make


@dataclass(frozen=True)
class Planted:
    """A dataset in which labels are wrong and a location is new, and a classifier trained on it."""

    dataset: Dataset
    wrong: frozenset[str]
    classifier: Classifier


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    survey = draw_survey(folder / "sample", CAPTURES, 128, 5, 0)
    wrong = _plant(survey.table)
    inventory = take_inventory(InventoryParams(path=str(survey.table), labels=("empty",)))
    inventory.write(str(folder / "inventory.parquet"))
    params = DatasetParams(inventory=str(folder / "inventory.parquet"), max_side=128, workers=1)
    dataset = write_dataset(plan_dataset(inventory, params), str(folder / "dataset"))
    asked = TrainParams(
        labels=("empty",), image_size=64, epochs=24, learning_rate=0.003, output=str(folder / "c")
    )
    trained = train(plan_training(Mixture.of(dataset), asked), lambda epoch: None)
    plan = Calibrating(Mixture.of(dataset), ("val",), 32, target_accuracy=0.9)
    return Planted(dataset, wrong, calibrate(trained.classifier, plan))


def _plant(table: Path) -> frozenset[str]:
    """Swap 5 % of the labels; one capture of five is for the test, and all of a new location."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(dict.fromkeys(row["capture_id"] for row in rows))
    wrong = frozenset(np.random.default_rng(0).choice(names, len(names) // 20, replace=False))
    for row in rows:
        number = names.index(row["capture_id"])
        row["split_name"] = ("test", "test", "val", "train", "train", "train")[number // 10 % 6]
        if row["location"] == NEW:
            row["split_name"] = "test"
            _invert(table.parent / row["dir"])
        if row["capture_id"] in wrong:
            row["empty"] = "species" if row["empty"] == "empty" else "empty"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return wrong


def _invert(path: Path) -> None:
    with Image.open(path) as picture:
        inverted = ImageOps.invert(picture.convert("RGB"))
    inverted.save(path)


def judged(planted: Planted, classifier: Classifier | None = None) -> LabelEvaluation:
    asked = EvaluateParams(split="test", bootstrap=200)
    mixture = Mixture.of(planted.dataset)
    plan = plan_judgement(classifier or planted.classifier, mixture, asked)
    (one,) = judge(plan)[1].labels
    return one


def test_planted_label_errors_are_among_the_first_suspects(planted: Planted) -> None:
    """At the cameras that were learnt from: at the new one the classifier itself is wrong."""
    suspects = judged(planted).suspects
    seen = suspects[suspects["location"] != NEW]["capture_id"]
    there = {
        record.capture_id
        for record in planted.dataset.records(("test",))
        if record.metadata["location"] != NEW
    }
    wrong = there & planted.wrong
    first = {*seen.head(round(0.1 * len(there)))}
    assert len(wrong) >= 5
    assert len(first & wrong) >= 0.8 * len(wrong)


def test_a_planted_unseen_location_shows_a_lower_figure_than_the_seen_ones(
    planted: Planted,
) -> None:
    sides = judged(planted).seen.set_index("locations")
    assert sides["number"].drop("seen_minus_unseen").to_dict() == {"seen": 9, "unseen": 1}
    assert sides.loc["unseen", "accuracy"] < sides.loc["seen", "accuracy"]
    assert sides.loc["seen_minus_unseen", "accuracy"] > 0


def test_a_temperature_fitted_on_scores_that_are_too_sure_lowers_the_error_on_the_test(
    planted: Planted,
) -> None:
    network = planted.classifier.network
    head = network.get_layer("empty")
    weights = head.get_weights()
    head.set_weights([4 * values for values in weights])
    try:
        too_sure = replace(planted.classifier, calibration=None)
        plan = Calibrating(Mixture.of(planted.dataset), ("val",), 32, 0.9)
        sureness = judged(planted, calibrate(too_sure, plan)).sureness
    finally:
        head.set_weights(weights)
    assert sureness.temperature > 2
    assert sureness.error is not None
    assert sureness.error_before is not None
    assert sureness.error < sureness.error_before
