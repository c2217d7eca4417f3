"""What a training sends to its run while it goes on, against a real store in SQLite."""

import threading
from pathlib import Path

import mlflow
import pytest

from ctc.errors import CannotGoOn
from ctc.tracking import Sending, fetch, sending, uploaded
from ctc.tracking.slots import upload


@pytest.fixture
def run_id(store) -> str:
    return str(mlflow.MlflowClient().create_run("0").info.run_id)


def state(folder: Path, text: str) -> Path:
    path = folder / "state.npz"
    path.with_suffix(".new").write_text(text)
    return path.with_suffix(".new").replace(path)


def points(run_id: str, name: str) -> list[tuple[int, float]]:
    history = mlflow.MlflowClient().get_metric_history(run_id, name)
    return [(point.step, point.value) for point in history]


def test_metrics_and_the_latest_state_are_there_in_the_end(run_id: str, tmp_path: Path) -> None:
    with Sending(run_id) as sent:
        for epoch in range(3):
            sent.metrics({"val/loss": 1 / (1 + epoch)}, epoch)
            sent.state(state(tmp_path, f"epoch {epoch}"), epoch + 1.0)
    assert points(run_id, "val/loss") == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    slot = uploaded(run_id)[0]
    assert slot.progress == 3.0
    assert fetch(run_id, slot, tmp_path / "got.npz")
    assert (tmp_path / "got.npz").read_text() == "epoch 2"
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"state.npz", "got.npz"}


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
    with Sending(run_id) as sent:
        sent.state(state(tmp_path, "third"), 2.5)
    assert [(slot.name, slot.progress) for slot in uploaded(run_id)] == [("a", 2.5), ("b", 2.0)]


def test_a_note_that_is_cut_off_is_no_slot(run_id: str, tmp_path: Path) -> None:
    slots = upload(run_id, state(tmp_path, "first"), 1.0, [])
    upload(run_id, state(tmp_path, "second"), 2.0, slots)
    mlflow.MlflowClient().log_text(run_id, '{"name": "b", "prog', "state/b.json")
    assert [slot.name for slot in uploaded(run_id)] == ["a"]


def test_a_point_that_the_run_has_is_not_sent_again(run_id: str) -> None:
    mlflow.MlflowClient().log_metric(run_id, "val/loss", 1.0, step=0)
    with Sending(run_id) as sent:
        sent.metrics({"val/loss": 1.0, "train/loss": 2.0}, 0)
        sent.metrics({"val/loss": 0.5}, 1)
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

    monkeypatch.setattr(sending, "upload", slow)
    with Sending(run_id) as sent:
        sent.state(state(tmp_path, "first"), 1.0)
        assert begun.wait(60)
        for progress in (2.0, 3.0):  # neither waits for the first
            sent.state(state(tmp_path, f"at {progress}"), progress)
        free.set()
    assert [slot.progress for slot in uploaded(run_id)] == [3.0, 1.0]


@pytest.fixture
def gone(monkeypatch) -> str:
    """The URI of a server that is not there."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return "http://127.0.0.1:9"


def test_a_store_that_comes_back_gets_what_it_missed(
    run_id: str, gone: str, tmp_path: Path, capsys
) -> None:
    there = mlflow.get_tracking_uri()
    said = ""
    with Sending(run_id) as sent:
        mlflow.set_tracking_uri(gone)
        for epoch in range(2):
            sent.metrics({"val/loss": 1.0}, epoch)
            sent.state(state(tmp_path, f"epoch {epoch}"), epoch + 1.0)
        while "warning: " not in said:
            said += capsys.readouterr().err
        mlflow.set_tracking_uri(there)
    assert points(run_id, "val/loss") == [(0, 1.0), (1, 1.0)]
    assert uploaded(run_id)[0].progress == 2.0
    assert (said + capsys.readouterr().err).count("warning: ") == 1


def test_a_store_that_stays_away_is_an_error_at_the_end_alone(run_id: str, gone: str) -> None:
    mlflow.set_tracking_uri(gone)
    never = pytest.raises(CannotGoOn, match=f"the figures of run {run_id} could not be sent")
    with never, Sending(run_id) as sent:
        sent.metrics({"val/loss": 1.0}, 0)
