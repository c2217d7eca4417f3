"""Tasks on a Ray cluster."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from ctc.errors import CannotGoOn
from ctc.tasks.joining import joined
from ctc.tasks.machine import AHEAD, cores, keep_freed_memory

# isort: split
import ray
from ray.exceptions import RayError, RayTaskError

T = TypeVar("T")
R = TypeVar("R")

RETRIES = 5  # of a task whose worker or machine died
LEAST_AHEAD = 16  # a cluster that grows with its work needs some to begin with
LOOK_S = 10.0  # between two looks at how large the cluster is


def run_on_cluster(
    function: Callable[[T], R], tasks: Iterable[T], workers: int
) -> Iterator[tuple[T, R]]:
    """Run `function` on each task and yield each task with its result, as they finish.

    A task whose worker or machine dies is given to another one.

    Args:
        function: importable by name on every machine of the cluster, or an object that can be
            called and pickled: it goes to each machine once, with all that it holds.
        tasks: read only as far ahead as the workers need.
        workers: how many tasks run at once; 0 for one a core.

    Raises:
        BadInput: if the cluster cannot be joined.
        CannotGoOn: if workers could not be started here, or died of one task again and again, or
            the cluster is lost.
        Exception: what a task raised.
    """
    processes = workers or cores()
    with joined(processes) as here:
        room = _Room(AHEAD * processes if here else workers)
        call = ray.remote(num_cpus=1, max_retries=RETRIES)(_call)
        given, waiting = ray.put(function), iter(tasks)
        running: dict[Any, T] = {}
        while True:
            for task in islice(waiting, max(0, room() - len(running))):
                running[call.remote(given, task)] = task
            if not running:
                return
            (done,), _ = ray.wait([*running])
            yield running.pop(done), _result(done)


def _call(function: Callable[[T], R], task: T) -> R:
    """Do a task; this is what Ray runs."""
    _prepare()
    return function(task)


@cache
def _prepare() -> None:
    keep_freed_memory()


def _result(done: Any) -> Any:
    try:
        return ray.get(done)
    except RayTaskError as error:
        raise error.cause from error
    except RayError as error:
        why = str(error).strip().partition("\n")[0]
        raise CannotGoOn(
            f"a task was tried {RETRIES + 1} times on the cluster and never came to its end "
            f"({why}); give the same command again to go on"
        ) from error


class _Room:
    """How many tasks a cluster may have at once: so many, or as its cores, which come and go."""

    def __init__(self, tasks: int) -> None:
        """Take a number of tasks; 0 to look how large the cluster is."""
        self._looks = not tasks
        self._tasks, self._looked = tasks, -LOOK_S

    def __call__(self) -> int:
        if self._looks and time.monotonic() - self._looked >= LOOK_S:
            self._looked = time.monotonic()
            self._tasks = max(LEAST_AHEAD, AHEAD * int(ray.cluster_resources().get("CPU", 0)))
        return self._tasks
