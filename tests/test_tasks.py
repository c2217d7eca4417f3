import itertools
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest

from ctc.errors import BadInput
from ctc.tasks import AHEAD, TRIES, check_engine, check_hosts, cores, run_tasks

ROOT = Path(__file__).parent.parent
PATIENCE_S = 30.0


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def die_once(task: tuple[Path, int]) -> int:
    marker, number = task
    if number == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(marks: Path) -> None:
    marks.write_bytes(marks.read_bytes() + b"x")
    os.kill(os.getpid(), signal.SIGKILL)


def fail_at_two(number: int) -> int:
    if number == 2:
        raise LookupError(f"no {number}")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_comes_back_with_its_result_from_another_process(workers):
    results = list(run_tasks(square, range(12), workers))
    assert sorted((task, result[0]) for task, result in results) == [(n, n * n) for n in range(12)]
    processes = {result[1] for _, result in results}
    assert os.getpid() not in processes
    assert len(processes) <= workers


def test_workers_have_the_environment_of_now(monkeypatch):
    assert list(run_tasks(os.getenv, ["CTC_TEST"], 1)) == [("CTC_TEST", None)]
    monkeypatch.setenv("CTC_TEST", "set later")
    assert list(run_tasks(os.getenv, ["CTC_TEST"], 1)) == [("CTC_TEST", "set later")]
    monkeypatch.delenv("CTC_TEST")
    assert list(run_tasks(os.getenv, ["CTC_TEST"], 1)) == [("CTC_TEST", None)]


def test_no_tasks_are_no_results():
    assert list(run_tasks(square, [], 1)) == []


def test_equal_tasks_are_done_as_often_as_they_are_given():
    assert [result[0] for _, result in run_tasks(square, [2, 2, 2], 1)] == [4, 4, 4]


def test_a_worker_that_dies_is_replaced_and_every_result_arrives(tmp_path):
    tasks = [(tmp_path / "marker", number) for number in range(10)]
    results = [result for _, result in run_tasks(die_once, tasks, 2)]
    assert (tmp_path / "marker").exists()
    assert sorted(results) == list(range(10))


def test_workers_that_die_again_and_again_end_the_work(tmp_path):
    marks = tmp_path / "marks"
    marks.touch()
    with pytest.raises(BrokenProcessPool):
        list(run_tasks(die_always, [marks], 1))
    assert marks.read_bytes() == b"x" * TRIES


def test_what_a_task_raises_arrives():
    with pytest.raises(LookupError, match="no 2"):
        list(run_tasks(fail_at_two, range(50), 1))


def test_tasks_are_read_only_as_far_ahead_as_needed():
    taken = []
    endless = (taken.append(number) or number for number in itertools.count())
    results = run_tasks(square, endless, 1)
    for done in range(1, 6):
        next(results)
        assert done <= len(taken) <= done + AHEAD
    results.close()
    assert len(taken) <= 5 + AHEAD


def test_there_is_at_least_one_core():
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_an_engine_that_is_not_installed_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    check_engine("local")
    with pytest.raises(BadInput, match=r"engine=ray needs Ray.*`pip install '.\[cluster\]'`"):
        check_engine("ray")


def test_hosts_whose_libraries_are_not_installed_are_one_sentence(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name in ("ray", "fsspec", "jax"):
        monkeypatch.setitem(sys.modules, name, None)
    check_hosts(1)
    with pytest.raises(BadInput) as refused:
        check_hosts(2)
    assert str(refused.value) == (
        "hosts=2 needs what is not installed (Ray, fsspec, JAX): `pip install '.[cluster]'`"
    )
    for name in ("ray", "fsspec"):
        monkeypatch.setitem(sys.modules, name, psutil)  # something that is installed
    with pytest.raises(BadInput, match=r"hosts=2 needs what is not installed \(JAX\): `pip"):
        check_hosts(2)
    monkeypatch.setitem(sys.modules, "jax", psutil)
    check_hosts(2)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(BadInput, match="no Ray cluster answers at"):
        check_hosts(2)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:9", "no Ray cluster answers at '127.0.0.1:9', which RAY_ADDRESS names: "),
        ("ray://head:10001", "RAY_ADDRESS: found 'ray://head:10001'; allowed: HOST:PORT"),
        ("auto", "RAY_ADDRESS: found 'auto'; allowed: HOST:PORT"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_sentence(monkeypatch, address, said):
    monkeypatch.setitem(sys.modules, "ray", psutil)  # something that is installed
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(BadInput, match=said):
        check_engine("ray")
    monkeypatch.delenv("RAY_ADDRESS")
    check_engine("ray")


SCRIPT = """
import sys
import time
from pathlib import Path

from ctc.tasks import run_tasks


def work(number):
    Path(sys.argv[1], str(number)).touch()
    time.sleep(600)


if __name__ == "__main__":
    list(run_tasks(work, range(2), 2))
"""


def wait_until(condition) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "marks").mkdir()
    parent = subprocess.Popen(
        [sys.executable, script, tmp_path / "marks"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    family = []
    try:
        wait_until(lambda: len(list((tmp_path / "marks").iterdir())) == 2)
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) >= 2
        parent.kill()
        parent.wait()
        wait_until(lambda: all(is_gone(process) for process in family))
    finally:
        for process in [*family, parent]:
            if isinstance(process, subprocess.Popen) or not is_gone(process):
                process.kill()
        parent.wait()


HEAVY = """
import os

import numpy

print(f"loaded in {os.getpid()}", flush=True)


def loaded():
    pass
"""
COUNTING = """
import psutil


def threads_where_workers_are_forked(number):
    return psutil.Process().parent().num_threads()
"""
LIGHT = """
from ctc.tasks import run_tasks
from job import counting
from job.heavy import loaded

if __name__ == "__main__":
    threads = run_tasks(counting.threads_where_workers_are_forked, range(3), 3)
    print("threads", *(number for _, number in threads))
"""


def test_what_the_main_module_loads_is_loaded_once_for_all_workers_and_starts_no_threads(tmp_path):
    (tmp_path / "job").mkdir()
    for name, text in {"heavy": HEAVY, "counting": COUNTING, "light": LIGHT}.items():
        (tmp_path / "job" / f"{name}.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    environment.pop("OPENBLAS_NUM_THREADS", None)
    command = [sys.executable, "-m", "job.light"]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *loaded, threads = found.stdout.splitlines()
    assert len(loaded) == len(set(loaded)) == 2  # here, and where workers are forked
    assert (threads, found.stderr) == ("threads 1 1 1", "")
