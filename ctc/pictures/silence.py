"""Keeps what libraries say about a broken file off the screen: a picture that cannot be read is
reported as such, once.
"""

import logging
import os
import threading
import warnings

# Pillow's few log messages would else go to stderr; who listens to the logger still gets them.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class _NoWarnings:
    """Silences warnings while any thread is inside.

    `warnings.catch_warnings` alone may leave them silent for ever when threads overlap: the
    first to leave would put back what the second had found.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._caught.__exit__(None, None, None)


class _NoStderr:
    """Sends what C code writes to stderr nowhere, for libtiff prints each fault of a file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stderr = -1

    def __enter__(self) -> None:
        self._lock.acquire()
        self._stderr = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def __exit__(self, *exception: object) -> None:
        os.dup2(self._stderr, 2)
        os.close(self._stderr)
        self._lock.release()


# One of each for the process, for both change what all its threads share.
NO_WARNINGS, NO_STDERR = _NoWarnings(), _NoStderr()
