"""Servers that are killed while a step is at work: real ones, of S3 and of MLflow."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from conftest import tracked_at
from made_up_server import Servers, servers
from outages import (
    AFTER,
    BACK,
    BOTH,
    S3,
    TRACKING,
    TRAINING,
    UPLOAD,
    Case,
    Outcome,
    Training,
    check_same,
    disturbed,
    outcome,
)

from ctc.dataset import writing
from ctc.params import DatasetParams, PredictParams, SyncParams
from ctc.prediction import labelling
from ctc.server.parts import Running
from entrypoints import dataset, predict, sync

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("server")) as both:
        yield both


@pytest.fixture(scope="module")
def undisturbed(running, small_dataset, tmp_path_factory) -> tuple[Training, Outcome]:
    folder = tmp_path_factory.mktemp("trainings")
    trial = Training(folder, small_dataset.folder, "undisturbed", running.uri)
    trial.finish(trial.train())
    return trial, outcome(trial)


# tests/outages.py has them all.
@pytest.mark.parametrize(
    "case",
    [
        Case(S3, UPLOAD, BACK),
        Case(TRACKING, TRAINING, BACK),
        Case(BOTH, UPLOAD, AFTER),
        Case(BOTH, TRAINING, AFTER),
    ],
    ids=lambda case: case.name,
)
def test_a_training_whose_servers_are_killed_ends_as_if_undisturbed(
    running: Servers, undisturbed: tuple[Training, Outcome], case: Case
) -> None:
    trial = dataclasses.replace(undisturbed[0], name=case.name)
    disturbed(running, trial, case, seconds=1)
    check_same(undisturbed[1], outcome(trial))
    assert trial.said.count("warning: ") == 1
    assert not trial.journals.exists()


def test_a_training_without_a_server_ends_as_any_other_when_it_is_sent(
    undisturbed: tuple[Training, Outcome],
) -> None:
    trial = dataclasses.replace(undisturbed[0], name="offline")
    trial.finish(trial.train(MLFLOW_TRACKING_URI="http://127.0.0.1:9", offline="yes"))
    assert "warning: " not in trial.said
    trial.sync(str(trial.folder / trial.name))
    check_same(undisturbed[1], outcome(trial))


@pytest.fixture
def tracked(running: Servers) -> Iterator[Servers]:
    with tracked_at(running.uri):
        yield running


def test_dataset_and_predict_go_on_and_sync_sends_what_they_logged(
    tracked: Servers, small_inventory, small_dataset, small_classifier, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("CTC_PATIENCE", "0")
    monkeypatch.setenv("CTC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    small_inventory.write("inventory.parquet")
    pictures = small_dataset.folder.parent / "sample" / "table.csv"

    def without(part: Running, module: object, name: str) -> None:
        work = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *own: part.kill() or work(*own))

    without(tracked.tracking, writing, "write_dataset")
    dataset.run(DatasetParams(inventory="inventory.parquet", max_side=64, workers=1, output="d"))
    tracked.start(tracked.tracking)
    without(tracked.s3, labelling, "label_all")
    asked = PredictParams(classifier=str(small_classifier), images=str(pictures), output="p.csv")
    predict.run(asked)
    tracked.start(tracked.s3)
    sync.run(SyncParams())
    for step, file in {"dataset": Path("d/dataset.json"), "predict": Path("p.csv")}.items():
        (run,) = mlflow.search_runs(filter_string=f"tags.step = '{step}'", output_format="list")
        assert run.info.status == "FINISHED"
        there = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/{file.name}")
        assert Path(there).read_bytes() == file.read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
