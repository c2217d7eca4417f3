import io
import re

import pytest

from ctc import progress
from ctc.progress import Progress, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (42.4, "42 s"),
        (59.6, "1:00 min"),
        (60, "1:00 min"),
        (185, "3:05 min"),
        (3599.7, "1:00 h"),
        (7620, "2:07 h"),
        (90_000, "25:00 h"),
    ],
)
def test_a_duration_is_written_as_people_do(seconds, text):
    assert duration(seconds) == text


def test_short_work_leaves_one_line_in_a_log():
    log = io.StringIO()
    with Progress("dataset", 3, "captures", log) as work:
        work.advance()
        work.advance(2)
    assert re.fullmatch(r"dataset: 3 captures in 0 s \([\d.]+/s\)\n", log.getvalue())


def test_long_work_prints_plain_lines_into_a_log(monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    log = io.StringIO()
    with Progress("predict", 8, "captures", log) as work:
        work.advance(2)
        work.advance(4, "1 failed")
    lines = log.getvalue().splitlines()
    assert "\x1b" not in log.getvalue()
    assert lines[0] == "predict: 2/8 captures (25 %)"
    assert re.fullmatch(r"predict: 6/8 captures \(75 %\), [\d.]+/s, 0 s left, 1 failed", lines[1])
    assert lines[2].startswith("predict: 6 captures in ")
    assert len(lines) == 3


def test_a_terminal_has_one_line_that_is_written_over(monkeypatch):
    monkeypatch.setattr(progress, "BAR_EVERY_S", 0.0)
    terminal = Terminal()
    with Progress("train", 2, "batches", terminal) as work:
        work.advance()
        work.advance()
    shown = terminal.getvalue()
    assert shown.count("\r\x1b[2Ktrain: ") == 3
    assert shown.count("\n") == 1
    assert shown.endswith(")\n")


def test_what_is_said_stays_in_a_log_and_above_the_bar_of_a_terminal(monkeypatch):
    monkeypatch.setattr(progress, "BAR_EVERY_S", 0.0)
    log, terminal = io.StringIO(), Terminal()
    for stream in (log, terminal):
        with Progress("train", 2, "batches", stream) as work:
            work.advance()
            work.say("epoch 1/2: loss 0.5")
            work.advance()
    assert log.getvalue().startswith("train: epoch 1/2: loss 0.5\ntrain: 2 batches in")
    bar, said, later, *_ = terminal.getvalue().split("\r\x1b[2K")[1:]
    assert bar.startswith("train: 1/2 batches")
    assert said == "train: epoch 1/2: loss 0.5\n"
    assert later.startswith("train: 2/2 batches")


def test_where_all_was_kept_there_is_no_rate():
    log = io.StringIO()
    with Progress("dataset", 3, "captures", log) as work:
        work.keep(3)
    assert log.getvalue() == "dataset: 3 captures, 3 of them kept in 0 s\n"


def test_begun_work_that_is_stopped_says_what_to_do():
    log = io.StringIO()
    work = Progress("x", 5, "y", log, if_stopped="do it")
    work.advance()
    with pytest.raises(KeyboardInterrupt), work:
        raise KeyboardInterrupt
    assert log.getvalue().endswith(", stopped; do it\n")


def test_nothing_done_yet_has_no_time_left(monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    log = io.StringIO()
    with Progress("train", 0, "batches", log) as work:
        work.advance(0)
    assert log.getvalue().startswith("train: 0/0 batches (0 %)\n")


def test_the_time_left_follows_from_what_came_after_the_first_units(monkeypatch):
    clock = iter([0.0, 100.0, 101.0, 102.0, 103.0])  # the first unit waits for what is compiled
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    log = io.StringIO()
    with Progress("train", 60, "pictures", log) as work:
        work.advance(10)
        work.advance(10)
        work.keep(10)
    first, second, third, _ = log.getvalue().splitlines()
    assert first == "train: 10/60 pictures (17 %)"
    assert second == "train: 20/60 pictures (33 %), 10.0/s, 4 s left"
    assert third == "train: 30/60 pictures (50 %), 5.0/s, 6 s left"  # kept ones cost no time


def test_work_that_fails_says_where_it_stopped():
    log = io.StringIO()
    work = Progress("train", 5, "batches", log)
    work.advance()
    with pytest.raises(ZeroDivisionError), work:
        raise ZeroDivisionError
    assert re.fullmatch(r"train: 1 batches in 0 s \([\d.]+/s\), stopped\n", log.getvalue())
