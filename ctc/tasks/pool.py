"""Tasks on processes of this machine."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import forkserver
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

from ctc.tasks.machine import AHEAD, cores, keep_freed_memory

T = TypeVar("T")
R = TypeVar("R")

NUMPY_THREADS = "OPENBLAS_NUM_THREADS"  # read by the library that NumPy comes with
TRIES = 3  # pools that may break in a row (a worker killed for its memory, say)


def run_in_pool(
    function: Callable[[T], R], tasks: Iterable[T], workers: int
) -> Iterator[tuple[T, R]]:
    """Run `function` on each task and yield each task with its result, as they finish.

    A worker that dies breaks the pool; a new pool does what was not done.

    Args:
        function: importable by name, for it runs in other processes.
        tasks: read only as far ahead as the workers need.
        workers: number of processes; 0 for one a core.

    Raises:
        BrokenProcessPool: if workers died three times without a task getting done in between.
        Exception: what a task raised.
    """
    waiting = iter(tasks)
    undone: list[T] = []
    failures = 0
    while True:
        try:
            for task, result in _run_pool(function, waiting, undone, workers or cores()):
                failures = 0
                yield task, result
            return
        except BrokenProcessPool:
            failures += 1
            if failures == TRIES:
                raise


def _run_pool(
    function: Callable[[T], R], waiting: Iterator[T], undone: list[T], workers: int
) -> Iterator[tuple[T, R]]:
    """One pool's life. `undone` holds what was taken from `waiting` and has no result yet."""
    # TensorFlow, if it is loaded here, must not be forked.
    context = multiprocessing.get_context("forkserver")
    _start_server([*_imports_of_main(), function.__module__])
    with ProcessPoolExecutor(workers, context, _begin, (dict(os.environ),)) as pool:
        running: dict[Future[R], T] = {pool.submit(function, task): task for task in undone}
        while True:
            for task in islice(waiting, max(0, AHEAD * workers - len(running))):
                undone.append(task)
                running[pool.submit(function, task)] = task
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                task = running.pop(future)
                undone.remove(task)
                yield task, result


def _start_server(modules: list[str]) -> None:
    """Start the process that workers are forked from, with some modules loaded; unless one runs.

    NumPy is told, while it is loaded there, to start no threads for its linear algebra: one a core
    would be started, which first look for work in vain for the time that loading NumPy takes.
    """
    forkserver.set_forkserver_preload(modules)
    before = os.environ.get(NUMPY_THREADS)
    os.environ[NUMPY_THREADS] = "1"
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ[NUMPY_THREADS]
        else:
            os.environ[NUMPY_THREADS] = before


def _imports_of_main() -> list[str]:
    """Return the modules that `__main__` takes names from, of its own package and of this one.

    Each worker runs `__main__` again; what that imports is then there. No others: what TensorFlow
    is loaded in must not be forked. ("__main__" itself among the modules to be loaded does nothing
    in Python 3.11: https://github.com/python/cpython/issues/126631.)
    """
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    packages = {name.partition(".")[0] for name in (__name__, spec.parent if spec else "")}
    found = {getattr(value, "__module__", None) for value in vars(main).values()}
    return sorted(
        one for one in found if isinstance(one, str) and one.partition(".")[0] in packages
    )


def _begin(environment: dict[str, str]) -> None:
    """Prepare a worker.

    It has the environment of now, not that of the fork server's start: a notebook may have set
    credentials since. It leaves Ctrl-C, which a terminal sends to all, to the process that gave
    it work, and it ends when that one is gone, so that no orphan stays.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what was there before the fork is neither searched nor copied
    keep_freed_memory()
    os.environ.clear()
    os.environ.update(environment)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
