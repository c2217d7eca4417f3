"""Progress of long work: a rate and the time left, on a terminal or in a log."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

LINE_EVERY_S = 10.0  # a log that is followed with `tail -f` gets a plain line this often
BAR_EVERY_S = 0.2


def duration(seconds: float) -> str:
    """Write seconds as people do: `42 s`, `3:05 min`, `2:07 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d} h"


class Progress:
    """Counts finished units of one long piece of work and says how far it is.

    On a terminal one line is kept up to date; elsewhere a plain line is printed
    every `LINE_EVERY_S` seconds. The last line says the total, the rate and the time taken.
    """

    def __init__(
        self,
        what: str,
        total: int,
        unit: str,
        stream: TextIO | None = None,
        if_stopped: str = "",
    ) -> None:
        """Begin to count; `if_stopped` is said where an error or Ctrl-C ends begun work."""
        self.what, self.total, self.unit, self.if_stopped = what, total, unit, if_stopped
        self.done = self.kept = 0
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._start = self._shown = time.monotonic()
        self._first: tuple[float, int] | None = None  # when the first units were done, and how many

    def advance(self, units: int = 1, note: str = "") -> None:
        """Count `units` more as finished; `note` (a loss, a count of failures) is shown behind."""
        self.done += units
        now = time.monotonic()
        if self._first is None and self.done > self.kept:
            self._first = now, self.done - self.kept
        if now - self._shown >= (BAR_EVERY_S if self._terminal else LINE_EVERY_S):
            self._shown = now
            self._show(self._line(now, note), last=False)

    def keep(self, units: int) -> None:
        """Count `units` as finished by an earlier run: the rate is of what is done now."""
        self.kept += units
        self.advance(units)

    def say(self, text: str) -> None:
        """Leave a line that stays, on a terminal too, such as the figures of an epoch."""
        self._show(f"{self.what}: {text}", last=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        took = time.monotonic() - self._start
        rate = (self.done - self.kept) / took if took > 0 else 0.0
        kept = f", {self.kept} of them kept" if self.kept else ""
        text = f"{self.what}: {self.done} {self.unit}{kept} in {duration(took)}"
        if self.done > self.kept or not self.kept:  # else nothing was done that has a rate
            text += f" ({rate:.1f}/s)"
        if error is not None:
            text += ", stopped"
            text += f"; {self.if_stopped}" if self.if_stopped and self.done else ""
        self._show(text, last=True)

    def _line(self, now: float, note: str) -> str:
        share = 100 * self.done / max(self.total, 1)
        text = f"{self.what}: {self.done}/{self.total} {self.unit} ({share:.0f} %)"
        return f"{text}{self._forecast(now)}{', ' + note if note else ''}"

    def _forecast(self, now: float) -> str:
        """Return rate and time left; not of the first units, which wait for what is made ready."""
        since, before = self._first or (now, 0)
        later = self.done - self.kept - before
        if not later or now == since:
            return ""
        rate = later / (now - since)
        return f", {rate:.1f}/s, {duration((self.total - self.done) / rate)} left"

    def _show(self, text: str, last: bool) -> None:
        if self._terminal:
            self._stream.write(f"\r\x1b[2K{text}" + ("\n" if last else ""))
        else:
            self._stream.write(text + "\n")
        self._stream.flush()
