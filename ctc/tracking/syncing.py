"""Sends what runs have kept, when their servers are there again."""

from dataclasses import dataclass

from ctc.tracking.sending.delivering import Delivery
from ctc.tracking.sending.failures import Failure
from ctc.tracking.sending.journal import Entry, Journal
from ctc.tracking.sending.places import forget, held, journals_of

__all__ = ["Synced", "journals_of", "send"]


@dataclass(frozen=True)
class Synced:
    """What became of a journal.

    Attributes:
        run_id: of the run; None if it could not be begun.
        step: of the run.
        entries: how many were sent.
        refused: of those that the server will never take, why.
        failure: why the rest was not sent; None if all was.
        ended: whether the run has come to an end.
        version: what its model is registered as, if it is.
    """

    run_id: str | None
    step: str
    entries: int
    refused: tuple[str, ...]
    failure: str | None
    ended: bool
    version: str | None


def send(journal: Journal) -> Synced:
    """Send a journal from its first entry to its last, or until the server fails.

    What it will never take is left out. A journal that has been sent is gone.

    Raises:
        BadInput: if the run is at work and sends it by itself.
    """
    delivery, sent, refused = Delivery(journal), 0, []
    failure: Failure | None = None
    ended = False
    with held(journal):
        for number in journal.numbers():
            entry = journal.entry(number)
            failure = _sent(delivery, entry)
            if failure is not None and not (failure.is_final and entry.kind != "begin"):
                break
            if failure is not None:
                refused.append(f"{entry.kind}: {failure.sentence}")
            journal.drop(number)
            sent, failure = sent + 1, None
            ended = entry.kind == "end"
        if failure is None:
            forget(journal)
    return Synced(
        run_id=journal.run_id,
        step=str(journal.facts.get("step", "")),
        entries=sent,
        refused=tuple(refused),
        failure=failure.sentence if failure else None,
        ended=ended,
        version=_version(journal),
    )


def _sent(delivery: Delivery, entry: Entry) -> Failure | None:
    try:
        delivery.deliver(entry)
    # Each kind of store has a library that raises errors of its own.
    except Exception as error:
        failure = delivery.failure_of(error)
        if failure is None:
            raise
        return failure
    return None


def _version(journal: Journal) -> str | None:
    name, version = journal.facts.get("name"), journal.facts.get("version")
    return f"{name} version {version}" if version else None
