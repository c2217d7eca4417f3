"""What a training that goes on may change, and what becomes of its state meanwhile."""

import dataclasses
import signal
from pathlib import Path

import numpy as np
import pytest

from ctc.errors import BadInput, CannotGoOn
from ctc.model.fitting.watching import Epoch
from ctc.model.resuming.changes import MAY_CHANGE, resumed_params
from ctc.model.resuming.folder import held, kept_state, working_folder
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.state import FILE, State
from ctc.params import TrainParams

STATE = State(
    dataset="d" * 32,
    phase=1,
    epoch=2,
    step=3,
    steps=4,
    batch_size=8,
    begun=1,
    epochs=(Epoch(0, {"val/loss": 0.1 + 0.2}), Epoch(1, {"val/loss": 1 / 3})),
    best=1,
    best_weights=(np.arange(6.0, dtype=np.float32).reshape(2, 3),),
    model=tuple(np.full(1, number, np.int64) for number in range(12)),
    optimizer=(np.array(7, np.int64), np.zeros((0, 2), np.float32)),
    metrics=(np.float32([1.5]),),
)


# --- what may change ---


def test_what_is_not_given_is_as_the_run_had_it() -> None:
    had = TrainParams(labels=("species",), epochs=30, batch_size=64, learning_rate=0.01)
    asked = TrainParams(resume="r", epochs=50)
    assert resumed_params(had, asked, {"resume", "epochs"}) == dataclasses.replace(had, epochs=50)


def test_a_default_that_is_given_is_given() -> None:
    had = TrainParams(batch_size=64)
    assert resumed_params(had, TrainParams(), {"batch_size"}).batch_size == 32


@pytest.mark.parametrize("name", MAY_CHANGE)
def test_each_parameter_that_may_change_exists(name: str) -> None:
    assert name in TrainParams.__dataclass_fields__


def test_what_may_not_change_is_refused_with_what_may() -> None:
    asked = TrainParams(resume="r1", epochs=50, learning_rate=0.1, labels=("count",))
    with pytest.raises(BadInput) as refused:
        resumed_params(TrainParams(), asked, ["resume", "epochs", "labels", "learning_rate"])
    assert str(refused.value) == (
        "resume: may not change: labels=count (it had all), learning_rate=0.1 (it had 0.001); may "
        f"change: {', '.join(MAY_CHANGE)}; for all else start a run of its own with "
        "parent=runs:/r1/best_model"
    )


def test_what_is_given_as_it_was_is_no_change() -> None:
    had = TrainParams(learning_rate=0.1)
    assert resumed_params(had, had, {"learning_rate", "seed"}) == had


# --- the file of a state ---


def same(one: State, other: State) -> bool:
    for field in dataclasses.fields(State):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("best_weights", "model", "optimizer", "metrics"):
            assert [x.dtype for x in a] == [x.dtype for x in b]
            np.testing.assert_equal(a, b)
        else:
            assert a == b
    return True


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = STATE.write(tmp_path, "a run")
    found = State.read(path, "a run")
    assert found is not None
    assert same(found, STATE)
    assert found.progress == 2.75
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_the_state_of_another_training_is_none_of_this_one(tmp_path: Path) -> None:
    assert State.read(STATE.write(tmp_path, "a run"), "another") is None
    assert State.read(tmp_path / "nothing.npz", "a run") is None


@pytest.mark.parametrize("place", [30, -3000, -2])
def test_a_damaged_state_is_none(tmp_path: Path, place: int) -> None:
    path = STATE.write(tmp_path, "a run")
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: place if place > 0 else len(data) + place])
    assert State.read(path, "a run") is None


def test_a_changed_byte_in_an_array_is_seen(tmp_path: Path) -> None:
    path = STATE.write(tmp_path, "a run")
    data = bytearray(path.read_bytes())
    data[data.index(np.float32(5.0).tobytes())] ^= 1
    path.write_bytes(data)
    assert State.read(path, "a run") is None


def test_a_state_of_a_later_version_is_refused_with_what_reads_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ctc.model.resuming.state.SCHEMA_VERSION", 99)
    path = STATE.write(tmp_path, "a run")
    monkeypatch.undo()
    with pytest.raises(BadInput, match="has schema version 99; allowed: 1: go on with ctc"):
        State.read(path, "a run")


def test_a_state_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch) -> None:
    STATE.write(tmp_path, "a run")

    def full(file, **arrays):
        Path(file).write_bytes(b"begun")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ctc.model.resuming.state.np.savez", full)
    with pytest.raises(CannotGoOn, match="no space left on device; the one before is kept"):
        dataclasses.replace(STATE, step=2).write(tmp_path, "a run")
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    monkeypatch.undo()
    found = State.read(tmp_path / FILE, "a run")
    assert found is not None
    assert found.step == 3


# --- its folder ---


def test_the_working_folder_is_cleared_of_all_but_the_state(tmp_path: Path) -> None:
    folder = working_folder(tmp_path / "classifier")
    assert folder == tmp_path / ".classifier.training"
    with held(folder):
        STATE.write(folder, "a run")
        (folder / ".half.state.npz").write_bytes(b"")
        (folder / "download").mkdir()
    with held(folder):
        assert [file.name for file in folder.iterdir()] == [FILE]
        assert kept_state(folder, "a run") is not None


def test_two_trainings_do_not_keep_their_states_in_one_folder(tmp_path: Path) -> None:
    refused = pytest.raises(BadInput, match="another training keeps its state in")
    with held(tmp_path), refused, held(tmp_path):
        pass
    with held(tmp_path):
        pass


# --- signals ---


@pytest.fixture
def heard(monkeypatch) -> list[int]:
    """What handlers that stood before hear."""
    seen: list[int] = []
    before = {n: signal.signal(n, lambda number, _: seen.append(number)) for n in (2, 15)}
    yield seen
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_waits_until_it_is_let_through(heard: list[int]) -> None:
    with Interrupts() as interrupts:
        assert not interrupts.asked
        signal.raise_signal(signal.SIGTERM)
        assert interrupts.asked
        assert heard == []
        interrupts.let_through()
        assert heard == [signal.SIGTERM]
        assert not interrupts.asked


def test_the_same_signal_again_comes_through_at_once_and_another_waits_too(heard) -> None:
    with Interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)  # as `mlflow run` sends after Ctrl-C
        assert heard == []
        signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]


def test_a_signal_that_was_not_let_through_comes_at_the_end(heard: list[int]) -> None:
    with Interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGTERM, signal.SIGINT]
