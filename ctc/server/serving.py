"""Runs the servers until it is told to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ctc.errors import BadInput
from ctc.server.parts import LOOK_EVERY_S, Part, Running
from ctc.server.planning import Plan, lines_for_clients
from ctc.storage import only_one

STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder of a server.

    Raises:
        BadInput: if a server runs in it.
    """
    try:
        with only_one(folder):
            yield
    except BlockingIOError as error:
        raise BadInput(
            f"a server runs in '{folder}' already; stop it, or name another folder"
        ) from error


def serve(plan: Plan, say: Callable[[str], None]) -> None:
    """Run all parts until Ctrl-C or SIGTERM; one that ends meanwhile is started again.

    Raises:
        CannotGoOn: if one cannot be started.
    """
    with _told_to_stop() as stop:
        running: list[Running] = []
        try:
            for part in plan.parts:
                _bring_up(part, running, stop, say)
            if not stop.is_set():
                say(f"ready; a client's shell needs\n{lines_for_clients(plan)}")
            while not stop.wait(LOOK_EVERY_S):
                _bring_back(running, stop, say)
        finally:
            say("stopping")
            for one in reversed(running):
                one.stop()
            say("stopped")


def _bring_up(
    part: Part, running: list[Running], stop: threading.Event, say: Callable[[str], None]
) -> None:
    if not stop.is_set():
        say(f"starting {part.name}")
        running.append(Running(part))
        running[-1].wait_until_ready(stop)


def _bring_back(running: list[Running], stop: threading.Event, say: Callable[[str], None]) -> None:
    for one in running:
        if one.ended():
            say(f"{one.part.name} has ended, and is started again")
            one.start()
            one.wait_until_ready(stop)
            say(f"{one.part.name} is back")


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Yield what is set by a signal that would end this process, but for one that is ignored."""
    stop = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    heard = [one for one in STOPPED_BY if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, tell) for one in heard}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
