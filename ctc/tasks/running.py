"""Which engine runs tasks."""

from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import TypeVar

from ctc.errors import BadInput
from ctc.tasks.address import check_address
from ctc.tasks.pool import run_in_pool

T = TypeVar("T")
R = TypeVar("R")

LOCAL, RAY = "local", "ray"
# Modules that a training over several hosts needs; the second is of Ray Train.
OF_HOSTS = {"ray": "Ray", "fsspec": "fsspec", "jax": "JAX"}


def check_engine(engine: str) -> None:
    """Refuse an engine that is not installed, or does not answer.

    Raises:
        BadInput: saying what to install, or where it was looked for.
    """
    if engine == LOCAL:
        return
    if find_spec("ray") is None:
        raise BadInput("engine=ray needs Ray, which is not installed: `pip install '.[cluster]'`")
    check_address()


def check_hosts(hosts: int) -> None:
    """Refuse several hosts where what they need is not installed, or no cluster answers.

    Raises:
        BadInput: saying what to install, or where it was looked for.
    """
    if hosts == 1:
        return
    missing = [name for module, name in OF_HOSTS.items() if find_spec(module) is None]
    if missing:
        raise BadInput(
            f"hosts={hosts} needs what is not installed ({', '.join(missing)}): "
            "`pip install '.[cluster]'`"
        )
    check_address()


def run_tasks(
    function: Callable[[T], R], tasks: Iterable[T], workers: int, engine: str = LOCAL
) -> Iterator[tuple[T, R]]:
    """Run `function` on each task and yield each task with its result, as they finish.

    What a worker was doing that dies is done again by another one.

    Args:
        function: importable by name, for it runs in other processes.
        tasks: read only as far ahead as the workers need.
        workers: number of processes; 0 for one a core.
        engine: `LOCAL`, or `RAY` (see `ctc.tasks.cluster`).

    Raises:
        BrokenProcessPool: if workers of this machine died three times without a task getting done
            in between.
        CannotGoOn: if workers of a cluster died of one task again and again.
        Exception: what a task raised.
    """
    if engine == LOCAL:
        return run_in_pool(function, tasks, workers)
    # Ray is loaded where it is asked for, and nowhere else.
    from ctc.tasks.cluster import run_on_cluster

    return run_on_cluster(function, tasks, workers)
