"""What this machine has for work over many pictures."""

import ctypes
import os

from ctc import storage

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h; see mallopt(3)
LARGEST_MMAP_THRESHOLD = 4 * 1024 * 1024 * 8  # on 64 bits, in bytes; the same manual page
KEPT_BYTES = 64_000_000
READERS_ON_S3 = 16
AHEAD = 2  # tasks a worker that are given away at once: memory stays flat however many there are


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def readers(root: str) -> int:
    """Return how many threads read files below `root`: more from a store, which is waited for."""
    return max(READERS_ON_S3, cores()) if storage.is_s3(root) else cores()


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, up to `KEPT_BYTES`, where it is glibc.

    Pictures come and go by the megabyte. By default each is given back to the system and the next
    one asked for anew, page by page, which takes a tenth of the time of writing shards.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
