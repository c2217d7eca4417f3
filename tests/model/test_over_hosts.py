"""What the driver does with what hosts tell it; the hosts themselves are in `test_hosts.py`."""

import io
import pickle
import signal

import pytest

from ctc.errors import CannotGoOn
from ctc.model.fitting.on_host import Advanced, Said, lacks_memory, tells_of_another
from ctc.model.fitting.over_hosts import Followed
from ctc.model.fitting.watching import Epoch
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.state import State
from ctc.progress import Progress


def state(epoch: int, step: int = 0) -> State:
    epochs = tuple(Epoch(number, {"val/loss": 1.0 - number}) for number in range(epoch))
    return State("digest", 0, epoch, step, 4, 8, 0, epochs, epoch - 1, (), (), ())


class Driver:
    def __init__(self, began: State | None = None) -> None:
        self.reported: list[int] = []
        self.kept: list[float] = []
        self.said = io.StringIO()
        self.progress = Progress("train", 100, "pictures", self.said)
        self.interrupts = Interrupts()
        self.followed = Followed(
            lambda epoch: self.reported.append(epoch.number),
            lambda kept: self.kept.append(kept.progress),
            self.progress,
            self.interrupts,
            began,
        )

    def told(self, *what: object) -> None:
        for one in what:
            self.followed.take(pickle.loads(pickle.dumps(one)))


def test_each_epoch_is_reported_once_whatever_hosts_tell_again():
    driver = Driver()
    driver.told(state(0, 2), state(1), state(1, 2), state(2))
    driver.told(state(1, 2), state(2), state(3))  # started anew, from an earlier state
    assert driver.reported == [0, 1, 2]
    assert driver.kept == [0.5, 1, 1.5, 2, 2, 3]
    assert driver.followed.state == state(3)


def test_a_training_that_goes_on_reports_what_is_new():
    driver = Driver(state(2))
    driver.told(state(2, 1), state(3))
    assert driver.reported == [2]


def test_progress_of_hosts_is_the_driver_s():
    driver = Driver()
    driver.told(Advanced(16, "loss 1"), Advanced(16, "loss 2"), Said("epoch 1"))
    assert (driver.progress.done, driver.said.getvalue()) == (32, "train: epoch 1\n")


def test_a_signal_waits_for_a_state_that_is_asked_for_once(hears_ctrl_c):
    driver = Driver()
    with driver.interrupts:
        assert not driver.followed.asks()
        driver.told(Advanced(16, ""))
        signal.raise_signal(signal.SIGINT)
        assert driver.followed.asks()
        assert not driver.followed.asks()
        with pytest.raises(KeyboardInterrupt):
            driver.told(state(0, 3))
    assert driver.kept == [0.75]


def test_a_signal_comes_through_where_no_host_is_at_work_yet(hears_ctrl_c):
    driver = Driver()
    with driver.interrupts:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            driver.followed.asks()


GLOO = "UNKNOWN: Gloo AllGather failed: [external/gloo] Connection closed by peer [127.0.0.1]:26276"
NCCL = "INTERNAL: NCCL operation ncclGroupEnd() failed: remote process exited"


@pytest.mark.parametrize(
    ("error", "memory", "another"),
    [
        (ValueError(GLOO), False, True),
        (RuntimeError(NCCL), False, True),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"), True, False),
        (ValueError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes"), True, False),
        (ValueError("Layer 'dense' expected 2 variables, but received 0"), False, False),
        (ValueError("an UNKNOWN: in the middle"), False, False),
        (CannotGoOn("no memory on disk: RESOURCE_EXHAUSTED"), False, False),
    ],
)
def test_what_another_try_mends_is_told_from_what_it_does_not(error, memory, another):
    assert (lacks_memory(error), tells_of_another(error)) == (memory, another)
