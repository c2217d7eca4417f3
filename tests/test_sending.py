"""What a run logs, kept in a journal and sent in order: against a real store in SQLite."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner
from mlflow.entities import LoggedModelStatus
from mlflow.models import Model

from ctc import storage
from ctc.errors import BadInput, CannotGoOn
from ctc.params import SyncParams, TrainParams
from ctc.tracking import (
    OWN,
    Input,
    Run,
    fetch,
    find_model,
    journals_of,
    send,
    tracked_run,
    uploaded,
)
from ctc.tracking.sending import delivering, sender
from ctc.tracking.sending.delivering import Delivery
from ctc.tracking.sending.journal import Journal
from ctc.tracking.sending.places import held, home_of, opened
from ctc.tracking.sending.sender import Sender
from ctc.tracking.slots import upload
from entrypoints import promote, sync

ROOT = Path(__file__).parent.parent
GONE = "http://127.0.0.1:9"


@pytest.fixture
def run_id(store) -> str:
    return str(mlflow.MlflowClient().create_run("0").info.run_id)


@contextmanager
def sending(run_id: str, folder: Path) -> Iterator[Run]:
    """A run that is there, and what it logs on its way; all has been sent in the end."""
    journal = Journal.new(folder / "journal")
    journal.note(run_id=run_id, artifacts="")
    own = Sender(journal, silent=False)
    yield Run(own, "train")
    own.finish(away_s=60)
    assert journal.numbers() == []
    journal.remove()


def runs() -> dict[str, mlflow.entities.Run]:
    """The runs of the store by their name."""
    found = mlflow.search_runs(search_all_experiments=True, output_format="list")
    return {run.info.run_name: run for run in found}


def state(folder: Path, text: str) -> Path:
    path = folder / "state.npz"
    path.with_suffix(".new").write_text(text)
    return path.with_suffix(".new").replace(path)


def points(run_id: str, name: str) -> list[tuple[int, float]]:
    history = mlflow.MlflowClient().get_metric_history(run_id, name)
    return [(point.step, point.value) for point in history]


def test_metrics_and_the_latest_state_are_there_in_the_end(run_id: str, tmp_path: Path) -> None:
    with sending(run_id, tmp_path) as run:
        for epoch in range(3):
            run.points({"val/loss": 1 / (1 + epoch)}, epoch)
            run.state(state(tmp_path, f"epoch {epoch}"), epoch + 1.0)
    assert points(run_id, "val/loss") == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    slot = uploaded(run_id)[0]
    assert slot.progress == 3.0
    assert fetch(run_id, slot, tmp_path / "got.npz")
    assert (tmp_path / "got.npz").read_text() == "epoch 2"
    assert {path.name for path in tmp_path.iterdir()} == {"store", "state.npz", "got.npz"}


def test_two_slots_take_turns(run_id: str, tmp_path: Path) -> None:
    slots = []
    for progress in (0.5, 1.0, 1.5):
        slots = upload(run_id, state(tmp_path, str(progress)), progress, slots)
    assert uploaded(run_id) == slots
    assert [(slot.name, slot.progress) for slot in slots] == [("a", 1.5), ("b", 1.0)]


def test_an_upload_that_is_cut_off_leaves_the_other_slot_and_is_done_again(
    run_id: str, tmp_path: Path
) -> None:
    slots = upload(run_id, state(tmp_path, "first"), 1.0, [])
    upload(run_id, state(tmp_path, "second"), 2.0, slots)
    # The next would go into slot a: half of it is there, and its note is still the old one.
    half = tmp_path / "state-a.npz"
    half.write_text("thi")
    mlflow.MlflowClient().log_artifact(run_id, str(half), "state")
    latest, torn = uploaded(run_id)
    assert not fetch(run_id, torn, tmp_path / "got.npz")
    assert not (tmp_path / "got.npz").exists()
    assert fetch(run_id, latest, tmp_path / "got.npz")
    with sending(run_id, tmp_path) as run:
        run.state(state(tmp_path, "third"), 2.5)
    assert [(slot.name, slot.progress) for slot in uploaded(run_id)] == [("a", 2.5), ("b", 2.0)]


def test_a_note_that_is_cut_off_is_no_slot(run_id: str, tmp_path: Path) -> None:
    slots = upload(run_id, state(tmp_path, "first"), 1.0, [])
    upload(run_id, state(tmp_path, "second"), 2.0, slots)
    mlflow.MlflowClient().log_text(run_id, '{"name": "b", "prog', "state/b.json")
    assert [slot.name for slot in uploaded(run_id)] == ["a"]


def test_a_point_that_the_run_has_is_not_sent_again(run_id: str, tmp_path: Path) -> None:
    mlflow.MlflowClient().log_metric(run_id, "val/loss", 1.0, step=0)
    with sending(run_id, tmp_path) as run:
        run.points({"val/loss": 1.0, "train/loss": 2.0}, 0)
        run.points({"val/loss": 0.5}, 1)
    assert points(run_id, "val/loss") == [(0, 1.0), (1, 0.5)]
    assert points(run_id, "train/loss") == [(0, 2.0)]


def test_a_store_that_is_slow_holds_up_nothing_and_gets_the_latest_state(
    run_id: str, tmp_path: Path, monkeypatch
) -> None:
    begun, free = threading.Event(), threading.Event()

    def slow(*args):
        begun.set()
        assert free.wait(60)
        return upload(*args)

    monkeypatch.setattr(delivering, "upload", slow)
    monkeypatch.setattr(sender, "SLOW_S", 0.01)
    with sending(run_id, tmp_path) as run:
        run.state(state(tmp_path, "first"), 1.0)
        assert begun.wait(60)
        for progress in (2.0, 3.0):  # neither waits for the first
            run.state(state(tmp_path, f"at {progress}"), progress)
        run.text("behind them", "note")  # nor does what otherwise waits until it is there
        free.set()
    assert [slot.progress for slot in uploaded(run_id)] == [3.0, 1.0]


# --- a store that is away ---


@pytest.fixture
def away(monkeypatch):
    """Call it, and the store is away; call it again, and it is back."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("CTC_PATIENCE", "0")
    monkeypatch.setattr(sender, "RETRY_S", 0.05)
    there: list[str] = []

    def turn() -> None:
        if there:
            mlflow.set_tracking_uri(there.pop())
        else:
            there.append(mlflow.get_tracking_uri())
            mlflow.set_tracking_uri(GONE)

    yield turn
    if there:
        turn()


def log_all(run: Run, folder: Path) -> None:
    """Log one of each."""
    table = pd.DataFrame({"a": ["x", "y"]})
    run.resolved(split="test")
    run.input(Input("data/dataset", "dataset", "d" * 32), "training")
    run.points({"val/loss": 0.5}, 0)
    run.table(table, "species/classes")
    run.csv(table, "class_counts")
    run.state(state(folder, "whole"), 1.0)
    with run.packing() as packed:
        (packed / "weights").write_bytes(bytes(range(256)) * 100)
        Model().save(str(packed / "MLmodel"))
        run.model(packed, {"val/loss": 0.5}, 0, "antelopes")
    run.metrics({"test/species/accuracy": 0.25}, 1, OWN, Input("data/dataset", "dataset", "d" * 32))
    run.describe(None, "what it is. made", "made")


def check_all(run: mlflow.entities.Run, folder: Path) -> None:
    """Check that one of each is there, once."""
    client, run_id = mlflow.MlflowClient(), run.info.run_id
    assert run.data.params["resolved.split"] == "test"
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.digest, data.tags[0].value) == ("d" * 32, "training")
    assert points(run_id, "val/loss") == [(0, 0.5)]
    assert points(run_id, "test/species/accuracy") == [(1, 0.25)]
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/species/classes.json")["data"] == [
        ["x"], ["y"],
    ]  # fmt: skip
    assert run.data.tags["mlflow.loggedArtifacts"].count("species/classes.json") == 1
    (output,) = run.outputs.model_outputs
    (only,) = client.search_model_versions("name = 'antelopes'")
    version = client.get_model_version("antelopes", only.version)
    assert (version.source, version.aliases) == (f"models:/{output.model_id}", ["candidate"])
    assert version.description == "what it is. made"
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert (model.status, model.source_run_id) == (LoggedModelStatus.READY, run_id)
    assert sorted((m.key, m.step) for m in model.metrics) == [
        ("test/species/accuracy", 1), ("val/loss", 0),
    ]  # fmt: skip
    there = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}"))
    assert (there / "weights").read_bytes() == bytes(range(256)) * 100
    about = Model.load(str(there))
    assert (about.run_id, about.model_id) == (run_id, model.model_id)
    slot, *_ = uploaded(run_id)
    assert fetch(run_id, slot, folder / "got.npz")


PARAMS = TrainParams(output="classifier")


def test_a_store_that_comes_back_gets_what_it_missed_in_order(
    store,
    away,
    tmp_path: Path,
    capsys,
    monkeypatch,
) -> None:
    monkeypatch.setenv("CTC_PATIENCE", "60")
    attempts, deliver = [], Delivery.deliver
    monkeypatch.setattr(
        Delivery, "deliver", lambda own, entry: attempts.append(entry) or deliver(own, entry)
    )
    with tracked_run("train", PARAMS) as run:
        away()
        log_all(run, tmp_path)
        said = capsys.readouterr().err
        assert not run.answers
        tried = len(attempts)
        while len(attempts) < tried + 3:
            time.sleep(0.01)
        away()
    check_all(runs()["train"], tmp_path)
    assert runs()["train"].info.status == "FINISHED"
    assert said.count("warning: ") == 1
    assert f"warning: the tracking server '{GONE}' does not answer; the work goes on, and" in said
    after = capsys.readouterr().err
    assert after.count("is taken again") == 1
    assert "warning" not in after
    assert not home_of("classifier").exists()


def test_a_store_that_stays_away_ends_nothing_and_sync_sends_all(
    store,
    away,
    tmp_path: Path,
    capsys,
) -> None:
    with tracked_run("train", PARAMS) as run:
        away()
        log_all(run, tmp_path)
    ended = round(1000 * time.time())
    said = capsys.readouterr().err
    assert said.splitlines()[-1].endswith(f"mlflow run . -e sync -P run={run.run_id}")
    away()
    assert runs()["train"].info.status == "RUNNING"
    sync.run(SyncParams(run=str(run.run_id)))
    out = capsys.readouterr().out
    assert f"run {run.run_id} of `train`" in out
    assert "its model registered as antelopes version 1" in out
    found = runs()["train"]
    check_all(found, tmp_path)
    assert found.info.status == "FINISHED"
    assert found.info.end_time <= ended
    sync.run(SyncParams())
    assert "nothing was left" in capsys.readouterr().out


def test_what_is_offline_asks_nobody_and_sync_makes_the_run(
    store,
    tmp_path: Path,
    capsys,
) -> None:
    offline = TrainParams(output="classifier", offline=True)
    with tracked_run("train", offline, name="train tiny") as run:
        assert run.run_id is None
        log_all(run, tmp_path)
        assert run.record().params["output"] == "classifier"
    (kept,) = journals_of("classifier")
    began = kept.entry(1).content["start"]
    assert runs() == {}
    assert "mlflow run . -e sync -P run=" in capsys.readouterr().err
    assert send(kept).ended
    found = runs()["train tiny"]
    check_all(found, tmp_path)
    assert (found.info.status, found.info.start_time) == ("FINISHED", began)
    assert found.data.params["offline"] == "yes"


def test_without_a_server_a_run_begins_only_offline(store, away) -> None:
    away()
    with (
        pytest.raises(BadInput, match=r"does not answer.*: offline=yes"),
        tracked_run("train", PARAMS),
    ):
        pass
    assert not home_of("classifier").exists()


def test_ctrl_c_ends_the_waiting_and_not_the_run(
    store, away, hears_ctrl_c, monkeypatch, capsys
) -> None:
    monkeypatch.setenv("CTC_PATIENCE", "600")
    finish = Sender.finish

    def interrupted(own: Sender, **patience: float) -> None:
        threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
        finish(own, **patience)

    monkeypatch.setattr(Sender, "finish", interrupted)
    with tracked_run("train", PARAMS) as run:
        away()
        run.text("kept", "note")
    said = capsys.readouterr().err
    assert "the work is done; its store is waited for, 600 s at most" in said
    assert said.splitlines()[-1].endswith(f"mlflow run . -e sync -P run={run.run_id}")
    away()
    assert send(*journals_of("classifier")).ended
    assert runs()["train"].info.status == "FINISHED"


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan"])
def test_a_patience_that_is_no_time_is_refused_before_any_work(store, monkeypatch, text) -> None:
    monkeypatch.setenv("CTC_PATIENCE", text)
    with pytest.raises(BadInput, match="CTC_PATIENCE: found"), tracked_run("train", PARAMS):
        pass


def test_a_part_of_a_run_begins_also_while_the_server_is_away(store, away) -> None:
    with tracked_run("main", TrainParams(output="all")) as outer:
        away()
        with tracked_run("dataset", PARAMS, nested=True) as run:
            run.text("here", "note")
        away()
        assert run.run_id is None
        assert send(*journals_of("classifier")).ended
    found = runs()["dataset"]
    assert found.data.tags["mlflow.parentRunId"] == outer.run_id
    assert found.info.status == "FINISHED"


def test_an_answer_that_is_lost_doubles_nothing(store, tmp_path: Path, monkeypatch) -> None:
    once = Delivery.deliver

    def twice(self, entry) -> None:
        before = self._journal.facts
        once(self, entry)
        self._journal.facts = before  # as a process that was killed before it heard
        once(Delivery(self._journal), entry)

    monkeypatch.setattr(Delivery, "deliver", twice)
    other = mlflow.initialize_logged_model(name="other").model_id
    with tracked_run("train", PARAMS) as run:
        run.model_input(other)
        log_all(run, tmp_path)
    (only,) = mlflow.search_runs(output_format="list")
    found = mlflow.get_run(only.info.run_id)
    assert [one.model_id for one in found.inputs.model_inputs] == [other]
    mlflow.MlflowClient().delete_logged_model(other)
    check_all(found, tmp_path)


LOGGING = """
import os, signal, mlflow
from ctc.params import TrainParams
from ctc.tracking import tracked_run
with tracked_run("train", TrainParams(output="classifier")) as run:
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    for epoch in range(5):
        run.points({"val/loss": float(epoch)}, epoch)
    run.text("before the end", "note")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_leaves_what_it_had_not_sent(store) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    done = subprocess.run([sys.executable, "-c", LOGGING], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (kept,) = journals_of("classifier")
    (kept.folder / ".0123456789ab.000099.json").write_text('{"kind": "poi')  # was being written
    found = runs()["train"]
    assert points(found.info.run_id, "val/loss") == []
    # The run goes on, and sends first what was left.
    with opened("elsewhere", found.info.run_id) as journal:
        assert journal.folder == kept.folder.absolute()
        own = Sender(journal)
        Run(own, "train").points({"val/loss": 5.0}, 5)
        own.finish(away_s=0)
    assert points(found.info.run_id, "val/loss") == [(n, float(n)) for n in range(6)]
    assert mlflow.artifacts.load_text(f"runs:/{found.info.run_id}/note.txt") == "before the end"


def test_who_is_at_work_sends_by_himself(store, tmp_path: Path) -> None:
    with tracked_run("train", PARAMS) as run:
        with pytest.raises(BadInput, match="is the journal of a run that is at work"):
            send(*journals_of("classifier"))
        run.text("still here", "note")


def test_what_was_never_kept_is_not_found(store) -> None:
    with pytest.raises(BadInput, match="run: nothing is kept for 'nothing'; allowed: the id of"):
        journals_of("nothing")


def test_a_command_that_needs_the_server_says_that_it_is_away_in_a_sentence(store, away) -> None:
    away()
    result = CliRunner().invoke(promote.main, ["--name", "species"])
    said = f"Error: the tracking server '{GONE}' does not answer\n"
    assert (result.exit_code, result.stderr) == (1, said)


# --- what a store refuses, and what it damages ---


def test_what_is_refused_is_said_at_once_and_ends_the_run(store) -> None:
    with pytest.raises(CannotGoOn, match="a,b"), tracked_run("evaluate", PARAMS) as run:
        run.metrics({"a,b": 1.0})
    assert runs()["evaluate"].info.status == "FAILED"


def test_what_is_refused_only_when_the_store_is_back_leaves_the_run_failed(
    store, away, monkeypatch
) -> None:
    monkeypatch.setenv("CTC_PATIENCE", "60")

    def work() -> None:
        with tracked_run("evaluate", PARAMS) as run:
            away()
            run.metrics({"a,b": 1.0})
            run.metrics({"fine": 1.0})
            threading.Timer(0.5, away).start()

    with pytest.raises(CannotGoOn, match="a,b"):
        work()
    found = runs()["evaluate"]
    assert (found.info.status, found.data.metrics) == ("FAILED", {"fine": 1.0})
    assert not home_of("classifier").exists()


def test_a_point_that_is_refused_ends_the_run_too(store) -> None:
    with pytest.raises(CannotGoOn, match="a,b"), tracked_run("train", PARAMS) as run:
        run.points({"a,b": 1.0}, 0)
    assert runs()["train"].info.status == "FAILED"


def test_sync_leaves_out_what_is_refused_and_says_so(store, away) -> None:
    with tracked_run("train", PARAMS) as run:
        away()
        run.metrics({"a,b": 1.0})
        run.metrics({"fine": 1.0})
    away()
    with pytest.raises(CannotGoOn, match=f"run {run.run_id}: left out, metrics: .*a,b"):
        sync.run(SyncParams(run="classifier"))
    assert runs()["train"].data.metrics["fine"] == 1.0
    assert runs()["train"].info.status == "FINISHED"


def test_a_model_that_arrives_damaged_is_not_ready_and_not_registered(
    store,
    away,
    tmp_path: Path,
    monkeypatch,
    capsys,
) -> None:
    log = mlflow.MlflowClient.log_model_artifacts

    def cut_off(self, model_id: str, folder: str) -> None:
        log(self, model_id, folder)
        there = Path(self.get_logged_model(model_id).artifact_location.removeprefix("file://"))
        (there / "weights").write_bytes(b"half")

    with monkeypatch.context() as patch, tracked_run("train", PARAMS) as run:
        patch.setattr(mlflow.MlflowClient, "log_model_artifacts", cut_off)
        log_all(run, tmp_path)
    client = mlflow.MlflowClient()
    (model,) = client.search_logged_models(["0"])
    assert model.status == LoggedModelStatus.PENDING
    assert client.search_model_versions("name = 'antelopes'") == []
    said = capsys.readouterr().err
    assert "warning: the store has not kept 'weights' of the model as it was sent" in said
    assert send(*journals_of(str(run.run_id))).version == "antelopes version 1"
    check_all(runs()["train"], tmp_path)


@pytest.mark.parametrize("uri", ["models:/species@champion", "runs:/r/best_model"])
def test_offline_no_model_is_asked_of_the_server(uri: str) -> None:
    with pytest.raises(BadInput, match=f"parent: '{uri}' is at the tracking server"):
        find_model(uri, "parent", offline=True)


def test_a_journal_that_has_nothing_left_is_swept_by_the_next(store) -> None:
    home = home_of("classifier")
    Journal.new(home).note(step="train")
    with opened("classifier") as journal:
        assert [path.name for path in home.iterdir()] == [journal.key]
        with pytest.raises(BadInput), held(journal):
            pass
    assert storage.cache_folder() not in home.parents
