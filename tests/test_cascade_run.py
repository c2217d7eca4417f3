"""A cascade is made of two registered models, and used as any other model is."""

import io
import json
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import log_classifier
from made_up_cascade import faunas, says_empty, says_side
from mlflow.entities import Run
from PIL import Image
from test_mlflow_run import Clone, clone

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.errors import BadInput
from ctc.model.cascade import Cascade
from ctc.model.classifier import Classifier
from ctc.params import CascadeParams, EvaluateParams, PredictParams, PromoteParams, TrainParams
from ctc.tracking import ask_logged, find_model, tracked_run
from ctc.tracking.registry import register
from entrypoints import cascade, evaluate, predict, promote

__all__ = ["clone"]  # the fixture

COUNTS = {"train": 8, "val": 120, "test": 60}
RECALL = 0.9


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return faunas(tmp_path_factory.mktemp("cascade_run"), COUNTS)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def save_both(folder: Path) -> None:
    says_empty(ImageSpec(16, 16)).save(folder / "empty")
    says_side(ImageSpec(24, 32, "pad")).save(folder / "side")


@pytest.fixture(scope="module")
def made(module_store: None, dataset: Dataset) -> str:
    """The URI of a registered cascade, made of a registered model and a folder."""
    save_both(Path("models"))
    with tracked_run("train", TrainParams()) as run:
        register(log_classifier(run, Path("models/empty"), {}, 0), "empty")
    params = CascadeParams(
        empty="models:/empty@candidate",
        species="models/side",
        dataset=str(dataset.folder),
        recall=RECALL,
        bootstrap=20,
        output="both",
        register="both",
    )
    return f"models:/both/{cascade.run(params)}"


def latest(step: str) -> Run:
    (run, *_) = mlflow.MlflowClient().search_runs(["0"], f"tags.step = '{step}'")
    return run


def test_it_is_a_run_that_says_of_what_it_is_made_and_how_it_does(made: str) -> None:
    run = latest("cascade")
    assert run.info.status == "FINISHED"
    assert run.data.params["resolved.empty"] == "models:/empty/1"
    assert run.data.params["resolved.species"] == "models/side"
    metrics = run.data.metrics
    assert metrics["val/empty/animals_kept"] >= RECALL
    assert 0 < metrics["val/empty/threshold"] <= 0.5
    assert metrics["test/empty/animals_kept"] >= RECALL
    assert metrics["test/empty/asked_pictures_share"] < 0.75
    assert metrics["test/side/accuracy"] > 0.8
    inputs = [one.model_id for one in mlflow.get_run(run.info.run_id).inputs.model_inputs]
    assert inputs == [find_model("models:/empty/1").model_id]
    card = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/card.md")
    assert "- Asked first: models:/empty/1" in card
    assert "mlflow run . -e cascade" in card
    description = mlflow.MlflowClient().get_model_version("both", "1").description
    assert "- Asked first: models:/empty/1" in description


def test_it_is_loaded_and_served_as_every_other(made: str, dataset: Dataset) -> None:
    loaded = Classifier.load(find_model("models:/both@candidate").folder)
    assert isinstance(loaded, Cascade)
    assert loaded.made_of[0].resolved == "models:/empty/1"
    pictures = [one.images[0] for one in dataset.records(("test",))]
    dark, *_, bright = sorted(pictures, key=lambda data: float(decoded(data).mean()))
    for picture, answers in ((dark, {"empty"}), (bright, {"left", "right"})):
        said = ask_logged(made, picture).set_index("label")["prediction"]
        assert said["side"] in answers


def test_it_predicts(made: str, dataset: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "predictions.csv"
    images = dataset.folder.parent / "inventory.parquet"
    predict.run(PredictParams(classifier=made, images=str(images), output=str(output)))
    table = pd.read_csv(output, dtype={"capture_id": str})
    assert len(table) == 2 * sum(COUNTS.values())
    side = table[table["label"] == "side"]
    asked = latest("predict").data.metrics["asked_share"]
    assert (side["prediction"] != "empty").mean() == pytest.approx(asked)
    assert 0.3 < asked < 0.7


def test_it_is_evaluated_and_promoted_without_being_judged_twice(
    made: str, dataset: Dataset
) -> None:
    folder = str(dataset.folder)
    evaluation = evaluate.run(EvaluateParams(classifier=made, dataset=folder, bootstrap=0))
    assert evaluation.passed is not None
    before = len(mlflow.MlflowClient().search_runs(["0"], "tags.step = 'evaluate'"))
    assert not promote.run(PromoteParams(name="both", version="1", dataset=folder)).refused
    after = mlflow.MlflowClient().search_runs(["0"], "tags.step = 'evaluate'")
    assert len(after) == before
    assert find_model("models:/both@champion").resolved == made


def test_a_worse_one_is_refused(made: str, dataset: Dataset) -> None:
    """Its second says left where it is right."""
    side = says_side(ImageSpec(24, 32))
    wrong = replace(side, labels=(replace(side.labels[0], classes=("right", "left")),))
    wrong.save(Path("models/wrong"))
    folder = str(dataset.folder)
    version = cascade.run(
        CascadeParams(
            empty="models/empty", species="models/wrong", dataset=folder, recall=RECALL,
            bootstrap=0, output="worse", register="both",
        )
    )  # fmt: skip
    promote.run(PromoteParams(name="both", version="1", dataset=folder))
    decision = promote.run(PromoteParams(name="both", version=str(version), dataset=folder))
    assert decision.refused


def test_what_cannot_be_made_is_refused_before_any_run(made: str, dataset: Dataset) -> None:
    before = len(mlflow.MlflowClient().search_runs(["0"]))
    for params, why in (
        ({"empty": "models/side"}, "none of which says that there is nothing"),
        ({"empty": "models:/gone@champion"}, "no model at 'models:/gone@champion'"),
        ({"species": "both"}, "species: found a cascade of two models"),
        ({"output": str(dataset.folder)}, "exists and is no classifier"),
        ({"register": "a/b"}, "register: found 'a/b'"),
    ):
        asked = {"empty": "models/empty", "species": "models/side", "dataset": str(dataset.folder)}
        with pytest.raises(BadInput, match=why):
            cascade.run(CascadeParams(**{**asked, **params}))
    assert len(mlflow.MlflowClient().search_runs(["0"])) == before


@pytest.mark.slow
def test_the_steps_as_a_user_calls_them(clone: Clone, dataset: Dataset) -> None:
    save_both(clone.folder / "models")
    data = {"dataset": dataset.folder, "bootstrap": 20}
    two = {"empty": "models/empty", "species": "models/side"}
    images = dataset.folder.parent / "inventory.parquet"
    for step, params in (
        ("cascade", {**two, "register": "both", **data}),
        ("evaluate", {"classifier": "models:/both@candidate", **data}),
        ("predict", {"classifier": "models:/both@candidate", "images": images}),
        ("promote", {"name": "both", "dataset": dataset.folder}),
    ):
        done = clone.run(step, **params)
        assert done.returncode == 0, f"{step}: {done.stderr[-3000:]}"
        assert clone.runs(step)[0].info.status == "FINISHED"
    version = clone.client.get_model_version_by_alias("both", "champion")
    assert json.loads((clone.folder / "data/cascade/classifier.json").read_text())["cascade"]
    assert "Asked then: models/side" in version.description
