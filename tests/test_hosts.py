"""Trainings over two hosts, which are processes of this machine: by Ray Train, Keras and JAX."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import ROOT
from killing import ASKED, SPEEDS, Trial, check_same
from made_up_hosts import in_own_process, trained_without_dataset, trained_without_dropout

from ctc.errors import CannotGoOn
from ctc.model.fitting.watching import Epoch

pytestmark = pytest.mark.slow
PATIENCE_S = 600.0
CPU_ALONE = {"JAX_PLATFORMS": "cpu", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}


@pytest.fixture(scope="module", autouse=True)
def prepared(tmp_path_factory) -> Iterator[None]:
    """What JAX has compiled once is kept, for every process of every test."""
    cache = str(tmp_path_factory.mktemp("compiled"))
    own = {
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (own | CPU_ALONE).items():
            patch.setenv(name, value)
        patch.delenv("RAY_ADDRESS", raising=False)
        yield


@dataclasses.dataclass(frozen=True)
class OverHosts(Trial):
    """A training over two hosts, as a command."""

    def begin(self) -> "subprocess.Popen[bytes]":
        own = {"dataset": self.dataset, "output": self.folder / self.name, "hosts": 2}
        return self.start(**ASKED, **own)

    def states(self) -> int:
        """How many epochs are done, as far as a state says so."""
        return self.log.read_text().count("train: epoch ")


def hosts_of(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The processes of the hosts, the first one first."""
    family = psutil.Process(process.pid).children(recursive=True)
    return [one for one in family if "RayTrainWorker" in " ".join(one.cmdline())]


def wait_until(holds: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(small_dataset, tmp_path_factory, prepared) -> OverHosts:
    trial = OverHosts(tmp_path_factory.mktemp("hosts"), small_dataset.folder, "undisturbed")
    trial.finish(trial.begin())
    return trial


def test_a_host_that_dies_changes_neither_the_curves_nor_the_model(
    undisturbed, small_dataset, tmp_path
):
    trial = OverHosts(tmp_path, small_dataset.folder, "killed")
    process = trial.begin()
    wait_until(lambda: trial.states() >= 1, process, trial.log)
    # The first one, which the others find each other by, and which tells the driver.
    hosts_of(process)[0].send_signal(signal.SIGKILL)
    trial.finish(process)
    assert check_same(undisturbed, trial) >= 10 * ASKED["epochs"]


ALONE = """
import sys
sys.modules |= {"jax": None, "ray": None}  # as if they were not installed
import numpy as np
from ctc.model.classifier import Classifier
classifier = Classifier.load(__import__("pathlib").Path(sys.argv[1]))
(said,) = classifier.probabilities(np.zeros((1, 32, 32, 3), np.uint8), 1).values()
print(np.isfinite(said).all())
"""


def test_its_classifier_is_one_of_tensorflow_alone(undisturbed):
    own = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "KERAS_"))}
    command = [sys.executable, "-c", ALONE, str(undisturbed.folder / undisturbed.name)]
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr[-3000:]


def test_what_two_hosts_began_one_machine_goes_on_with(undisturbed):
    before, epochs = undisturbed.points(), ASKED["epochs"]
    run_id = undisturbed.run.info.run_id
    undisturbed.finish(undisturbed.start(resume=run_id, hosts=1, epochs=epochs + 1))
    points = undisturbed.points()
    assert all(len(values) == 1 for values in points.values())
    assert {one: values for one, values in points.items() if one in before} == before
    new = {step for name, step in points if name == "val/loss"} - {*range(epochs)}
    assert new == {epochs}
    assert undisturbed.run.data.tags["changed.hosts"] == "1"
    assert undisturbed.run.info.status == "FINISHED"


# --- beside one machine ---

# Nothing is drawn at random by JAX or by TensorFlow, but for the first weights, which are the same.
STEADY = {"crop": 0.0, "zoom": 0.0, "rotate": 0.0, "flip": False, "color": "none"}


def curves(epochs: "tuple[Epoch, ...]") -> dict[tuple[str, int], float]:
    return {
        (name, epoch.number): value
        for epoch in epochs
        for name, value in epoch.metrics.items()
        if name not in SPEEDS
    }


def differences(one: dict, other: dict) -> dict[str, float]:
    """The largest of each metric, as a share of its size."""
    assert one.keys() == other.keys()
    found: dict[str, float] = {}
    for (name, number), value in one.items():
        apart = abs(value - other[name, number]) / max(abs(value), 1e-9)
        found[name] = max(found.get(name, 0.0), apart)
    return found


def test_two_hosts_learn_what_one_machine_does(small_params):
    params = dataclasses.replace(small_params, **STEADY, ema=0.9, schedule="plateau")
    alone, _, own = in_own_process(trained_without_dropout, params)
    two = dataclasses.replace(params, hosts=2)
    together, reported, weights = in_own_process(trained_without_dropout, two)
    assert reported == together
    found = differences(curves(alone), curves(together))
    assert {name for name in found if name.startswith("val/")} >= {"val/loss", "val/empty/accuracy"}
    apart = [np.abs(one - other).max() for one, other in zip(own, weights, strict=True)]
    print(f"largest difference: of a metric {max(found.values()):.1e}, a weight {max(apart):.1e}")
    assert max(found.values()) < 1e-4
    assert max(apart) < 1e-4


def test_what_a_host_fails_by_ends_the_training(small_params, small_dataset, tmp_path):
    place = tmp_path / "dataset"
    shutil.copytree(small_dataset.folder, place)
    params = dataclasses.replace(small_params, dataset=(str(place),), hosts=2)
    with pytest.raises(CannotGoOn, match=f"a host does not see the dataset .*{place}"):
        in_own_process(trained_without_dataset, params, tmp_path / "away")
