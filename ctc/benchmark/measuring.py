"""Measures a function in a process of its own, and what goes on within it."""

import importlib
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

SAMPLE_S = 0.05  # between two looks at the memory, at least
# A look holds up who is looked at, a large process for 20 ms: so many times that pass between two.
LOOKS_APART = 50

Cost = tuple[int, float, float]  # pictures, CPU seconds, seconds


@dataclass(frozen=True)
class Measured:
    """What a call cost.

    Attributes:
        seconds: wall-clock time of the call, without the start of its process.
        cpu_seconds: CPU time of the call, of its process and of all below it.
        start_cpu_seconds: CPU time of its process before the call: Python itself and what is
            imported.
        peak_bytes: most memory that its process and those below it held at once, in bytes:
            their proportional set sizes, which count a page that several share once.
        result: what the function returned.
    """

    seconds: float
    cpu_seconds: float
    start_cpu_seconds: float
    peak_bytes: int
    result: Any


@dataclass(frozen=True)
class Way:
    """Something that is measured, once some modules are there."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    modules: tuple[str, ...] = ()


def measure(
    function: Callable[..., Any], *arguments: Any, modules: tuple[str, ...] = ()
) -> Measured:
    """Call a function in a fresh process and measure it there.

    Args:
        function: importable by name; it and its arguments are sent to the process.
        arguments: of the function.
        modules: are imported before the call, beside the one of the function.

    Raises:
        RuntimeError: if the process ended without an answer; its traceback is on stderr.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, function, arguments, modules))
    process.start()
    there.close()
    try:
        # From here, so that its CPU time is not counted.
        peak = _watch(process.pid or 0, here)
        seconds, cpu, start_cpu, result = here.recv()
    except EOFError as error:
        raise RuntimeError(f"{function.__name__} did not return; see above") from error
    finally:
        process.join()
    return Measured(seconds, cpu, start_cpu, peak, result)


def in_turns(ways: Mapping[str, Way], repeats: int) -> list[dict[str, Measured]]:
    """Measure every way, so often; each in turn, so that no slow moment meets one of them alone."""
    return [
        {
            what: measure(way.function, *way.arguments, modules=way.modules)
            for what, way in ways.items()
        }
        for _ in range(repeats)
    ]


def cost_after_first(batches: Iterable[Any], size: int) -> Cost:
    """Measure what batches of a size cost after the first, for which graphs are built and caches
    filled."""
    rest = iter(batches)
    next(rest)
    cpu, start = time.process_time(), time.perf_counter()
    count = sum(size for _ in rest)
    return count, time.process_time() - cpu, time.perf_counter() - start


def rate(cost: Cost) -> float:
    """Return how many pictures a second."""
    count, _, seconds = cost
    return count / seconds


def cost_row(what: str, costs: list[Cost]) -> dict[str, Any]:
    """Return the medians of what a way cost, each time that it was measured."""
    return {
        "what": what,
        "pictures": costs[0][0],
        "cpu_ms_a_picture": statistics.median(1_000 * cpu / count for count, cpu, _ in costs),
        "pictures_per_second": statistics.median(count / seconds for count, _, seconds in costs),
    }


@contextmanager
def temporary_folder(path: str, prefix: str) -> Iterator[Path]:
    """Make a folder of no former name below `path` for the block; `path` stays if it holds more."""
    Path(path).mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix=prefix, dir=path) as folder:
            yield Path(folder)
    finally:
        with suppress(OSError):  # something else is in it
            Path(path).rmdir()


def machine() -> dict[str, str]:
    """Return what the figures depend on: processor, cores, memory, Python."""
    gigabytes = psutil.virtual_memory().total / 1e9
    return {
        "processor": _processor(),
        "cores": f"{os.cpu_count()} cores",
        "memory": f"{gigabytes:.0f} GB",
        "python": f"Python {platform.python_version()}",
    }


def _processor() -> str:
    try:  # platform.processor() is empty on most Linux systems
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _answer(
    pipe: Connection,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    modules: tuple[str, ...],
) -> None:
    for module in modules:
        importlib.import_module(module)
    before, start = _cpu_seconds(), time.perf_counter()
    result = function(*arguments)
    seconds, cpu = time.perf_counter() - start, _cpu_seconds() - before
    pipe.send((seconds, cpu, before, result))


def _cpu_seconds() -> float:
    """CPU time of this process, of those it has waited for, and of those that still live.

    A fork server lives as long as this process, which therefore never counts it as a child that
    has ended; what the server itself has waited for, its workers, is in its own figures.
    """
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    living = psutil.Process().children(recursive=True)
    return sum(one.ru_utime + one.ru_stime for one in used) + sum(map(_cpu_of, living))


def _cpu_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:  # it has ended meanwhile
        return 0.0
    waited_for = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + waited_for)


def _watch(pid: int, answer: Connection) -> int:
    """Look at the memory of a process and of those below it until there is an answer."""
    peak, wait = 0, SAMPLE_S
    while not answer.poll(wait):
        began = time.process_time()  # which other work does not lengthen
        peak = max(peak, _held(pid))
        wait = max(SAMPLE_S, LOOKS_APART * (time.process_time() - began))
    return peak


def _held(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:  # it has ended meanwhile
        return 0
    return sum(map(_own, family))


def _own(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(info, "pss", info.rss))
