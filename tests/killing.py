"""Trainings that are killed and go on, beside one that nothing disturbs.

By hand, `python tests/killing.py 20` does it at twenty random moments and prints a line for each.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import psutil
from mlflow.entities import Run

ROOT = Path(__file__).parent.parent
SPEEDS = ("train/images_per_second", "train/waiting_share")
# A state after each step: the network is so small that writing takes about as long as learning.
ASKED = {
    "labels": "species",
    "image_size": 32,
    "batch_size": 8,
    "epochs": 3,
    "steps_per_epoch": 20,
    "ema": 0.9,
    "schedule": "plateau",
    "test_split": "none",
    "checkpoint_minutes": 0.00001,
}


@dataclass(frozen=True)
class Trial:
    """One training, as a command: its output below a folder names it."""

    folder: Path
    dataset: Path
    name: str

    @property
    def working_folder(self) -> Path:
        return self.folder / f".{self.name}.training"

    @property
    def journals(self) -> Path:
        return self.folder / f".{self.name}.journal"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self, **asked: object) -> subprocess.Popen[bytes]:
        given = [text for k, v in asked.items() for text in (f"--{k}", str(v))]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "entrypoints.train", *given],
                cwd=ROOT,
                env={**os.environ, "MLFLOW_TRACKING_URI": self.store, "TF_CPP_MIN_LOG_LEVEL": "3"},
                stdout=log,
                stderr=log,
            )

    def begin(self) -> subprocess.Popen[bytes]:
        return self.start(**ASKED, dataset=self.dataset, output=self.folder / self.name)

    def go_on(self) -> subprocess.Popen[bytes]:
        return self.start(resume=self.run.info.run_id)

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        assert process.wait() == 0, self.log.read_text()[-3000:]

    def kill(self, process: subprocess.Popen[bytes], when: Callable[[], bool]) -> None:
        """Kill a training as soon as something holds."""
        while not when():
            assert process.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.0005)
        process.kill()
        process.wait()

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(self.store)

    @property
    def runs(self) -> list[Run]:
        output = self.folder / self.name
        return list(self.client.search_runs(["0"], f"params.output = '{output}'"))

    @property
    def run(self) -> Run:
        (run,) = self.runs
        return run

    def points(self) -> dict[tuple[str, int], list[float]]:
        """Every point of every curve, but for those of the clock and of the machine."""
        found: dict[tuple[str, int], list[float]] = {}
        for name in self.run.data.metrics:
            if name not in SPEEDS and not name.startswith("system/"):
                for point in self.client.get_metric_history(self.run.info.run_id, name):
                    found.setdefault((name, point.step), []).append(point.value)
        return found

    def weights(self) -> dict[str, np.ndarray]:
        """The variables of model, optimiser and metrics at the end, and the best weights."""
        with np.load(self.working_folder / "state.npz") as file:
            return {name: file[name] for name in file if name != "about"}

    def is_writing(self) -> bool:
        """Whether a state is half written."""
        return any(self.working_folder.glob(".*.state.npz"))

    def is_uploading(self) -> bool:
        return any(self.journals.glob("*/*/state-?.npz"))


def check_same(one: Trial, other: Trial) -> int:
    """Check that two trainings ended alike, to the bit; return the number of points compared."""
    points = one.points()
    assert all(len(values) == 1 for values in points.values()), points
    assert points == other.points()
    first, second = one.weights(), other.weights()
    assert [*first] == [*second]
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert other.run.info.status == "FINISHED"
    return len(points)


KILLS = 5  # of one run


def main(times: int, seed: int) -> None:
    """Kill trainings at random moments and print what became of them."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = made_dataset(folder)
        undisturbed = Trial(folder, dataset, "undisturbed")
        undisturbed.finish(undisturbed.begin())
        for first in range(0, times, KILLS):
            trial = Trial(folder, dataset, f"killed{first:02d}")
            process = trial.begin()
            for number in range(first, min(first + KILLS, times)):
                doing = killed(trial, process, draw.randrange(10), draw.uniform(0, 0.5))
                before = trial.log.read_text()
                process = trial.go_on() if trial.runs else trial.begin()
                print(f"{number + 1:2} | {doing} | {went_on(trial, process, before)}", flush=True)
            trial.finish(process)
            points = check_same(undisturbed, trial)
            print(f"   all weights and {points} points the same", flush=True)


def killed(trial: Trial, process: subprocess.Popen[bytes], states: int, then: float) -> str:
    """Kill a training some seconds after it has kept so many states; say what it was doing."""
    file = trial.working_folder / "state.npz"
    while not trial.working_folder.exists():
        time.sleep(0.01)
    seen, state = 0, file.stat().st_mtime_ns if file.exists() else 0
    while seen < states and process.poll() is None:
        now = file.stat().st_mtime_ns if file.exists() else 0
        seen, state = seen + (now != state), now
        time.sleep(0.0005)
    at = time.monotonic() + then
    trial.kill(process, lambda: time.monotonic() >= at)
    doing = [("writing a state", trial.is_writing()), ("uploading one", trial.is_uploading())]
    what = " and ".join(text for text, holds in doing if holds) or "-"
    return f"{then:.2f} s after {states} more states | {what}"


def went_on(trial: Trial, process: subprocess.Popen[bytes], before: str) -> str:
    """Wait until a training has gone on, and return where."""
    said = ""
    while "train: " not in said and process.poll() is None:
        time.sleep(0.01)
        said = trial.log.read_text().removeprefix(before)
    return said.partition("train: ")[2].partition("\n")[0]


def made_dataset(folder: Path) -> Path:
    """A small survey, drawn and put through the line."""
    from ctc.dataset.planning import plan_dataset
    from ctc.dataset.writing import write_dataset
    from ctc.inventory.sources import take_inventory
    from ctc.params import DatasetParams, InventoryParams
    from ctc.sample import draw_survey

    survey = draw_survey(folder / "sample", 100, 96, 3, 0)
    inventory = take_inventory(InventoryParams(path=str(survey.table)))
    inventory.write(str(folder / "inventory.parquet"))
    params = DatasetParams(inventory=str(folder / "inventory.parquet"), max_side=96, workers=1)
    return write_dataset(plan_dataset(inventory, params), str(folder / "dataset")).folder


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended; it need not be reaped."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
