"""docs/transfer.md: where captures are few, a model of other species is a better start."""

from pathlib import Path
from statistics import mean

import pytest

from ctc.dataset.mixture import Mixture
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.evaluation.judging import judge, plan_judgement
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams, EvaluateParams, InventoryParams, TrainParams
from ctc.sample import draw_survey

THREE = ("species=elephant", "species=giraffe", "species=lion")
TWO = ("species=ostrich", "species=zebra")
SEEDS = (0, 1, 2)
# As in the document.
PARENT = TrainParams(image_size=64, learning_rate=0.003, epochs=20)
FEW = {"labels": ("species",), "epochs": 20, "steps_per_epoch": 10}
FROM_NOTHING = {"image_size": 64, "learning_rate": 0.003}
TRANSFERRED = {
    "parent": "three", "strategy": "transfer", "learning_rate": 0.01, "unfreeze_epoch": 6
}  # fmt: skip


@pytest.fixture(scope="module")
def survey(tmp_path_factory) -> Inventory:
    folder = tmp_path_factory.mktemp("gain")
    table = draw_survey(folder / "sample", 2000, 128, 0, 0).table
    inventory = take_inventory(InventoryParams(path=str(table)))
    inventory.write(str(folder / "inventory.parquet"))
    return inventory


def written(survey: Inventory, folder: Path, **asked) -> Mixture:
    params = DatasetParams(max_side=128, workers=1, **asked)
    return Mixture.of(write_dataset(plan_dataset(survey, params), str(folder)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_transfer_beats_training_from_nothing_on_a_few_captures_of_other_species(survey, tmp_path):
    from ctc.model.classifier import Ancestor, Classifier
    from ctc.model.fitting.training import train
    from ctc.model.parents import Parent
    from ctc.model.planning.training_plan import plan_training

    def trained(mixture: Mixture, asked: TrainParams, parent: Parent | None = None) -> Classifier:
        return train(plan_training(mixture, asked, parent), report=lambda epoch: None).classifier

    def accuracy(one: Classifier) -> float:
        metrics = judge(plan_judgement(one, others, EvaluateParams()))[1].metrics
        return next(v for name, v in metrics.items() if name.endswith("/species/accuracy"))

    first = trained(written(survey, tmp_path / "three", remove=TWO), PARENT)
    parent = Parent(first, Ancestor("three", "three", None, None))
    others = written(survey, tmp_path / "two", keep=TWO)
    with_parent, without = [], []
    for seed in SEEDS:
        few = written(survey, tmp_path / f"few{seed}", keep=TWO, cap=("species=6",), seed=seed)
        child = trained(few, TrainParams(**FEW, **TRANSFERRED, seed=seed), parent)
        with_parent.append(accuracy(child))
        without.append(accuracy(trained(few, TrainParams(**FEW, **FROM_NOTHING, seed=seed))))
    assert mean(with_parent) > mean(without) + 0.05, (with_parent, without)
