"""What one of several hosts does that fit a network together, by Keras on its JAX backend.

A network is computed as if one machine held the whole batch (`keras.distribution.DataParallel`),
and each host reads its part of it. All do the same steps in the same order: what only one of them
does must not compute with what they share, for the others would be waited for without end. So the
first alone tells what it has, and that is all.
"""

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras

from ctc.dataset.manifest import open_dataset
from ctc.dataset.mixture import Part
from ctc.dataset.reading import Share, damage_named
from ctc.errors import BadInput, CannotGoOn
from ctc.model.devices import CPU, leave_gpus, no_memory
from ctc.model.fitting.computing import as_planned
from ctc.model.fitting.fit import Fit, go_through
from ctc.model.fitting.watching import Watch
from ctc.model.network.backbones import build_network
from ctc.model.planning.training_plan import TrainingPlan
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.state import State
from ctc.progress import Progress

if TYPE_CHECKING:
    from ctc.tasks.hosts import Host

# How XLA begins what it says, by the codes of Abseil (absl/status/status.h): a lack of memory, and
# what may well come of another host that has gone.
NO_MEMORY = "RESOURCE_EXHAUSTED"
OF_ANOTHER = re.compile(
    "(UNKNOWN|UNAVAILABLE|ABORTED|CANCELLED|DEADLINE_EXCEEDED|INTERNAL|FAILED_PRECONDITION): "
)


@dataclass(frozen=True)
class Work:
    """What all hosts are given: what to do, the first weights, and where to go on."""

    plan: TrainingPlan
    weights: list[Any]
    state: State | None


@dataclass(frozen=True)
class Advanced:
    """So many pictures were shown, by all together."""

    pictures: int
    note: str


@dataclass(frozen=True)
class Said:
    """A line that stays."""

    text: str


def fit_on_host(work: Work, host: "Host") -> None:
    """Go through all phases, with the others; go on from what was kept last, if anything was.

    An error that another try does not mend ends the work of all. One of JAX is raised, for it
    says as a rule that another host is gone: then all are started anew.
    """
    import jax

    final = (BadInput, CannotGoOn, ValueError, TypeError, AssertionError)
    try:
        _fit(work, host)
        jax.distributed.shutdown()  # waits for all: none takes the end of another for its death
    except (jax.errors.JaxRuntimeError, *final) as error:
        if lacks_memory(error):
            computing = work.plan.computing
            devices = len(computing.devices) * computing.hosts
            host.fail(no_memory(work.plan.training.batch_size, devices))
        elif not isinstance(error, final) or tells_of_another(error):
            raise
        else:
            host.fail(error)


def lacks_memory(error: Exception) -> bool:
    """Say whether XLA has found too little memory."""
    return NO_MEMORY in str(error) and not isinstance(error, BadInput | CannotGoOn)


def tells_of_another(error: Exception) -> bool:
    """Say whether an error may come of another host that has gone.

    As a ValueError, JAX has told `UNKNOWN: Gloo AllGather failed: ... Connection closed by peer`.
    """
    return OF_ANOTHER.match(str(error)) is not None


def _fit(work: Work, host: "Host") -> None:
    leave_gpus()
    # A seed of its own, before all else: every host makes the same of it.
    keras.utils.set_random_seed(work.plan.params.seed)
    _join(host)
    plan, first = _plan_here(work.plan, host), host.number == 0
    with as_planned(plan), damage_named(plan.training, plan.validation):
        image, params = plan.training.image, plan.params
        network = build_network(params.model, plan.labels, image, "none")
        network.set_weights(work.weights)
        progress = Told(host) if first else Untold()
        watch = Watch(plan, network, lambda _: None, progress)  # the states tell of epochs
        keep = host.keep if first else None
        fit = Fit(network, plan, watch, keep, Asked(host) if first else Interrupts())
        go_through(fit, host.kept or work.state)


def _join(host: "Host") -> None:
    """Let JAX find the other hosts; the first listens at the one address that they look for."""
    os.environ["JAX_COORDINATOR_BIND_ADDRESS"] = host.address
    keras.distribution.initialize(host.address, host.hosts, host.number)
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))


def _plan_here(plan: TrainingPlan, host: "Host") -> TrainingPlan:
    """Return the plan with what is read here; TensorFlow, which reads, has the CPU alone."""
    mixture = plan.training.mixture.each(_part_here)
    here = plan.reading(mixture, Share(host.number, host.hosts))
    return replace(here, computing=replace(plan.computing, devices=(CPU,)))


def _part_here(part: Part) -> Part:
    """Open a dataset where this host sees it; one on S3 is fetched.

    Raises:
        CannotGoOn: if it is not there, or is another one.
    """
    uri = part.dataset.uri
    instead = "give one in a folder that all hosts share, or on s3://"
    try:
        dataset = open_dataset(uri)
    except BadInput as error:
        raise CannotGoOn(f"a host does not see the dataset ({error}): {instead}") from error
    if dataset.digest != part.dataset.digest:
        raise CannotGoOn(f"a host sees another dataset at '{uri}': {instead}")
    return replace(part, dataset=dataset)


class Told(Progress):
    """Progress that is told to the driver."""

    def __init__(self, host: "Host") -> None:
        super().__init__("train", 0, "pictures")
        self._host = host

    def advance(self, units: int = 1, note: str = "") -> None:
        """Tell of `units` more."""
        self._host.tell(Advanced(units, note))

    def say(self, text: str) -> None:
        """Tell a line that stays."""
        self._host.tell(Said(text))


class Untold(Progress):
    """Progress that is told by another host."""

    def __init__(self) -> None:
        super().__init__("train", 0, "pictures")

    def advance(self, units: int = 1, note: str = "") -> None:
        """Tell nothing."""

    def say(self, text: str) -> None:
        """Tell nothing."""


class Asked(Interrupts):
    """The signals of the driver: it has asked for a state, which it waits for to end all."""

    def __init__(self, host: "Host") -> None:
        super().__init__()
        self._host, self._answered = host, False

    @property
    def asked(self) -> bool:
        """Whether a state is asked for, once."""
        if self._answered:
            return False
        self._answered = self._host.asked
        return self._answered

    def let_through(self) -> None:
        """Let the driver do that."""
