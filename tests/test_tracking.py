"""Runs, models and the registry, against a real store in SQLite."""

import base64
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from conftest import hearing_ctrl_c, log_classifier

import ctc
from ctc import tracking
from ctc.errors import BadInput
from ctc.params import PromoteParams, TrainParams
from ctc.tracking import Input, find_model, promote, standing, tracked_run
from ctc.tracking.registry import check_name, register

PARAMS = PromoteParams(name="a b")


@pytest.fixture
def runs(store):
    """Return the runs of the store by their name."""
    return lambda: {
        run.info.run_name: run
        for run in mlflow.search_runs(search_all_experiments=True, output_format="list")
    }


def test_a_run_has_its_parameters_its_step_and_the_commit(runs):
    with tracked_run("promote", PARAMS) as run:
        run.resolved(version="3")
    found = runs()["promote"]
    assert found.info.status == "FINISHED"
    own = {"name": "a b", "version": "candidate", "force": "no", "reason": "none"}
    assert (own | {"resolved.version": "3"}).items() <= found.data.params.items()
    assert found.data.tags["step"] == "promote"


def test_a_training_is_watched_by_the_figures_of_its_machine(runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    with tracked_run("train", PARAMS):
        time.sleep(0.3)
    figures = {*runs()["train"].data.metrics}
    assert {
        "system/cpu_utilization_percentage", "system/system_memory_usage_percentage"
    } <= figures  # fmt: skip


def test_parameters_that_mlflow_run_has_logged_stay_as_they_are(store, monkeypatch, runs):
    begun = mlflow.MlflowClient().create_run("0")
    mlflow.MlflowClient().log_param(begun.info.run_id, "name", "'a b'")  # shell-quoted
    monkeypatch.setenv("MLFLOW_RUN_ID", begun.info.run_id)
    with tracked_run("promote", PARAMS) as run:
        assert run.run_id == begun.info.run_id
    params = runs()["promote"].data.params
    assert params["name"] == "'a b'"
    assert params["alias"] == "champion"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError, "FAILED"),
        (SystemExit, "FAILED"),
        (BadInput, "FAILED"),
        (KeyboardInterrupt, "KILLED"),
    ],
)
def test_what_ends_a_run_decides_its_state_and_that_of_the_run_around_it(runs, error, status):
    with pytest.raises(error), tracked_run("main", PARAMS), tracked_run("train", PARAMS, True):
        raise error
    assert {name: run.info.status for name, run in runs().items()} == {
        "main": status,
        "train": status,
    }


def test_a_nested_run_knows_its_parent(runs):
    with tracked_run("main", PARAMS) as outer, tracked_run("sample", PARAMS, nested=True):
        pass
    assert runs()["sample"].data.tags["mlflow.parentRunId"] == outer.run_id


WAITING = """
import sys, time
from ctc.params import PromoteParams, TrainParams
from ctc.tracking import tracked_run
with tracked_run("train", PromoteParams()):
    print("running", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -2)])
def test_a_signal_leaves_the_run_killed(runs, number, code):
    process = subprocess.Popen(
        hearing_ctrl_c([sys.executable, "-c", WAITING]),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"running\n"
    process.send_signal(number)
    assert process.wait(30) == code
    process.stdout.close()
    assert runs()["train"].info.status == "KILLED"


def test_inputs_metrics_tables_and_files_are_on_the_run(store, tmp_path, runs):
    import pandas as pd
    from matplotlib.figure import Figure

    with tracked_run("evaluate", PARAMS) as run:
        run.input(Input("data/dataset", "dataset", "d" * 32), "evaluation")
        run.metrics({"test/species/accuracy": 0.5}, step=3)
        run.table(pd.DataFrame({"a": [1]}), "species/classes")
        run.csv(pd.DataFrame({"a": [1]}), "species/confusion")
        run.figure(Figure(), "species/confusion")
        (tmp_path / "note.txt").write_text("x")
        run.file(tmp_path / "note.txt")
    found = mlflow.get_run(run.run_id)
    (data,) = found.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("dataset", "d" * 32)
    assert data.tags[0].value == "evaluation"
    (point,) = mlflow.MlflowClient().get_metric_history(run.run_id, "test/species/accuracy")
    assert (point.value, point.step) == (0.5, 3)
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.run_id))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "note.txt",
        "species/classes.json",
        "species/confusion.csv",
        "species/confusion.png",
    }


@pytest.fixture(scope="module")
def logged(module_store, small_classifier) -> tuple[str, str]:
    """A logged classifier: its URI and the id of its run."""
    with tracked_run("train", PARAMS) as run:
        uri = log_classifier(run, small_classifier, {"val/loss": 1.5}, step=4)
    return uri, run.run_id


@pytest.fixture(scope="module")
def jpeg(small_dataset) -> bytes:
    return next(small_dataset.records(("test",))).images[0]


def test_a_logged_model_has_the_metrics_of_its_epoch(logged):
    model = mlflow.get_logged_model(logged[0].removeprefix("models:/"))
    assert [(m.key, m.value, m.step) for m in model.metrics] == [("val/loss", 1.5, 4)]


@pytest.mark.slow
def test_a_fresh_process_needs_nothing_but_the_uri(logged, jpeg, tmp_path):
    (tmp_path / "picture.jpg").write_bytes(jpeg)
    script = (
        "import mlflow, pathlib, sys\n"
        f"model = mlflow.pyfunc.load_model({logged[0]!r})\n"
        "answer = model.predict([pathlib.Path('picture.jpg').read_bytes(), b'nonsense'])\n"
        "import ctc\n"
        "print(ctc.__file__)\n"
        "print(list(zip(answer.label, answer.images, answer.failure)))\n"
    )
    # Isolated, and in a folder of its own: the project is not on its path.
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    where, answers = done.stdout.strip().splitlines()[-2:]
    assert "best_model" in where or "models/m-" in where or "artifacts" in where
    assert answers.count("('empty', 1,") == 1
    assert "not a picture that can be read" in answers


def test_a_logged_model_answers_as_its_classifier(logged, jpeg, small_trained):
    from ctc.prediction.served.comparing import check_same_answers

    answers = tracking.ask_logged(logged[0], jpeg)
    assert list(answers["label"]) == ["empty", "species"]
    check_same_answers(small_trained.classifier, jpeg, answers)


def test_its_signature_takes_bytes_and_its_example_shows_how(logged):
    signature = mlflow.models.get_model_info(logged[0]).signature
    assert str(signature.inputs.input_types()[0]) == "DataType.binary"
    model = mlflow.pyfunc.load_model(logged[0])
    assert list(model.predict(model.input_example)["images"]) == [1, 1]


def test_a_column_of_pictures_is_answered_as_predict_does(logged, small_dataset, small_trained):
    from ctc.prediction.asking.predicting import predict
    from ctc.prediction.photos.captures import PhotoCapture

    records = list(small_dataset.records(("test",)))[:5]
    pictures = [*(record.images[0] for record in records), b"broken"]
    captures = [PhotoCapture(str(place), (one,)) for place, one in enumerate(pictures)]
    own = predict(small_trained.classifier, captures, 4).table()
    # As Spark's `mapInPandas` and MLflow's evaluation hand it over.
    answers = mlflow.pyfunc.load_model(logged[0]).predict(pd.DataFrame({"content": pictures}))
    for name in ("capture_id", "label", "prediction", "accepted", "failure"):
        assert answers[name].tolist() == own[name].tolist()
    for found, expected in zip(answers["probabilities"], own["probabilities"], strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


def asked_by_http(uri: str, body: bytes, content_type: str = "application/json"):
    """The status and body of what the scoring server answers, in this process."""
    from mlflow.exceptions import MlflowException
    from mlflow.pyfunc import scoring_server

    model = mlflow.pyfunc.load_model(uri)
    try:
        found = scoring_server.invocations(body, content_type, model, None)
    except MlflowException as error:
        return error.get_http_status_code(), json.loads(error.serialize_as_json())
    return found.status, json.loads(found.response, parse_constant=pytest.fail)  # such as NaN


def test_a_service_answers_what_it_can_and_refuses_the_rest(logged, jpeg, monkeypatch):
    monkeypatch.setenv("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")
    text = base64.b64encode(jpeg).decode()
    status, answer = asked_by_http(logged[0], json.dumps({"inputs": [text, "AAAA"]}).encode())
    assert status == 200
    rows = answer["predictions"]
    assert [(row["capture_id"], row["images"]) for row in rows] == [
        ("0", 1), ("0", 1), ("1", 0), ("1", 0),
    ]  # fmt: skip
    zeros = "not a picture that can be read: nothing but zero bytes"
    assert [row["failure"] for row in rows] == [None, None, zeros, zeros]
    assert rows[3]["confidence"] is None
    for pictures, sentence in {
        ("AAAA",): f"picture 1: {zeros}",
        ("AAAA", ""): f"no picture can be read; picture 1: {zeros}",
        (text, "a/b.jpg"): "picture 2: found a path or a text that is not base64; paths are",
        (text,) * 65: "found 65 pictures; allowed: 1 to 64",
    }.items():
        status, answer = asked_by_http(logged[0], json.dumps({"inputs": pictures}).encode())
        assert status == 400
        assert answer["message"].startswith(sentence)
        assert len(answer["message"]) < 200  # the request is not sent back
        assert "stack_trace" not in answer


def aliases_of(name: str) -> dict[str, str]:
    found = mlflow.MlflowClient().get_registered_model(name).aliases
    return {alias: str(version) for alias, version in found.items()}


def test_registering_makes_a_candidate_and_promoting_keeps_the_previous_champion(logged):
    assert register(logged[0], "antelopes") == "1"
    assert aliases_of("antelopes") == {"candidate": "1"}
    first = standing("antelopes", "candidate", "champion")
    assert (first.version, first.holder) == ("1", None)
    promote(first, "run 1")
    assert register(logged[0], "antelopes") == "2"
    second = standing("antelopes", "candidate", "champion")
    assert (second.version, second.holder) == ("2", "1")
    promote(second, "run 2")
    aliases = {"candidate": "2", "champion": "2", "previous": "1"}
    assert aliases_of("antelopes") == aliases
    promote(standing("antelopes", "1", "north"), "run 3")
    promote(standing("antelopes", "2", "north"), "run 4")
    assert aliases_of("antelopes") == {**aliases, "north": "2"}  # `previous` is the champion's


def test_a_card_describes_a_version_until_a_person_does(logged):
    version = register(logged[0], "described")
    uri = f"models:/described/{version}"
    client = mlflow.MlflowClient()
    with tracked_run("evaluate", PARAMS) as run:
        for text in ("first. made", "second. made"):
            run.describe(uri, text, "made")
            assert client.get_model_version("described", version).description == text
        client.update_model_version("described", version, "my own words")
        run.describe(uri, "third. made", "made")
    assert client.get_model_version("described", version).description == "my own words"
    uris = (uri, logged[0], "runs:/r/best_model", "data/classifier", "models:/described@candidate")
    assert [tracking.is_version(one) for one in uris] == [True, False, False, False, False]
    assert tracking.training_record("0" * 32) is None


def test_what_is_known_of_a_training_is_read_from_its_run(store):
    counts = pd.DataFrame({"label": ["count"] * 2, "class": ["1", "NA"], "training": [3, 4]})
    with tracking.tracked_run("train", TrainParams(labels=("a b",), epochs=3)) as run:
        run.csv(counts, "class_counts")
    found = tracking.training_record(run.run_id)
    assert found.counts.to_dict("records") == counts.to_dict("records")
    assert (found.params["labels"], found.params["epochs"]) == ("'a b'", "3")
    assert (found.run_id, found.version) == (run.run_id, ctc.__version__)
    with tracking.tracked_run("evaluate", TrainParams()) as other:
        pass
    assert tracking.training_record(other.run_id) is None


def test_a_model_is_found_by_folder_version_alias_and_run(logged, small_classifier):
    register(logged[0], "zebras")
    uris = ("models:/zebras@candidate", "models:/zebras/1", f"runs:/{logged[1]}/best_model")
    found = [find_model(uri) for uri in uris]
    assert [model.resolved for model in found] == ["models:/zebras/1", "models:/zebras/1", uris[2]]
    assert {model.model_id for model in found} == {logged[0].removeprefix("models:/")}
    for model in found:
        assert (model.folder / "classifier.json").is_file()
    assert find_model(str(small_classifier)).folder == small_classifier


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("models:/nothing@champion", "no model at 'models:/nothing@champion'"),
        ("models:/nothing/1", "no model at 'models:/nothing/1'"),
        (f"runs:/{'0' * 32}/best_model", "no model at 'runs:/"),
        ("s3://bucket/classifier", "allowed: a folder, models:/ or runs:/ URI"),
    ],
)
def test_a_model_that_is_not_there_is_said_to_be_so(module_store, uri, sentence):
    with pytest.raises(BadInput, match=sentence) as error:
        find_model(uri)
    assert "\n" not in str(error.value)


def test_a_model_of_someone_else_is_refused(module_store):
    class Other(mlflow.pyfunc.PythonModel):
        def predict(self, model_input: list[str]) -> list[str]:
            return model_input

    with tracked_run("train", PARAMS):
        info = mlflow.pyfunc.log_model(name="other", python_model=Other(), pip_requirements=[])
    with pytest.raises(BadInput, match="is no classifier of ctc"):
        find_model(info.model_uri)


@pytest.mark.parametrize("alias", ["latest", "v3", "12", "previous", "a b", ""])
def test_aliases_that_mlflow_or_we_reserve_are_refused(module_store, alias):
    with pytest.raises(BadInput, match="alias: found"):
        standing("antelopes", "1", alias)


def test_promoting_what_is_not_registered_says_what_is(logged):
    register(logged[0], "lions")
    with pytest.raises(BadInput, match=r"no registered model 'lynx'; the registry has: .*lions"):
        standing("lynx", "1", "champion")
    with pytest.raises(BadInput, match=r"'lions' has no version '7'; it has: 1, candidate"):
        standing("lions", "7", "champion")
    with pytest.raises(BadInput, match="'lions' has no version 'best'; it has: 1, candidate"):
        standing("lions", "best", "champion")


@pytest.mark.parametrize("name", ["a/b", "a:b", "", " x", "50%"])
def test_names_that_the_registry_would_refuse_later_are_refused_now(name):
    with pytest.raises(BadInput, match="register: found"):
        check_name(name)


def test_a_server_that_does_not_answer_is_named(monkeypatch, store):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    with (
        pytest.raises(BadInput, match=r"no run can be started: .*127.0.0.1:9. does not answer"),
        tracked_run("promote", PARAMS),
    ):
        pass


def test_no_run_is_left_running(store, runs):
    """Every way out of a run above ended it; here, a process that exits within one."""
    script = "from ctc.params import PromoteParams; from ctc.tracking import tracked_run\n"
    script += "with tracked_run('predict', PromoteParams()): raise SystemExit(0)"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert {run.info.status for run in runs().values()} == {"FAILED"}
