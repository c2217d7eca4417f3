"""Fits a network over several hosts, from the driver: it gives the work and takes the states.

The hosts compute, by Keras on JAX (see `on_host`); they know nothing of a run. The state that
comes from them is that of a training on one machine, so either goes on with the other's.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras

from ctc import storage
from ctc.dataset.mixture import Part
from ctc.model.devices import CPU
from ctc.model.fitting.fit import pictures, pictures_before
from ctc.model.fitting.on_host import Advanced, Said, Work, fit_on_host
from ctc.model.fitting.watching import Epoch
from ctc.model.planning.training_plan import TrainingPlan
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.keeping import Keep
from ctc.model.resuming.state import State
from ctc.progress import Progress

STATE_WITHIN_S = 30.0  # after a signal: hosts one of which has died may tell nothing for longer


def fit_over_hosts(
    plan: TrainingPlan,
    network: keras.Model,
    report: Callable[[Epoch], None],
    keep: Keep | None,
    state: State | None,
) -> State:
    """Go through all phases and return the last state.

    Args:
        plan: what to do.
        network: with the weights that all hosts start from.
        report: is called after each epoch.
        keep: is called with each state, if it is given.
        state: where to go on; None: at the beginning.

    Raises:
        CannotGoOn: see `train`, and if the hosts died again and again.
    """
    from ctc.tasks.hosts import at_work  # Ray is loaded where it is asked for, and nowhere else

    computing = plan.computing
    gpus = 0 if computing.devices == (CPU,) else len(computing.devices)
    work = Work(_for_other_machines(plan), network.get_weights(), state)
    with Progress("train", pictures(plan), "pictures") as progress, Interrupts() as interrupts:
        progress.keep(pictures_before(plan, state))
        followed = Followed(report, keep, progress, interrupts, state)
        with at_work(fit_on_host, work, computing.hosts, gpus, _environment(gpus)) as hosts:
            for told in hosts.told():
                for one in told:
                    followed.take(one)
                if followed.asks():
                    hosts.ask()
    assert followed.state is not None
    return followed.state


class Followed:
    """What the driver does with what it is told.

    Attributes:
        state: the latest.
    """

    def __init__(
        self,
        report: Callable[[Epoch], None],
        keep: Keep | None,
        progress: Progress,
        interrupts: Interrupts,
        state: State | None,
    ) -> None:
        self.state = state
        self._report, self._keep = report, keep
        self._progress, self._interrupts = progress, interrupts
        self._at_work = False
        self._asked_at: float | None = None

    def take(self, told: Any) -> None:
        """Do what belongs to something that was told."""
        if isinstance(told, State):
            self._take_state(told)
        elif isinstance(told, Said):
            self._progress.say(told.text)
        elif isinstance(told, Advanced):
            self._at_work = True
            self._progress.advance(told.pictures, told.note)

    def asks(self) -> bool:
        """Say whether a state is to be asked for now, as a signal waits for it.

        The signal comes through where there is none to wait for.
        """
        if not self._interrupts.asked:
            return False
        first = self._asked_at is None
        self._asked_at = self._asked_at or time.monotonic()
        if not self._at_work or time.monotonic() - self._asked_at > STATE_WITHIN_S:
            self._interrupts.let_through()
        return first

    def _take_state(self, state: State) -> None:
        """Report each epoch once: hosts that were started anew may tell of it again."""
        known = len(self.state.epochs) if self.state else 0
        for epoch in state.epochs[known:]:
            self._report(epoch)
        if self.state is None or state.progress >= self.state.progress:
            self.state = state
            if self._keep is not None:
                self._keep(state)
        self._interrupts.let_through()


def _for_other_machines(plan: TrainingPlan) -> TrainingPlan:
    """Return a plan without the parent, whose weights are in the network, and with whole paths."""
    mixture = plan.training.mixture.each(_by_whole_path)
    return replace(plan.reading(mixture), parent=None)


def _by_whole_path(part: Part) -> Part:
    dataset = part.dataset
    if storage.is_s3(dataset.uri):
        return part
    return replace(part, dataset=replace(dataset, uri=str(dataset.folder.resolve())))


def _environment(gpus: int) -> dict[str, str]:
    return {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cuda,cpu" if gpus else "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
