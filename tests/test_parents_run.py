"""A model that starts from a registered one: what the runs of both tell, in a real store."""

import dataclasses
import json
import shutil
from pathlib import Path

import mlflow
import pytest
from conftest import log_classifier
from mlflow.entities import Run
from PIL import Image

from ctc.params import TrainParams
from ctc.tracking import find_model, promote, standing, tracked_run
from ctc.tracking.registry import register
from entrypoints import train


@pytest.fixture(scope="module")
def former(module_store, small_classifier: Path, small_params: TrainParams) -> Run:
    """The run of a model that is `models:/species@champion` and version 1."""
    with tracked_run("train", small_params) as run:
        uri = log_classifier(run, small_classifier, {"val/loss": 1.0}, step=0)
    register(uri, "species")
    promote(standing("species", "1", "champion"), "a run")
    return mlflow.get_run(run.run_id)


def latest() -> Run:
    found = mlflow.search_runs(search_all_experiments=True, output_format="list")[0]
    return mlflow.get_run(found.info.run_id)  # a search leaves inputs out


@pytest.fixture(scope="module")
def child(former: Run, small_params: TrainParams) -> Run:
    """The run of a model that was made from the champion, and is the next version."""
    own = {"image_size": None, "epochs": 1, "output": "child", "register": "species"}
    asked = dataclasses.replace(small_params, parent="models:/species@champion", **own)
    assert train.run(asked) == "2"
    return latest()


def test_the_run_of_a_child_is_tied_to_its_parent(former: Run, child: Run) -> None:
    promote(
        standing("species", "2", "champion"), "a run"
    )  # an alias moves; what was resolved does not
    parent_id = find_model("models:/species/1").model_id
    assert child.data.tags["parent"] == "models:/species@champion"
    assert child.data.tags["parent_resolved"] == "models:/species/1"
    assert child.data.tags["parent_run"] == former.info.run_id
    assert [model.model_id for model in child.inputs.model_inputs] == [parent_id]
    assert [model.model_id for model in child.outputs.model_outputs] != [parent_id]
    resolved = {k: v for k, v in child.data.params.items() if k.startswith("resolved.")}
    assert resolved["resolved.strategy"] == "finetune"
    assert resolved["resolved.trainable"] == "all"
    assert resolved["resolved.model"] == "tiny"
    assert resolved["resolved.precision"] == "float32"
    assert (resolved["resolved.devices"], resolved["resolved.jit"]) == ("CPU:0", "no")
    assert resolved["resolved.image_size"] == "32 x 32"


def test_a_run_shows_the_network_in_words_and_what_it_sees(child: Run, tmp_path: Path) -> None:
    found = mlflow.artifacts.download_artifacts(run_id=child.info.run_id, dst_path=str(tmp_path))
    text = (Path(found) / "network.txt").read_text()
    assert text.splitlines()[0].endswith("learn in epochs 1-1")
    with Image.open(Path(found) / "first_batch.jpg") as sheet:
        assert sheet.width > 1000


def test_the_logged_child_carries_its_parent_along(former: Run, child: Run) -> None:
    found = find_model("models:/species/2")
    about = json.loads((found.folder / "classifier.json").read_text())
    assert about["origin"]["strategy"] == "finetune"
    assert about["origin"]["parent"] == {
        "uri": "models:/species@champion",
        "resolved": "models:/species/1",
        "run_id": former.info.run_id,
        "model_id": find_model("models:/species/1").model_id,
    }


def test_a_parent_is_found_by_its_run_and_in_a_folder(former, small_classifier, tmp_path) -> None:
    by_run = f"runs:/{former.info.run_id}/best_model"
    parent = train._parent(TrainParams(parent=by_run), None)
    assert parent is not None
    assert parent.ancestor.run_id == former.info.run_id
    assert parent.ancestor.model_id == find_model(by_run).model_id
    shutil.copytree(small_classifier, tmp_path / "classifier")
    parent = train._parent(TrainParams(parent=str(tmp_path / "classifier")), None)
    assert parent is not None
    assert (parent.ancestor.run_id, parent.ancestor.model_id) == (None, None)
    assert parent.name == str(tmp_path / "classifier")
