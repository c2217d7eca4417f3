"""A registered model learns on, from new captures with those of another place mixed in."""

import dataclasses
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from made_up_dataset import Made, half_bright, make_dataset
from mlflow.entities import Run
from test_parents_run import former, latest

from ctc.dataset.manifest import Dataset
from ctc.parameter import build
from ctc.params import EvaluateParams, TrainParams
from ctc.tracking import find_model
from entrypoints import evaluate, train

__all__ = ["former"]  # the fixture

pytestmark = pytest.mark.slow  # two trainings, each logged, loaded again and judged

GIVEN = {"species": {"lionMale": "lion", "lionFemale": "lion"}}


@pytest.fixture(scope="module")
def north(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Captures of another place, where lions are told apart; 20 of them to learn from."""
    generator = np.random.default_rng(0)
    captures = [
        Made(
            "train" if number < 20 else "test",
            {
                "empty": "species",
                "species": ("lionMale", "zebra", "lionFemale", "lion")[number % 4],
            },
            (half_bright(number % 2 == 0, generator),),
        )
        for number in range(28)
    ]
    return make_dataset(tmp_path_factory.mktemp("north"), captures)


@pytest.fixture(scope="module")
def child(former: Run, small_dataset: Dataset, small_params: TrainParams, north: Dataset) -> Run:
    """The run of a model that was fine-tuned with data mixed in, as the documentation has it."""
    Path("classes.json").write_text(json.dumps(GIVEN))
    asked = {
        "parent": "models:/species@champion",
        "strategy": "finetune",
        "dataset": f"{small_dataset.folder} {north.folder}=0.3",
        "classes": "classes.json",
        "learning_rate": "0.0003",
        "output": "mixed",
    }
    own = {
        "labels": small_params.labels,
        "batch_size": 16,
        "epochs": 1,
        "register": "species",
        "bootstrap": 0,
    }
    assert train.run(dataclasses.replace(build(TrainParams, asked), **own)) == "2"
    return latest()


def artifact(run: Run, name: str) -> str:
    place: str = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name)
    return place


def test_the_run_has_every_dataset_as_an_input(child, small_dataset, north) -> None:
    inputs = child.inputs.dataset_inputs
    contexts = [(one.dataset.digest, tag.value) for one in inputs for tag in one.tags]
    learnt_from = [digest for digest, context in contexts if context == "training"]
    assert sorted(learnt_from) == sorted([small_dataset.digest, north.digest])
    assert child.data.params["resolved.dataset"] == f"{small_dataset.uri}=1 {north.uri}=0.3"
    assert child.data.params["resolved.strategy"] == "finetune"


def test_the_run_tells_the_classes_as_they_were_learnt(child: Run, north: Dataset) -> None:
    classes = json.loads(Path(artifact(child, "class_map.json")).read_text())
    assert classes["species"]["lionMale"] == "lion"
    placed = [name for name, place in classes["species"].items() if isinstance(place, int)]
    assert placed == sorted(placed)
    table = pd.read_csv(artifact(child, "class_counts.csv")).set_index(["label", "class"])
    before = table.loc[("species", "lion")]
    assert before["training"] - before["shown_an_epoch"] == pytest.approx(0.7 * 15)


def test_the_child_keeps_what_is_merged_and_what_it_was_made_from(
    child, small_dataset, north
) -> None:
    about = json.loads((find_model("models:/species/2").folder / "classifier.json").read_text())
    assert about["labels"][1]["merged"] == GIVEN["species"]
    assert about["origin"]["datasets"] == [small_dataset.digest, north.digest]
    assert {"site0", "site1", "site2"} < {*about["origin"]["locations"]}


def test_a_true_class_that_is_merged_is_judged_as_the_class_it_counts_as(child, north) -> None:
    params = EvaluateParams(dataset=str(north.folder), classifier="models:/species/2", bootstrap=0)
    judged = evaluate.run(params)
    (species,) = (one for one in judged.labels if one.label == "species")
    assert species.classes.set_index("class")["support"]["lion"] == 6
    assert "lionMale" not in species.confusion.index


def test_a_grandchild_merges_what_its_parent_does(child, small_params, north) -> None:
    own = {"epochs": 1, "output": "grandchild", "parent": "models:/species/2", "image_size": None}
    both = (*small_params.dataset, f"{north.folder}=0.5")
    train.run(dataclasses.replace(small_params, **own, dataset=both))
    about = json.loads(Path("grandchild/classifier.json").read_text())
    assert about["origin"]["strategy"] == "finetune"
    assert about["labels"][1]["merged"] == GIVEN["species"]
