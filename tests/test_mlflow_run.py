"""Every entry point as a user calls it: `mlflow run .` in a clone of the project."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from pathlib import Path

import mlflow
import pytest
from conftest import hearing_ctrl_c
from mlflow.entities import Run

from ctc.params import STEPS

ROOT = Path(__file__).parent.parent
MLFLOW = str(Path(sys.executable).with_name("mlflow"))
# Seconds instead of minutes; everything that is not here is the default that users get.
SAMPLE = {"captures": 40, "size": 96}
TRAIN = {"labels": "empty", "epochs": 1, "image_size": 32}


class Clone:
    """A copy of the project's files, with a tracking store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "GIT_PYTHON_REFRESH": "quiet"}
        self.environment["CTC_CACHE"] = str(folder.with_name(f"{folder.name}-cache"))
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
            self.environment.pop(name, None)

    def command(self, step: str, params: dict[str, object], manager: str = "local") -> list[str]:
        given = [text for k, v in params.items() for text in ("-P", f"{k}={v}")]
        return [MLFLOW, "run", ".", "-e", step, "--env-manager", manager, *given]

    def run(self, step: str, **params: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(step, params),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def start(self, step: str, **params: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            hearing_ctrl_c(self.command(step, params)),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    @cached_property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(f"sqlite:///{self.folder}/mlflow.db")

    def runs(self, step: str) -> list[Run]:
        """The runs of a step, the latest first."""
        return list(self.client.search_runs(["0"], f"tags.step = '{step}'"))


def project_files() -> list[str]:
    """What a clone holds: tracked files, and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("clone")
    for name in project_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return Clone(folder)


@pytest.fixture(scope="module")
def line(clone: Clone) -> Clone:
    """A clone in which every step has run once, each with its default paths."""
    for step, params in {
        "sample": SAMPLE,
        "inventory": {},
        "dataset": {},
        "train": {**TRAIN, "register": "species"},
        "evaluate": {},
        "predict": {},
        "promote": {},
        "export": {},
        "benchmark": {"rows": 1000, "repeats": 1},
        "sync": {"run": "all"},
    }.items():
        done = clone.run(step, **params)
        assert done.returncode == 0, f"{step}: {done.stderr[-3000:]}"
    return clone


def test_every_step_is_a_finished_run_with_its_parameters(line):
    for step, kind in STEPS.items():
        if step in ("main", "cascade"):  # they have tests of their own
            continue
        (run,) = line.runs(step)
        assert run.info.status == "FINISHED", step
        assert {field.name for field in fields(kind)} <= {*run.data.params}, step


def test_steps_find_what_the_step_before_wrote(line):
    data = line.folder / "data"
    assert json.loads((data / "dataset" / "dataset.json").read_text())["skipped"] == {}
    assert (data / "classifier" / "model.keras").is_file()
    with (data / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == SAMPLE["captures"]
    assert {row["prediction"] for row in rows} <= {"empty", "species"}


def test_inputs_are_tied_to_runs_by_their_digest(line):
    digests = {}
    for step in ("inventory", "dataset", "train", "evaluate"):
        run = line.client.get_run(line.runs(step)[0].info.run_id)
        for one in run.inputs.dataset_inputs:
            digests[step, one.tags[0].value] = one.dataset.digest
    assert digests["inventory", "written"] == digests["dataset", "read"]
    assert digests["dataset", "written"] == digests["train", "training"]
    assert digests["dataset", "written"] == digests["evaluate", "evaluation"]


def test_metrics_are_named_by_split_label_and_metric(line):
    train, evaluate = line.runs("train")[0].data.metrics, line.runs("evaluate")[0].data.metrics
    assert {"train/loss", "val/loss", "val/empty/accuracy", "learning_rate"} <= {*train}
    assert {"test/empty/accuracy", "test/empty/majority_accuracy"} <= {*evaluate}
    judged = {name: value for name, value in train.items() if name.startswith("test/")}
    assert judged == pytest.approx({n: v for n, v in evaluate.items() if n.startswith("test/")})


def test_a_training_is_calibrated_on_its_validation_and_judged_on_its_test(line):
    about = json.loads((line.folder / "data" / "classifier" / "classifier.json").read_text())
    fitted = about["calibration"]
    dataset = json.loads((line.folder / "data" / "dataset" / "dataset.json").read_text())
    assert (fitted["splits"], fitted["datasets"]) == (["val"], [dataset["digest"]])
    assert {*fitted["temperatures"]} == {"empty"}
    (run,) = line.runs("train")
    (model,) = line.client.search_logged_models(["0"], f"source_run_id = '{run.info.run_id}'")
    of_test = [one for one in model.metrics if one.key == "test/empty/accuracy"]
    assert of_test[0].dataset_digest == dataset["digest"]


def test_an_evaluation_keeps_tables_and_plots(line):
    run = line.runs("evaluate")[-1]
    kept = {
        file.path
        for folder in (None, "empty", "by")
        for file in line.client.list_artifacts(run.info.run_id, folder)
    }
    assert {
        "predictions.csv", "labels.json", "figures.json", "classes.json", "suspects.csv",
        "errors.html", "report.html", "card.md",
        "by/location.json", "by/seen_locations.json", "empty/confusion.csv", "empty/confusion.png",
        "empty/reliability.png", "empty/reliability.json", "empty/effort.png", "empty/effort.json",
        "empty/empty_filter.png", "empty/by_location.png",
    } <= kept  # fmt: skip
    with (line.folder / "data" / "predictions.csv").open(newline="") as file:
        assert {row["accepted"] for row in csv.DictReader(file)} <= {"True", "False"}


def test_the_champion_is_the_model_that_was_trained(line):
    model = line.client.get_registered_model("species")
    assert {alias: str(v) for alias, v in model.aliases.items()} == {
        "candidate": "1",
        "champion": "1",
    }
    version = line.client.get_model_version("species", "1")
    assert version.run_id == line.runs("train")[0].info.run_id


def test_a_registered_model_is_evaluated_by_its_uri_and_linked(line):
    done = line.run("evaluate", classifier="models:/species@champion", split="val")
    assert done.returncode == 0, done.stderr[-3000:]
    run = line.client.get_run(line.runs("evaluate")[0].info.run_id)
    assert run.data.params["resolved.classifier"] == "models:/species/1"
    (model,) = run.inputs.model_inputs
    version = line.client.get_model_version("species", "1")
    assert version.source.endswith(model.model_id)
    # What chose the epoch is not what the version is described by.
    assert version.description.startswith("# models:/species/1\n")
    assert "Judged on test of" in version.description
    assert "| captures to learn from |" in version.description


@pytest.mark.slow
def test_an_export_is_kept_by_its_run_and_tells_of_its_model(line):
    given = {"classifier": "models:/species@champion", "format": "litert", "output": "a/b.tflite"}
    done = line.run("export", **given)
    assert done.returncode == 0, done.stderr[-3000:]
    run = line.client.get_run(line.runs("export")[0].info.run_id)
    kept = {file.path: file.file_size for file in line.client.list_artifacts(run.info.run_id)}
    size = (line.folder / "a" / "b.tflite").stat().st_size
    assert kept["b.tflite"] == run.data.metrics["bytes"] == size
    about = json.loads((line.folder / "a" / "b.tflite.json").read_text())
    assert about["classifier"]["resolved"] == "models:/species/1"
    assert about["largest_difference"] == run.data.metrics["largest_difference"]
    (model,) = run.inputs.model_inputs
    assert about["classifier"]["model_id"] == model.model_id
    assert {path.name for path in (line.folder / "a").iterdir()} == {"b.tflite", "b.tflite.json"}


@pytest.mark.slow
def test_main_runs_all_steps_below_one_run_and_says_what_was_learnt(clone):
    learnable = {"captures": 60, "size": 96, "epochs": 12, "image_size": 32}
    done = clone.run("main", **learnable, register="demo", output="out")
    assert done.returncode == 0, done.stderr[-3000:]
    (main,) = clone.runs("main")
    inside = clone.client.search_runs(["0"], f"tags.mlflow.parentRunId = '{main.info.run_id}'")
    others = {"main", "cascade", "export", "benchmark", "sync"}
    assert {run.data.tags["step"] for run in inside} == {*STEPS} - others
    assert {run.info.status for run in [main, *inside]} == {"FINISHED"}
    assert "Promoted: models:/demo@champion is version 1" in done.stdout
    assert "mlflow ui --backend-store-uri" in done.stdout
    assert "majority_accuracy" in done.stdout


@pytest.mark.slow
def test_main_takes_a_table_of_ones_own(line):
    done = line.run(
        "main",
        path="data/sample/table.csv",
        labels="species",
        metadata="location",
        split_by="none",
        epochs=1,
        image_size=32,
        output="own",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    manifest = json.loads((line.folder / "own" / "dataset" / "dataset.json").read_text())
    assert list(manifest["labels"]) == ["species"]
    assert not (line.folder / "own" / "sample").exists()
    assert "Not registered, and so not promoted" in done.stdout


@pytest.mark.slow
def test_main_does_not_promote_what_has_learnt_nothing(line):
    # A network as it was drawn, asked the one question that has a commonest class.
    own = {"path": "data/sample/table.csv", "labels": "empty", "register": "dull"}
    done = line.run("main", **own, epochs=1, learning_rate=1e-8, image_size=16, output="dull")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Not promoted: dull version 1 is no better than guessing" in done.stdout
    aliases = line.client.get_registered_model("dull").aliases
    assert {*aliases} == {"candidate"}


@pytest.mark.slow
def test_main_refuses_splits_that_a_later_step_lacks_before_it_trains(line):
    before = len(line.runs("train"))
    own = {"path": "data/sample/table.csv", "split_by": "none", "splits": "train=0.5 val=0.5"}
    done = line.run("main", **own, output="unsplit")
    assert done.returncode != 0
    assert "matches 'test*'; it has: train, val" in done.stderr
    assert len(line.runs("train")) == before


@pytest.mark.parametrize(
    ("step", "params", "sentence"),
    [
        ("train", {"modl": "tiny"}, "unknown parameter 'modl' (did you mean 'model'?)"),
        ("train", {"epochs": "many"}, "epochs: found 'many'; allowed: a whole number"),
        ("train", {"model": "AlexNet"}, "unknown model 'AlexNet'; allowed: auto, tiny, ResNet18"),
        ("train", {"parent": "models:/unicorns/1"}, "no model at 'models:/unicorns/1'"),
        pytest.param(
            "train",
            {"parent": "data/classifier"},
            "output: 'data/classifier' is the parent's",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "train",
            {"strategy": "transfer"},
            "strategy=transfer needs a model to start from",
            marks=pytest.mark.slow,
        ),
        ("train", {"labels": "colour"}, "unknown label 'colour'; the dataset has: empty, species"),
        ("evaluate", {"split": "summer"}, "no split of 'data/dataset' matches 'summer'; it has:"),
        ("inventory", {"labels": "beast"}, "has no column 'beast'; it has: image, species"),
        ("dataset", {"split_by": "season"}, "the inventory has no column 'season'; it has:"),
        ("predict", {"images": "nowhere.csv"}, "no table at 'nowhere.csv'"),
        ("promote", {"name": "unicorns"}, "no registered model 'unicorns'; the registry has:"),
        ("export", {"format": "tflite"}, "unknown format 'tflite'; allowed: onnx, litert"),
        ("export", {"output": "data/dataset"}, "allowed: a file that ends in .onnx"),
        ("sample", {"captures": 0}, "captures: found 0; allowed: at least"),
    ],
)
def test_bad_input_is_one_sentence_exit_code_2_and_no_work(line, step, params, sentence):
    before = len(line.runs(step))
    command = [sys.executable, "-m", f"entrypoints.{step}"]
    given = [text for k, v in params.items() for text in (f"--{k}", str(v))]
    done = subprocess.run(
        [*command, *given], cwd=line.folder, env=line.environment, capture_output=True, text=True
    )
    errors = [text for text in done.stderr.splitlines() if text.startswith("Error: ")]
    assert done.returncode == 2, done.stderr
    assert len(errors) == 1, done.stderr
    assert sentence in errors[0]
    assert "Traceback" not in done.stderr
    assert len(line.runs(step)) == before


def test_bad_input_through_mlflow_run_fails_the_run(line):
    done = line.run("train", epochs="many")
    assert done.returncode != 0
    assert "Error: epochs: found 'many'; allowed: a whole number" in done.stderr
    latest = line.client.search_runs(["0"], order_by=["attributes.start_time DESC"])[0]
    assert latest.info.status == "FAILED"


def wait_for(what: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_an_interrupted_training_is_killed_and_leaves_nothing_half_written(line, number):
    before = {run.info.run_id for run in line.runs("train")}
    classifier = (line.folder / "data" / "classifier" / "model.keras").read_bytes()
    process = line.start("train", **{**TRAIN, "epochs": 100_000})

    def trained() -> list[Run]:
        runs = [run for run in line.runs("train") if run.info.run_id not in before]
        return [run for run in runs if "val/loss" in run.data.metrics]

    wait_for(trained)
    os.killpg(process.pid, number)  # as a terminal's Ctrl-C and a machine's shutdown do
    process.wait(60)
    (run,) = trained()
    # On Ctrl-C `mlflow run` writes FAILED while the step writes KILLED; either may be the last.
    ended = {"KILLED", "FAILED"} if number == signal.SIGINT else {"KILLED"}
    wait_for(lambda: line.client.get_run(run.info.run_id).info.status in ended, 30)
    assert (line.folder / "data" / "classifier" / "model.keras").read_bytes() == classifier
    (kept,) = (line.folder / "data").glob(".*")
    assert [path.name for path in kept.iterdir()] == ["state.npz"]


@pytest.mark.slow
def test_train_runs_in_an_environment_that_uv_makes_from_conda_yaml(line):
    command = line.command("train", TRAIN, manager="uv")
    done = subprocess.run(
        command, cwd=line.folder, env=line.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert line.runs("train")[0].info.status == "FINISHED"
