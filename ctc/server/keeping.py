"""Runs a command for as long as the process that asked for it is there.

    python keeping.py COMMAND ...

Who is killed outright cannot end what it has started. So this process stands between the two, as
the first of a process group: its input is a pipe that closes when the other side has gone, and
then it ends the group. It is run as a file and knows the standard library alone, to start at once.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType


def main(command: Sequence[str]) -> int:
    """Run the command; return its exit code, as a shell would say it."""
    # The whole group is asked to end, and this process waits for the command. A handler of its
    # own, for a signal that is ignored would be ignored by the command too.
    signal.signal(signal.SIGTERM, _wait_on)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_the_other_side, daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


def _wait_on(_number: int, _frame: FrameType | None) -> None:
    pass


def _end_with_the_other_side() -> None:
    os.read(0, 1)  # not by sys.stdin, which is locked by who reads when Python ends
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
