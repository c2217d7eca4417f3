"""Runs of `train` that were cut off and go on, in a real store."""

import dataclasses
import shutil
import signal
from pathlib import Path

import mlflow
import pytest
from killing import ASKED, Trial, check_same
from mlflow.entities import Run

from ctc.errors import BadInput
from ctc.model.resuming.folder import working_folder
from ctc.model.resuming.state import State
from ctc.params import TrainParams
from ctc.tracking.runs import Terminated
from entrypoints import train


def runs() -> list[Run]:
    """The latest first."""
    return list(mlflow.search_runs(search_all_experiments=True, output_format="list"))


def asked(params: TrainParams, **changes) -> TrainParams:
    own = {"output": "classifier", "epochs": 2, "checkpoint_minutes": 1e-9, "register": "species"}
    return dataclasses.replace(params, **{**own, **changes})


def cut_off(params: TrainParams, states: int, patch: pytest.MonkeyPatch) -> str:
    """Train until so many states are kept, when SIGTERM arrives; return the run's id."""
    write, written = State.write, []

    def then_terminated(state: State, folder: Path, training: str) -> Path:
        written.append(write(state, folder, training))
        if len(written) == states:
            signal.raise_signal(signal.SIGTERM)
        return written[-1]

    with patch.context() as patched:
        patched.setattr(State, "write", then_terminated)
        with pytest.raises(Terminated):
            train.run(params)
    return runs()[0].info.run_id


def resumed(run_id: str, **changes) -> str | None:
    params = TrainParams(resume=run_id, **changes)
    return train.run(params, given={"resume", *changes})


def steps(run_id: str, name: str) -> list[int]:
    return [point.step for point in mlflow.MlflowClient().get_metric_history(run_id, name)]


@pytest.fixture(scope="module")
def gone(module_store, small_params: TrainParams) -> tuple[str, Run]:
    """A run that was cut off in its second epoch, and how it was then; its machine is gone.

    It went on with a larger number of epochs.
    """
    patch = pytest.MonkeyPatch()
    params = asked(small_params)
    before = cut_off(params, states=4, patch=patch)
    was = mlflow.get_run(before)
    shutil.rmtree(working_folder(Path("classifier")))
    assert resumed(before, epochs=3, output="elsewhere") == "1"
    return before, was


def test_a_run_that_is_terminated_is_killed_with_its_state_kept(gone: tuple[str, Run]) -> None:
    assert gone[1].info.status == "KILLED"
    assert "best_epoch" not in gone[1].data.metrics


def test_it_goes_on_in_the_same_run_with_one_point_an_epoch(gone: tuple[str, Run]) -> None:
    run = mlflow.get_run(gone[0])
    assert run.info.status == "FINISHED"
    assert len(runs()) == 1
    for name in ("train/loss", "val/loss", "learning_rate", "train/images_per_second"):
        assert steps(gone[0], name) == [0, 1, 2]
    assert steps(gone[0], "best_epoch") == [3]


def test_a_resumed_run_keeps_its_parameters_and_tells_what_was_changed(gone) -> None:
    run = mlflow.get_run(gone[0])
    assert (run.data.params["epochs"], run.data.params["output"]) == ("2", "classifier")
    changed = {k: v for k, v in run.data.tags.items() if k.startswith("changed.")}
    assert changed == {"changed.epochs": "3", "changed.output": "elsewhere"}


def test_a_resumed_run_ends_with_its_model(gone: tuple[str, Run]) -> None:
    assert Path("elsewhere/classifier.json").is_file()
    version = mlflow.MlflowClient().get_model_version_by_alias("species", "candidate")
    assert version.run_id == gone[0]


def test_a_run_that_is_finished_goes_on_with_more_epochs_alone(gone: tuple[str, Run]) -> None:
    with pytest.raises(BadInput, match="is finished: it has done 3 epochs; a larger number with"):
        resumed(gone[0])
    assert mlflow.get_run(gone[0]).info.status == "FINISHED"


def test_other_data_is_refused_with_what_to_do(gone, tmp_path, small_dataset) -> None:
    other = dataclasses.replace(small_dataset, folder=tmp_path, digest="0" * 32)
    shutil.copytree(small_dataset.folder, tmp_path, dirs_exist_ok=True)
    other.write()
    with pytest.raises(BadInput) as refused:
        resumed(gone[0], epochs=4, dataset=(str(tmp_path),))
    assert f"resume: '{tmp_path}' has other content" in str(refused.value)
    assert f"parent=runs:/{gone[0]}/best_model and strategy=finetune" in str(refused.value)


def test_a_run_that_does_not_exist_is_refused(gone: tuple[str, Run]) -> None:
    with pytest.raises(BadInput, match="resume: no run 'nothing' at 'sqlite:"):
        resumed("nothing")


@pytest.mark.slow
def test_below_mlflow_run_a_default_is_not_given_and_its_run_tells_which_went_on(
    gone: tuple[str, Run], monkeypatch
) -> None:
    own = mlflow.MlflowClient().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", own)
    params = TrainParams(resume=gone[0], epochs=4, output="elsewhere")
    assert train.run(params, given=TrainParams.__dataclass_fields__.keys()) == "2"
    went_on, small = mlflow.get_run(gone[0]), mlflow.get_run(own)
    assert (went_on.info.status, small.info.status) == ("FINISHED", "FINISHED")
    assert steps(gone[0], "val/loss") == [0, 1, 2, 3]
    assert not [name for name in small.data.metrics if not name.startswith("system/")]
    assert small.data.tags["resumes"] == gone[0]
    assert small.data.tags["step"] == "resume"
    assert small.info.run_name == f"resume {went_on.info.run_name}"
    assert went_on.data.tags["step"] == "train"


# --- killed outright ---


@pytest.mark.slow
def test_after_kill_9_it_ends_as_if_undisturbed(small_dataset, tmp_path: Path) -> None:
    undisturbed = Trial(tmp_path, small_dataset.folder, "undisturbed")
    undisturbed.finish(undisturbed.begin())
    trial = Trial(tmp_path, small_dataset.folder, "killed")
    trial.kill(trial.begin(), trial.is_uploading)
    trial.kill(trial.go_on(), trial.is_writing)
    assert trial.run.info.status == "RUNNING"
    for left in (trial.working_folder, trial.journals):  # another machine
        shutil.rmtree(left)
    trial.finish(trial.go_on())
    assert check_same(undisturbed, trial) >= 10 * ASKED["epochs"]
