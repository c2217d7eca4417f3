"""The same pictures get the same answers, wherever they come from and whoever is asked."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import log_classifier
from test_sources import NAMES, camtrap_dp, lay_out, table

from ctc import storage
from ctc.dataset.manifest import Dataset
from ctc.model.classifier import Classifier
from ctc.params import PredictParams
from ctc.prediction.asking.predicting import predict
from ctc.prediction.labelling import Labelled, label_all, plan_labelling
from ctc.prediction.photos.captures import captures_of_dataset
from ctc.prediction.photos.sources import captures_of
from ctc.tracking import tracked_run

TOLERANCE = 1e-5


def labelled(classifier: Path, images: Path, output: Path, **asked: object) -> Labelled:
    params = PredictParams(images=str(images), output=str(output), **asked)  # type: ignore[arg-type]
    model = Classifier.load(classifier)
    return label_all(plan_labelling(params, captures_of(params), model, classifier, "x"))


def probabilities(path: Path) -> list[list[float]]:
    """Of each row, in order."""
    texts = pd.read_csv(path, dtype=str, keep_default_na=False)["probabilities"]
    return [list(json.loads(text).values()) for text in texts]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("photos"))


def test_folder_table_and_package_agree(small_classifier, photos, tmp_path) -> None:
    at, columns = {"image_root": str(photos)}, ("first", "second", "third")
    ways = {
        "folder": (photos, {"capture_gap": "1s"}),
        "table": (table(tmp_path / "t.csv"), {"image_columns": columns, **at}),
        "package": (camtrap_dp(tmp_path), at),
    }
    found = {}
    for name, (images, asked) in ways.items():
        output = tmp_path / f"{name}.csv"
        assert labelled(small_classifier, images, output, **asked).tally.metrics["captures"] == 2
        found[name] = probabilities(output)
    assert found["folder"] == found["table"] == found["package"]
    assert len(found["folder"]) == 4


def test_a_run_that_was_stopped_ends_with_the_same_file(
    small_classifier, photos, tmp_path, monkeypatch
) -> None:
    from ctc.prediction.stored import answering

    monkeypatch.setattr(answering, "BATCHES_A_PART", 1)
    asked = {"batch_size": "2", "format": ("csv", "json")}
    whole = labelled(small_classifier, photos, tmp_path / "whole.csv", **asked)
    written, calls = answering.write_part, iter([False, False, True])

    def until(*arguments: object) -> None:
        if next(calls):
            raise KeyboardInterrupt
        written(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "write_part", until)
    with pytest.raises(KeyboardInterrupt):
        labelled(small_classifier, photos, tmp_path / "stopped.csv", **asked)
    assert not (tmp_path / "stopped.csv").exists()
    monkeypatch.setattr(answering, "write_part", written)
    # What a run leaves that is killed while it writes the output, and somebody else's.
    (tmp_path / ".0123456789ab.stopped.csv").write_text("id,la")
    (tmp_path / ".0123456789ab.stopped.csv.mine").write_text("kept")
    again = labelled(small_classifier, photos, tmp_path / "stopped.csv", **asked)
    assert (whole.answered.kept, again.answered.kept) == (0, 4)
    for ending in ("csv", "json"):
        first, second = (tmp_path / f"{name}.{ending}" for name in ("whole", "stopped"))
        assert first.read_bytes() == second.read_bytes()
    assert whole.tally == again.tally
    left = {path.name for path in tmp_path.iterdir() if path.name.startswith(".")}
    assert left == {".0123456789ab.stopped.csv.mine"}


def test_evaluate_predict_and_the_logged_model_agree(
    small_classifier: Path, small_dataset: Dataset, tmp_path: Path, store: None
) -> None:
    import mlflow

    stored = [one.images[0] for one in captures_of_dataset(small_dataset, ("test",))]
    folder = tmp_path / "stored"
    folder.mkdir()
    for number, data in enumerate(stored):
        (folder / f"{number:03d}.jpg").write_bytes(data)
    labelled(small_classifier, folder, tmp_path / "predictions.parquet", format=("parquet",))
    by_predict = pd.read_parquet(tmp_path / "predictions.parquet")["probabilities"]

    singles = [one for one in captures_of_dataset(small_dataset, ("test",)) if len(one.images) == 1]
    assert len(singles) < len(stored)  # what is evaluated has bursts too
    classifier = Classifier.load(small_classifier)
    firsts = [one.capture_id for one in captures_of_dataset(small_dataset, ("test",))]
    by_evaluate = {
        (firsts.index(row.capture_id), row.label): row.probabilities
        for row in predict(classifier, singles, 16).rows
    }
    with tracked_run("train", PredictParams()) as run:
        uri = log_classifier(run, small_classifier, {}, 0)
    served = mlflow.pyfunc.load_model(uri).predict(stored)
    assert len(served) == len(by_predict)
    for one, other in zip(served["probabilities"], by_predict, strict=True):
        assert dict(other) == pytest.approx(one, abs=TOLERANCE)
    keys = zip(served["capture_id"].astype(int), served["label"], strict=True)
    said = dict(zip(keys, by_predict, strict=True))
    assert by_evaluate
    for key, shares in by_evaluate.items():
        assert dict(said[key]) == pytest.approx(shares, abs=TOLERANCE)
    assert np.isclose(sum(next(iter(by_evaluate.values())).values()), 1)


def test_pictures_and_output_may_be_in_a_store(
    small_classifier, photos, tmp_path, bucket, monkeypatch
) -> None:
    monkeypatch.setenv("CTC_CACHE", str(tmp_path / "cache"))
    for name in NAMES:
        storage.put_file(photos / name, f"{bucket}/pictures/{name}")
    asked = PredictParams(images=f"{bucket}/pictures", output=f"{bucket}/said.csv")
    model = Classifier.load(small_classifier)
    label_all(plan_labelling(asked, captures_of(asked), model, small_classifier, "x"))
    labelled(small_classifier, photos, tmp_path / "here.csv")
    assert storage.read_bytes(f"{bucket}/said.csv") == (tmp_path / "here.csv").read_bytes()
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
