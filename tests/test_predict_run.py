"""What a run of `predict` leaves in MLflow, and says on the screen."""

from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest
from made_up_dataset import encoded
from mlflow.entities import Run

from ctc.model.classifier import Classifier
from ctc.params import PredictParams
from entrypoints import predict

GOOD, BROKEN = 30, "broken.jpg"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """White pictures, unlike any that is learnt from, one that is broken, and a text."""
    folder = tmp_path_factory.mktemp("white")
    data = encoded(np.full((30, 40, 3), 250, np.uint8), "JPEG")
    for number in range(GOOD):
        (folder / f"{number:02d}.jpg").write_bytes(data)
    (folder / BROKEN).write_bytes(data[: len(data) // 2])
    (folder / "notes.txt").write_text("rain")
    return folder


def files(run: Run, below: str | None = None) -> set[str]:
    found = mlflow.MlflowClient().list_artifacts(run.info.run_id, below)
    return {name for one in found for name in (files(run, one.path) if one.is_dir else {one.path})}


def latest() -> Run:
    return mlflow.MlflowClient().search_runs(["0"], max_results=1)[0]


def test_a_run_has_counts_failures_sheets_and_drift(
    small_classifier: Path, pictures: Path, tmp_path: Path, store: None, capsys
) -> None:
    output = str(tmp_path / "said.csv")
    asked = PredictParams(
        classifier=str(small_classifier), images=str(pictures), output=output, private=()
    )
    predict.run(asked)
    run, said = latest(), capsys.readouterr()
    assert run.info.status == "FINISHED"
    counts = {name: run.data.metrics[name] for name in ("captures", "failed", "pictures_failed")}
    assert counts == {"captures": GOOD + 1, "failed": 1, "pictures_failed": 1}
    assert run.data.metrics["pictures_per_second"] > 0
    assert run.data.metrics["drift/brightness"] > 0.25
    assert run.data.params["resolved.batch_size"] == "64"
    assert run.data.params["resolved.source"] == "folders"
    assert {"said.csv", "classes.json", "failures.json", "findings.csv", "drift.json",
            "drift.txt"} < files(run)  # fmt: skip
    assert {f"sheets/empty/{kind}.jpg" for kind in ("surest", "least_sure")} < files(run)
    assert "Mind: the pictures are brighter than those that were learnt from" in said.out
    assert "note: files that are no pictures: 1, such as notes.txt" in said.out
    assert f"{GOOD + 1}/" in said.err or f"{GOOD + 1} pictures in" in said.err


def test_private_classes_are_on_no_sheet_and_an_older_classifier_is_used(
    small_classifier: Path, pictures: Path, tmp_path: Path, store: None, capsys
) -> None:
    classifier = Classifier.load(small_classifier)
    older = replace(classifier, origin=replace(classifier.origin, seen=None))
    older.save(tmp_path / "older")
    labels = {name for label in classifier.labels for name in label.classes}
    asked = PredictParams(
        classifier=str(tmp_path / "older"),
        images=str(pictures),
        output=str(tmp_path / "said.csv"),
        private=tuple(labels),
    )
    predict.run(asked)
    assert "drift: unknown" in capsys.readouterr().out
    assert not {name for name in files(latest()) if name.startswith(("sheets", "drift"))}
