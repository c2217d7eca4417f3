"""What cannot work, and what broke off, said in one sentence."""

import errno
from collections.abc import Iterable

# Of an OSError: the disk, the share of it that a user has, or the file is full.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class BadInput(ValueError):
    """Input that cannot be used; its text is one sentence: what was found, where, what is allowed.

    An entry point prints it and exits with 2, before any work is done.
    """


class CannotGoOn(RuntimeError):
    """Work that was begun and cannot go on; its text is one sentence: what happened, what helps.

    An entry point prints it and exits with 1; what was finished until then is kept.
    """


def one_of(what: str, found: str, allowed: Iterable[str]) -> str:
    """Return `found` if it is allowed.

    Raises:
        BadInput: naming `what`, what was found and everything that is allowed.
    """
    choices = list(allowed)
    if found not in choices:
        raise BadInput(f"unknown {what} '{found}'; allowed: {', '.join(choices) or 'none'}")
    return found
