"""One function on several hosts of a Ray cluster at once, by Ray Train.

Hosts that work together fail together: where one dies, all are started anew. What they tell goes
over a desk, a small process on the driver's machine, which keeps the latest that those who are
started anew go on from. It holds bytes and loads nothing.
"""

import pickle
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ctc.errors import CannotGoOn
from ctc.tasks.joining import joined

# isort: split
import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

RESTARTS = 20  # of all hosts, within one training
WAITS = 10  # for the machines to be there, of a minute each
LOOK_S = 0.2  # between two looks at what was told
ASK_S = 0.5  # between two questions of a host whether to stop


@dataclass(frozen=True)
class Failure:
    """What a host met that another try does not mend."""

    error: Exception


class Desk:
    """What hosts tell the driver, and what it asks of them."""

    def __init__(self) -> None:
        self._told: list[bytes] = []
        self._kept: bytes | None = None
        self._asked = False

    def tell(self, what: bytes, keep: bool) -> None:
        """Take something; those that are started anew get the latest that is to be kept."""
        self._told.append(what)
        if keep:
            self._kept = what

    def take(self) -> list[bytes]:
        """Return what was told since the last call."""
        told, self._told = self._told, []
        return told

    def kept(self) -> bytes | None:
        """Return the latest that is to be kept."""
        return self._kept

    def ask(self) -> None:
        """Ask for what is to be kept, now."""
        self._asked = True

    def asked(self) -> bool:
        """Say whether the driver has asked."""
        return self._asked


class Host:
    """One of the hosts, for the function that runs there.

    Attributes:
        number: of this host, from 0.
        hosts: how many there are.
        address: HOST:PORT of number 0, where they can find each other; the port is free.
    """

    def __init__(self, desk: Any, number: int, hosts: int, address: str) -> None:
        self.number, self.hosts, self.address = number, hosts, address
        self._desk = desk
        self._asked, self._looked = False, time.monotonic()

    def tell(self, what: object) -> None:
        """Tell the driver something, without waiting until it is there."""
        self._desk.tell.remote(pickle.dumps(what), keep=False)

    def fail(self, error: Exception) -> None:
        """End all the work: the driver raises this error, which can be pickled."""
        self.tell(Failure(error))

    def keep(self, what: object) -> None:
        """Tell the driver what hosts that are started anew go on from."""
        ray.get(self._desk.tell.remote(pickle.dumps(what), keep=True))

    @property
    def kept(self) -> Any:
        """The latest that was kept; None before."""
        kept = ray.get(self._desk.kept.remote())
        return None if kept is None else pickle.loads(kept)

    @property
    def asked(self) -> bool:
        """Whether the driver asks for what is to be kept; it is looked up now and then."""
        if not self._asked and time.monotonic() - self._looked >= ASK_S:
            self._asked, self._looked = ray.get(self._desk.asked.remote()), time.monotonic()
        return bool(self._asked)


@dataclass(frozen=True)
class Hosts:
    """Hosts at work, for the driver."""

    desk: Any
    done: "Future[None]"

    def told(self) -> Iterator[list[Any]]:
        """Yield what was told since the last time, a few times a second, until all are done.

        Raises:
            CannotGoOn: if the hosts died again and again, were never there, or lack something.
            Exception: what a host has failed by (see `Host.fail`), after all that was told before.
        """
        while True:
            last = self.done.done()
            told = [pickle.loads(what) for what in ray.get(self.desk.take.remote())]
            failures = [what.error for what in told if isinstance(what, Failure)]
            yield [what for what in told if not isinstance(what, Failure)]
            if failures:
                raise failures[0]
            if last:
                return self._end()
            time.sleep(LOOK_S)

    def ask(self) -> None:
        """Ask for what is to be kept, now."""
        self.desk.ask.remote()

    def _end(self) -> None:
        from ray.train import TrainingFailedError

        try:
            self.done.result()
        except (TrainingFailedError, RayError) as error:
            why = str(error).strip().partition("\n")[0]
            raise CannotGoOn(
                f"the hosts were not there within {WAITS} minutes, or died more than {RESTARTS} "
                f"times ({why})"
            ) from error


@contextmanager
def at_work(
    function: Callable[[Any, Host], None],
    argument: object,
    hosts: int,
    gpus: int,
    environment: Mapping[str, str],
) -> Iterator[Hosts]:
    """Run a function on several hosts at once; leaving the block ends them.

    Args:
        function: of the argument and a `Host`; importable by name on every machine.
        argument: can be pickled.
        hosts: how many; each a machine of its own, but where no cluster is named.
        gpus: that each is to have; 0: it computes on the CPU.
        environment: variables of each process, set before anything is loaded there.

    Raises:
        BadInput: if the cluster cannot be joined.
        CannotGoOn: if workers could not be started here.
    """
    with joined(hosts) as here, tempfile.TemporaryDirectory() as folder:
        desk = _desk()
        given = {"desk": desk, "work": ray.put(pickle.dumps((function, argument)))}
        scaling = {
            "num_workers": hosts,
            "use_gpu": gpus > 0,
            "resources_per_worker": {"GPU": gpus} if gpus else {"CPU": 1},
            "placement_strategy": "PACK" if here else "STRICT_SPREAD",
        }
        yield Hosts(desk, _in_thread(_launch, given, scaling, dict(environment), folder))


def _in_thread(function: Callable[..., None], *arguments: Any) -> "Future[None]":
    """Run a function in a thread that the end of this process does not wait for."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            function(*arguments)
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return done


def _desk() -> Any:
    """Start the desk on this machine: it is there as long as this process is."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options: dict[str, Any] = {"num_cpus": 0, "scheduling_strategy": here}
    return ray.remote(Desk).options(**options).remote()


def _launch(
    given: dict[str, Any], scaling: dict[str, Any], environment: dict[str, str], folder: str
) -> None:
    """Run the hosts to their end, in this thread."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    DataParallelTrainer(
        _work,
        train_loop_config=given,
        scaling_config=ScalingConfig(**scaling),
        run_config=RunConfig(
            storage_path=folder,
            failure_config=FailureConfig(max_failures=RESTARTS, controller_failure_limit=WAITS),
            worker_runtime_env={"env_vars": environment},
        ),
    ).fit()


def _work(given: dict[str, Any]) -> None:
    """Do what a host has to do; this is what Ray runs there."""
    from ray.train import get_context
    from ray.train.collective import broadcast_from_rank_zero

    number = get_context().get_world_rank()
    address = broadcast_from_rank_zero(_free_address() if number == 0 else None)
    host = Host(given["desk"], number, get_context().get_world_size(), address)
    try:
        function, argument = pickle.loads(ray.get(given["work"]))
    except ImportError as error:
        host.fail(CannotGoOn(f"a host lacks what this machine has ({error}): install it there"))
        return
    function(argument, host)


def _free_address() -> str:
    host = ray.util.get_node_ip_address()
    with socket.socket() as found:
        found.bind((host, 0))
        return f"{host}:{found.getsockname()[1]}"
