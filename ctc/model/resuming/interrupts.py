"""Ctrl-C and SIGTERM, held back for a moment."""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)
HELD = b"\nstopping after this step, with the state kept; once more to stop at once\n"


class Interrupts:
    """Holds back the signals that ask a training to end, until its state is written.

    What they bring about is left to whoever handled them before. The same signal a second time
    comes through at once. In another thread than the main one, which gets no signals, it does
    nothing.
    """

    def __init__(self) -> None:
        self._former: dict[int, Any] = {}
        self._held: list[int] = []

    @property
    def asked(self) -> bool:
        """Whether there is a signal that waits."""
        return bool(self._held)

    def let_through(self) -> None:
        """Let what waits come through, if there is any."""
        if self._held:
            self._restore()
            signal.raise_signal(self._held.pop(0))

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._hold) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()
        if error is None:
            self.let_through()

    def _hold(self, number: int, _frame: FrameType | None) -> None:
        again = number in self._held
        self._held.append(number)
        if again:
            self.let_through()
        elif len(self._held) == 1:
            os.write(2, HELD)  # what `print` does may be in progress

    def _restore(self) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former = {}
