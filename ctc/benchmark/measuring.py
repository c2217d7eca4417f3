"""Measures a function in a process of its own."""

import multiprocessing
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psutil

SAMPLE_S = 0.05  # between two looks at the memory


@dataclass(frozen=True)
class Measured:
    """What a call cost.

    Attributes:
        seconds: wall-clock time of the call, without the start of its process.
        cpu_seconds: CPU time of the call and of all processes that it started and that ended.
        peak_bytes: most memory that its process and those below it held at once, in bytes:
            their proportional set sizes, which count a page that several share once.
        result: what the function returned.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    result: Any


def measure(function: Callable[..., Any], *arguments: Any) -> Measured:
    """Call a function in a fresh process and measure it there.

    Args:
        function: importable by name; it and its arguments are sent to the process.
        arguments: of the function.

    Raises:
        RuntimeError: if the process ended without an answer; its traceback is on stderr.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, function, arguments))
    process.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError as error:
        raise RuntimeError(f"{function.__name__} did not return; see above") from error
    finally:
        process.join()
    return Measured(*answer)


def _answer(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with _Memory() as memory:
        before, start = _cpu_seconds(), time.perf_counter()
        result = function(*arguments)
        seconds, cpu = time.perf_counter() - start, _cpu_seconds() - before
    pipe.send((seconds, cpu, memory.peak_bytes, result))


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class _Memory:
    """Looks at the memory of this process and of those below it, again and again."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.peak_bytes = max(self.peak_bytes, _held(process))
            if self._over.wait(SAMPLE_S):
                return


def _held(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += _own(one)
        except psutil.Error:  # it has ended meanwhile
            continue
    return total


def _own(process: psutil.Process) -> int:
    info = process.memory_full_info()
    return int(getattr(info, "pss", info.rss))
