"""Sends a journal from a thread of its own, in order, for as long as its run lasts.

A store that is slow does not hold up the work for long, and one that does not answer does not end
it: what could not be sent stays in the journal and is tried again until the run ends.
"""

import math
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctc.errors import BadInput, CannotGoOn
from ctc.tracking.sending.delivering import Delivery
from ctc.tracking.sending.failures import Failure, store
from ctc.tracking.sending.journal import Entry, Files, Journal
from ctc.tracking.sending.places import remember

RETRY_S = 3.0  # between attempts, while a store is away
BEGIN_S = 30.0  # without a word from a store, after which no run begins
SLOW_S = 10.0  # without a word from a store, after which nothing waits for it


class Sender:
    """Keeps what a run logs in its journal and sends it, unless it is `offline`.

    It is silent about a store that is away until `begin` has told or `silent` is False.
    """

    def __init__(self, journal: Journal, offline: bool = False, silent: bool = False) -> None:
        self.journal = journal
        self.offline = offline
        self._silent = silent
        self._delivery = Delivery(journal)
        self._waiting = journal.numbers()
        self._changed = threading.Condition()
        self._closed = False
        self._failure: Failure | None = None  # while the store is away
        self._refusal: Exception | None = None  # for the thread of the work to raise
        self._heard = time.monotonic()
        self._sending: int | None = None
        self._thread = threading.Thread(target=self._work, name="sending", daemon=True)
        if not offline:
            self._thread.start()

    @property
    def answers(self) -> bool:
        """Whether the store has taken what it got so far."""
        return not self.offline and self._failure is None and not self._is_silent()

    @property
    def is_done(self) -> bool:
        """Whether all has been sent."""
        return not self._waiting

    def put(self, kind: str, content: Mapping[str, Any], files: Files | None = None) -> None:
        """Keep an entry; it is sent when those before it have been."""
        number = self.journal.add(kind, content, files)
        self._append(number)

    def put_packed(self, kind: str, content: Mapping[str, Any], packed: Path) -> None:
        """Keep an entry with the folder that `Journal.packing` gave."""
        self._append(self.journal.add_packed(kind, content, packed))

    def put_latest(self, kind: str, content: Mapping[str, Any], files: Files) -> None:
        """Keep an entry in the place of those of its kind that still wait."""
        number = self.journal.add(kind, content, files)
        with self._changed:
            for other in [n for n in self._waiting if n != self._sending]:
                if self.journal.entry(other).kind == kind:
                    self._waiting.remove(other)
                    self.journal.drop(other)
        self._append(number)

    def settle(self, patiently: bool = False) -> None:
        """Wait as `wait` does, and learn what the store has refused.

        Raises:
            CannotGoOn: if the store refuses what it got.
        """
        self.wait(patiently)
        with self._changed:
            refusal, self._refusal = self._refusal, None
        if refusal is not None:
            failure = self._delivery.failure_of(refusal)
            raise CannotGoOn(failure.sentence) if failure else refusal from refusal

    def wait(self, patiently: bool = False) -> None:
        """Wait until all has been sent, or the store turns out to be away or, by default, slow."""
        with self._changed:
            while not self._has_settled(patiently):
                self._changed.wait(1.0)

    def begin(self) -> None:
        """Wait until the first entry, which begins the run, has been sent.

        Raises:
            BadInput: if it cannot be, with why.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: not self._waiting or self._failure or self._refusal, BEGIN_S
            )
            failure, refusal, self._silent = self._failure, self._refusal, False
            if self._waiting or refusal is not None:
                self._closed = True
        if refusal is not None:
            failure = self._delivery.failure_of(refusal)
            if failure is None:
                raise refusal
        if self._closed:
            sentence = failure.sentence if failure else f"{store()} does not answer"
            raise BadInput(sentence) from refusal

    def finish(self, away_s: float, longest_s: float = math.inf) -> None:
        """Wait until all has been sent, and send no more.

        Args:
            away_s: how long a store that is away is waited for.
            longest_s: how long any is.
        """
        began = time.monotonic()
        try:
            with self._changed:
                while self._waiting and self._thread.is_alive():
                    waited = time.monotonic() - began
                    if waited > (longest_s if self._failure is None else min(away_s, longest_s)):
                        break
                    self._changed.wait(0.2)
        finally:
            self.close()

    def close(self) -> None:
        """Send no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _append(self, number: int) -> None:
        with self._changed:
            if not self._waiting:
                self._heard = time.monotonic()
            self._waiting.append(number)
            self._changed.notify_all()

    def _has_settled(self, patiently: bool) -> bool:
        if not self._waiting or self._refusal or self._failure or not self._thread.is_alive():
            return True
        return not patiently and self._is_silent()

    def _is_silent(self) -> bool:
        return bool(self._waiting) and time.monotonic() - self._heard > SLOW_S

    def _work(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self._delivery.deliver(entry)
            # Each kind of store has a library that raises errors of its own.
            except Exception as error:
                self._failed(entry, error)
            else:
                self._sent(entry)

    def _next(self) -> Entry | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._sending = self._waiting[0]
            return self.journal.entry(self._sending)

    def _sent(self, entry: Entry) -> None:
        self.journal.drop(entry.number)
        with self._changed:
            back, self._failure = self._failure is not None, None
            self._leave(entry)
        if back:
            say(f"what run {self.journal.run_id} logs is taken again, and what was kept is sent")

    def _failed(self, entry: Entry, error: Exception) -> None:
        failure = self._delivery.failure_of(error)
        if failure is None or failure.is_final:
            self.journal.note(refused=True)
            self.journal.drop(entry.number)
            with self._changed:
                self._refusal = self._refusal or error
                self._leave(entry)
            return
        if self._failure is None and not self._silent:
            remember(self.journal)
            say(
                f"warning: {failure.sentence}; the work goes on, and what it logs is kept in "
                f"'{self.journal.folder}' until it is taken"
            )
        with self._changed:
            self._failure, self._sending = failure, None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed, RETRY_S)

    def _leave(self, entry: Entry) -> None:
        self._waiting.remove(entry.number)
        self._sending, self._heard = None, time.monotonic()
        self._changed.notify_all()


def say(sentence: str) -> None:
    """Tell a person something beside what the step says."""
    print(sentence, file=sys.stderr, flush=True)
