"""Tasks on a Ray cluster of several nodes, each of which is processes of this machine."""

import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import mlflow
import psutil
import pytest
import yaml
from conftest import ROOT, used_store
from killing import is_gone
from ray_nodes import Nodes, kill, ray_nodes

from ctc import storage
from ctc.dataset import planning
from ctc.dataset.manifest import Dataset, open_dataset
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.errors import CannotGoOn
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.parameter import build
from ctc.params import STEPS, DatasetParams, InventoryParams, PredictParams
from ctc.prediction.stored import answering
from ctc.sample import Survey, draw_survey
from ctc.tasks import run_tasks
from entrypoints import predict

pytestmark = pytest.mark.slow
A_SHARD, NODES = 4, 2
PATIENCE_S = 150.0  # an agent of Ray, whose machine is gone, looks for it a minute long


@pytest.fixture(scope="module")
def nodes(s3_store) -> Iterator[Nodes]:
    """Two nodes of one core each; the environment names their head until the end of the file."""
    with ray_nodes(NODES) as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.environment.items():
            patch.setenv(name, value)
        yield found


@pytest.fixture
def whole(nodes: Nodes) -> Iterator[Nodes]:
    """The nodes, of which a test may kill some."""
    yield nodes
    for _ in range(NODES - nodes.living):
        nodes.add()


@pytest.fixture(scope="module")
def survey(tmp_path_factory) -> Survey:
    return draw_survey(tmp_path_factory.mktemp("survey") / "sample", 120, 256, 3, 4)


@pytest.fixture(scope="module")
def inventory(survey: Survey) -> Inventory:
    return take_inventory(InventoryParams(path=str(survey.table)))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch) -> None:
    monkeypatch.setattr(planning, "CAPTURES_A_SHARD", A_SHARD)
    monkeypatch.setattr(answering, "BATCHES_A_PART", 1)


def write(inventory: Inventory, output: object, **asked: object) -> Dataset:
    params = DatasetParams(output=str(output), **{"max_side": 96, "workers": 1} | asked)
    return write_dataset(plan_dataset(inventory, params), str(output))


def bytes_of(folder: str) -> dict[str, bytes]:
    files = storage.list_files(folder)
    return {name: storage.read_bytes(storage.join(folder, name)) for name in files}


@pytest.fixture(scope="module")
def by_local(inventory: Inventory, tmp_path_factory) -> dict[str, bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "CAPTURES_A_SHARD", A_SHARD)
        return bytes_of(str(write(inventory, tmp_path_factory.mktemp("local") / "out").folder))


def killed_when(found, process: "subprocess.Popen[bytes]") -> None:
    """Kill a process, and all of its group, as soon as a work has come some way."""
    end = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    kill(process)


# --- tasks ---


def test_what_a_task_raises_arrives_as_it_is(nodes: Nodes):
    with pytest.raises(FileNotFoundError) as caught:
        list(run_tasks(Path.read_bytes, [Path("/nowhere")], 0, "ray"))
    assert caught.value.filename == "/nowhere"


def test_tasks_are_read_only_as_far_ahead_as_workers_are_asked_for(nodes: Nodes):
    taken = []
    endless = (taken.append(number) or number for number in itertools.count())
    results = run_tasks(abs, endless, 2, "ray")
    for done in range(1, 6):
        next(results)
        assert done <= len(taken) <= done + 2
    results.close()


def test_a_task_that_ends_its_worker_each_time_is_given_up(nodes: Nodes):
    with pytest.raises(CannotGoOn, match=r"a task was tried 6 times .* same command again"):
        list(run_tasks(os._exit, [1], 0, "ray"))


# --- dataset ---


def test_a_dataset_has_the_bytes_of_one_machine(nodes, inventory, by_local, tmp_path):
    dataset = write(inventory, tmp_path / "out", engine="ray", workers=0)
    assert (dataset.kept, dataset.notes) == (0, ())
    assert bytes_of(str(dataset.folder)) == by_local
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_node_that_dies_changes_no_byte_of_a_dataset(whole, inventory, by_local, tmp_path):
    def begun() -> bool:
        return len([*tmp_path.glob(".out.*.partial/reports/[!.]*")]) >= 3

    with ThreadPoolExecutor(1) as killing:
        killed = killing.submit(killed_when, begun, whole.processes[-1])
        dataset = write(inventory, tmp_path / "out", engine="ray", workers=0)
        killed.result()
    assert bytes_of(str(dataset.folder)) == by_local


def test_on_s3_the_workers_put_the_shards(
    nodes, inventory, by_local, bucket, tmp_path, monkeypatch
):
    monkeypatch.setenv("CTC_CACHE", str(tmp_path / "cache"))
    dataset = write(inventory, bucket, engine="ray", workers=0)
    assert bytes_of(bucket) == by_local
    assert not [*(tmp_path / "cache").rglob("*.tfrecord")]
    assert len([*dataset.records(("test",))]) == dataset.splits["test"]
    assert open_dataset(bucket) == dataset
    again = write(inventory, bucket, engine="ray", workers=0)
    assert again.notes == (f"the dataset at '{bucket}' was complete; it was verified and kept",)


DRIVER = """
import sys

from ctc.dataset import planning
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams

planning.CAPTURES_A_SHARD = 4
params = DatasetParams(inventory=sys.argv[1], max_side=96, engine="ray")
dataset = write_dataset(plan_dataset(Inventory.read(sys.argv[1]), params), sys.argv[2])
print(dataset.kept)
"""


@pytest.mark.parametrize("where", ["a folder", "s3"])
def test_a_driver_that_is_killed_goes_on(
    nodes, inventory, by_local, tmp_path, bucket, monkeypatch, where
):
    monkeypatch.setenv("CTC_CACHE", str(tmp_path / "cache"))
    inventory.write(str(tmp_path / "inventory.parquet"))
    output = bucket if where == "s3" else str(tmp_path / "sets" / "out")
    command = [sys.executable, "-c", DRIVER, str(tmp_path / "inventory.parquet"), output]

    def finished() -> int:
        return len([*tmp_path.rglob("*.partial/reports/[!.]*.json")])

    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    killed_when(lambda: finished() >= 3, process)
    time.sleep(2)  # what the cluster still does of it
    there = finished()
    time.sleep(2)
    assert finished() == there
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) >= there
    assert bytes_of(output) == by_local


# --- predict ---


def label(classifier: Path, survey: Survey, output: Path, engine: str) -> bytes:
    asked = PredictParams(
        classifier=str(classifier),
        images=str(survey.table),
        output=str(output),
        batch_size="16",
        engine=engine,
    )
    predict.run(asked)
    return output.read_bytes()


def test_predictions_have_the_bytes_of_one_machine_whatever_dies(
    whole, survey, small_classifier, module_store, tmp_path
):
    local = label(small_classifier, survey, tmp_path / "local.csv", "local")
    ray = label(small_classifier, survey, tmp_path / "ray.csv", "ray")
    assert ray == local

    def begun() -> bool:
        return len([*tmp_path.glob(".killed.csv.*.partial/part-*")]) >= 3

    with ThreadPoolExecutor(1) as killing:
        killed = killing.submit(killed_when, begun, whole.processes[-1])
        assert label(small_classifier, survey, tmp_path / "killed.csv", "ray") == local
        killed.result()
    run = mlflow.search_runs(["0"], output_format="list", max_results=1)[0]
    assert run.info.status == "FINISHED"
    assert run.data.metrics["pictures_read"] == run.data.metrics["pictures"]


# --- the documentation ---

TEXT = (ROOT / "docs" / "cluster.md").read_text()


def test_its_files_are_what_ray_and_the_steps_read():
    import ray

    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    of_ec2, of_kubernetes = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
    jsonschema.validate(of_ec2, schema)
    assert of_ec2["head_node_type"] in of_ec2["available_node_types"]
    submitted = re.search(r"-- (python .*?)\nray job logs", TEXT, re.DOTALL)
    assert submitted is not None
    for command in (submitted[1].replace("\\\n", " "), of_kubernetes["spec"]["entrypoint"]):
        program, step, *given = shlex.split(command)[1:]
        assert program == "-m"
        names = (name.removeprefix("--") for name in given[::2])
        build(STEPS[step.removeprefix("entrypoints.")], dict(zip(names, given[1::2], strict=True)))


# --- as a command, on workers of this machine ---


class Here:
    """The step `dataset`, whose workers Ray starts on this machine and ends with it."""

    def __init__(self, folder: Path, inventory: Inventory) -> None:
        self.folder = folder
        inventory.write(str(folder / "inventory.parquet"))

    def start(self, engine: str = "ray") -> "subprocess.Popen[bytes]":
        own = {"inventory": self.folder / "inventory.parquet", "output": self.folder / engine}
        given = {**own, "engine": engine, "workers": 2, "split_by": "none", "max_side": 96}
        words = [text for name, value in given.items() for text in (f"--{name}", str(value))]
        left_out = ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
        environment = {k: v for k, v in os.environ.items() if k not in left_out}
        with self.log(engine).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "entrypoints.dataset", *words],
                cwd=ROOT,
                env=environment,
                stderr=log,
                start_new_session=True,
            )

    def log(self, engine: str = "ray") -> Path:
        return self.folder / f"{engine}.log"

    def finished(self) -> int:
        return len([*self.folder.glob(".ray.*.partial/reports/[!.]*.json")])

    def stopped(self, process: "subprocess.Popen[bytes]", how: int) -> list[psutil.Process]:
        """Stop it when it has finished a shard; return its family."""
        end, before = time.monotonic() + PATIENCE_S, self.finished()
        while self.finished() == before:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.01)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(how)
        process.wait()
        return family


def wait_until_gone(family: list[psutil.Process]) -> None:
    end = time.monotonic() + PATIENCE_S
    while left := [process for process in family if not is_gone(process)]:
        assert time.monotonic() < end, left
        time.sleep(0.2)


def test_without_a_cluster_it_runs_here_and_leaves_no_orphan(inventory, tmp_path):
    many = take_many(inventory, 10)
    here = Here(tmp_path, many)
    with used_store(tmp_path / "store"):
        terminated = here.start()
        family = here.stopped(terminated, signal.SIGTERM)
        assert terminated.returncode == 128 + signal.SIGTERM
        killed = here.start()
        family += here.stopped(killed, signal.SIGKILL)
        finished, plain = here.start(), here.start("local")
        assert (finished.wait(), plain.wait()) == (0, 0), here.log().read_text()[-3000:]
        runs = mlflow.search_runs(["0"], output_format="list")
        status = sorted(run.info.status for run in runs)
    assert status == ["FINISHED", "FINISHED", "KILLED", "RUNNING"]
    assert bytes_of(str(tmp_path / "ray")) == bytes_of(str(tmp_path / "local"))
    wait_until_gone(family)


# In a process of its own: one that has been a driver of a cluster starts no workers any more.
STARTING = """
import sys, ray
from ctc.tasks.joining import joined
begin, times = ray.init, []
def too_slow(*own, **named):
    times.append(own)
    if len(times) <= int(sys.argv[1]):
        raise RuntimeError("The current node timed out during startup.\\nMore of it")
    return begin(*own, **named)
ray.init = too_slow
with joined(1) as here:
    print(len(times), here, ray.get(ray.remote(lambda: 6 * 7).remote()))
"""


def started(failures: int) -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    words = [sys.executable, "-c", STARTING, str(failures)]
    return subprocess.run(words, cwd=ROOT, env=own, capture_output=True, text=True)


def test_workers_that_start_too_slowly_are_started_again():
    assert started(2).stdout == "3 True 42\n"
    given_up = started(3)
    assert given_up.returncode == 1
    why = "(The current node timed out during startup.); give the same command again"
    assert f"Ray could not start its workers here {why}" in given_up.stderr
    assert "More of it" not in given_up.stderr.rpartition("CannotGoOn")[2]


def take_many(inventory: Inventory, times: int) -> Inventory:
    """Each capture so often, under other names: more than fit into a shard."""
    import pyarrow as pa

    tables = []
    for number in range(times):
        ids = [f"{name}-{number}" for name in inventory.table["capture_id"].to_pylist()]
        place = inventory.table.column_names.index("capture_id")
        tables.append(inventory.table.set_column(place, "capture_id", pa.array(ids)))
    table = pa.concat_tables(tables)
    return Inventory(table, inventory.labels, inventory.source, inventory.root)
