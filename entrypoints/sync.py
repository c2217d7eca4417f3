"""Entry point `sync`: send what runs have logged while their tracking server was away."""

from typing import TYPE_CHECKING

from ctc.errors import CannotGoOn
from ctc.params import SyncParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    from ctc.tracking import Synced


def run(params: SyncParams, nested: bool = False) -> None:
    """Send each journal that is meant, in order, and say what became of it.

    Raises:
        CannotGoOn: if something could not be sent.
    """
    from ctc.tracking import journals_of, send, tracked_run

    journals = journals_of(params.run)
    with tracked_run("sync", params, nested) as tracked:
        done = [send(journal) for journal in journals]
        tracked.metrics({"runs": len(done), "entries": sum(one.entries for one in done)})
        for sentence in map(_in_words, done):
            print(f"sync: {sentence}")
        if not done:
            print("sync: nothing was left to be sent")
        wrong = [sentence for one in done for sentence in _wrong(one)]
        if wrong:
            raise CannotGoOn("; ".join(wrong))


def _in_words(one: "Synced") -> str:
    registered = f", its model registered as {one.version}" if one.version else ""
    ended = "" if one.ended or one.failure else "; it had not ended: `resume` lets it go on"
    return f"run {one.run_id} of `{one.step}`: {one.entries} entries sent{registered}{ended}"


def _wrong(one: "Synced") -> list[str]:
    kept = [f"run {one.run_id}: what is left stays kept: {one.failure}"] if one.failure else []
    return [*(f"run {one.run_id}: left out, {why}" for why in one.refused), *kept]


@step_command(SyncParams)
def main(params: SyncParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
