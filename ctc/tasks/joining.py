"""Joins a Ray cluster, or starts workers on this machine alone.

RAY_ADDRESS names the cluster, of which this machine has to be a node. Without it, workers are
started on this machine alone, as Ray does it, and end with this process: `ray.init` would look for
any cluster that once ran here.
"""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ctc.errors import BadInput, CannotGoOn
from ctc.tasks.address import ADDRESS

# Read when Ray is loaded: nothing is told to its makers.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray

HERE = "local"
STARTS = 3  # Ray gives up workers that are not there within 30 s, as on a busy machine


@contextmanager
def joined(processes: int) -> Iterator[bool]:
    """Be a driver of the cluster in this block; give whether it is of this machine alone.

    Args:
        processes: that such a one has.

    Raises:
        BadInput: if the cluster cannot be joined.
        CannotGoOn: if workers could not be started here.
    """
    address = os.environ.get(ADDRESS) or HERE
    own = {"num_cpus": processes, "include_dashboard": False} if address == HERE else {}
    _connect(address, **own)
    try:
        yield address == HERE
    finally:
        ray.shutdown()


def _connect(address: str, **own: Any) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _begin(address, STARTS if address == HERE else 1, own)
    except Exception as error:  # Ray has no narrower one for processes that start too slowly
        why = str(error).strip().partition("\n")[0]
        if address == HERE:
            raise CannotGoOn(
                f"Ray could not start its workers here ({why}); give the same command again"
            ) from error
        raise BadInput(
            f"no Ray cluster can be joined at '{address}', which {ADDRESS} names: {why}"
        ) from error
    finally:
        # Ray leaves the process at once; whoever called has a run to end before.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _begin(address: str, times: int, own: dict[str, Any]) -> None:
    for left in reversed(range(times)):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
            return
        except Exception:  # see `_connect`
            ray.shutdown()
            if not left:
                raise
