"""The seam through which work over many pictures runs: tasks on an executor.

A task is a pure function of one argument that writes one whole file and may be run twice
without harm. The executor is processes of this machine, or a Ray cluster.
"""

from ctc.tasks.machine import AHEAD, cores, readers
from ctc.tasks.pool import TRIES
from ctc.tasks.running import LOCAL, RAY, check_engine, check_hosts, run_tasks

__all__ = [
    "AHEAD",
    "LOCAL",
    "RAY",
    "TRIES",
    "check_engine",
    "check_hosts",
    "cores",
    "readers",
    "run_tasks",
]
