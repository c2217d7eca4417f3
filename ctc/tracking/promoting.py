"""Moves an alias, and notices when someone else moves it at the same time.

MLflow has no compare-and-set: whoever sets an alias last has it, and the one before is not told. So
each announces the move by a tag of its own on the registered model, then looks for announcements of
others, then at the alias, and only then moves it. Of two who announce before either has looked,
both see the other and neither moves; of two who do not, the later sees the alias that the earlier
has moved. This holds for a registry in which a write is seen by every read after it. Who moves the
alias in the UI or by other code does not announce it: if that falls after our move, it is noticed
when we look again; if it falls in the milliseconds between our last look and our move, it is not.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import mlflow
from mlflow.exceptions import MlflowException

from ctc.tracking.registry import CHAMPION, PREVIOUS, Standing, holder

ANNOUNCED = "promoting"  # the tag is <ANNOUNCED>.<alias>.<run>, its value the version
REPLACED = "promotion.replaced"  # tag of a version: which one it was set in place of


class Overtaken(RuntimeError):
    """Someone else moved the alias, or was about to; its text is one sentence."""


def promote(seen: Standing, run_id: str) -> None:
    """Give the alias to the version; the champion before becomes `previous`.

    Args:
        seen: what the decision was made for.
        run_id: of the run in which this happens.

    Raises:
        Overtaken: if the registry does not say what was seen any more.
    """
    with _announced(seen, run_id):
        _check_holder(seen, seen.holder, "nothing was moved")
        client = mlflow.MlflowClient()
        client.set_model_version_tag(seen.name, seen.version, REPLACED, seen.holder or "")
        _move(seen, seen.holder)


def roll_back(seen: Standing, run_id: str) -> str | None:
    """Give the champion's alias back to the version before; return what is `previous` now.

    That is the version which the new champion had replaced in its time, if any: a second rollback
    goes back one more.

    Raises:
        Overtaken: see `promote`.
    """
    with _announced(seen, run_id):
        _check_holder(seen, seen.holder, "nothing was moved")
        before = _replaced_by(seen)
        _move(seen, before)
    return before


def _replaced_by(seen: Standing) -> str | None:
    """Return the version that was champion before this one, if it is still there."""
    client = mlflow.MlflowClient()
    before = client.get_model_version(seen.name, seen.version).tags.get(REPLACED)
    if not before:
        return None
    with suppress(MlflowException):
        return str(client.get_model_version(seen.name, before).version)
    return None


def _move(seen: Standing, previous: str | None) -> None:
    client = mlflow.MlflowClient()
    if seen.alias == CHAMPION and previous is not None:
        client.set_registered_model_alias(seen.name, PREVIOUS, previous)
    elif seen.alias == CHAMPION and holder(seen.name, PREVIOUS) is not None:
        # Not asked for in vain: a server with passwords lets fewer people take an alias away.
        client.delete_registered_model_alias(seen.name, PREVIOUS)
    client.set_registered_model_alias(seen.name, seen.alias, seen.version)
    _check_holder(seen, seen.version, f"version {seen.version} had it for a moment")


def _check_holder(seen: Standing, expected: str | None, done: str) -> None:
    now = holder(seen.name, seen.alias)
    if now != expected:
        who = f"version {now} has" if now else "no version has"
        was = f"version {expected}" if expected else "none"
        raise Overtaken(
            f"someone else moved '{seen.alias}' of '{seen.name}' meanwhile: {who} it now, not {was}"
            f"; {done}"
        )


@contextmanager
def _announced(seen: Standing, run_id: str) -> Iterator[None]:
    """Say what is going to be done for as long as it takes.

    Raises:
        Overtaken: if someone else says so too.
    """
    client, key = mlflow.MlflowClient(), f"{ANNOUNCED}.{seen.alias}.{run_id}"
    client.set_registered_model_tag(seen.name, key, seen.version)
    try:
        _check_alone(seen, key)
        yield
    finally:
        client.delete_registered_model_tag(seen.name, key)


def _check_alone(seen: Standing, own: str) -> None:
    tags = mlflow.MlflowClient().get_registered_model(seen.name).tags
    for key, version in tags.items():
        run_id = key.removeprefix(f"{ANNOUNCED}.{seen.alias}.")
        if run_id != key and key != own and not _has_ended(run_id):
            raise Overtaken(
                f"run {run_id} is about to give '{seen.alias}' of '{seen.name}' to version "
                f"{version}; nothing was moved: try again when it has, or, if it was broken off, "
                f"when its tag '{key}' is removed from the registered model"
            )


def _has_ended(run_id: str) -> bool:
    """Whether a run is known to have ended; one that was killed outright is not."""
    with suppress(MlflowException):
        return mlflow.get_run(run_id).info.status not in ("RUNNING", "SCHEDULED")
    return False
