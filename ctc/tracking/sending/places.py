"""Where journals are: beside what a step makes, and how they are found again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ctc import storage
from ctc.errors import BadInput
from ctc.storage.unfinished import place_of
from ctc.tracking.sending.journal import FACTS, Journal

ALL = "all"
KNOWN = "journals"  # folder of the cache: a file with the place of each journal that was left


def home_of(output: str | None) -> Path:
    """Return the folder of the journals of runs that make `output`; None: they make nothing."""
    if output is None:
        return storage.cache_folder() / KNOWN / "own"
    place = place_of(output)
    return place.home / f".{place.name}.journal"


@contextmanager
def opened(output: str | None, run_id: str | None = None) -> Iterator[Journal]:
    """Hold a new journal of a run, or the one that the run has left, until the block ends.

    Args:
        output: what the run makes.
        run_id: of a run that goes on.

    Raises:
        BadInput: if another process is at work in it.
    """
    home = home_of(output)
    _sweep(home)
    left = [one for one in (*_below(home), *_known()) if run_id and one.run_id == run_id]
    journal = left[0] if left else Journal.new(home)
    with held(journal):
        journal.sweep()
        yield journal


@contextmanager
def held(journal: Journal) -> Iterator[None]:
    """Hold a journal.

    Raises:
        BadInput: if another process does.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(storage.only_one(journal.folder))
        except BlockingIOError as error:
            raise BadInput(
                f"'{journal.folder}' is the journal of a run that is at work and sends it by itself"
            ) from error
        yield


def remember(journal: Journal) -> None:
    """Make a journal one that is found by the id of its run, and by `all`."""
    folder = journal.folder.absolute()
    storage.write_bytes(str(_sign(journal)), str(folder).encode())


def forget(journal: Journal) -> None:
    """Remove a journal that has been sent, and every trace of it."""
    journal.remove()
    _sign(journal).unlink(missing_ok=True)


def journals_of(what: str) -> list[Journal]:
    """Return the journals that are meant: by a run's id, a journal's folder, an output, or `all`.

    Raises:
        BadInput: if there is none, but for `all`.
    """
    if what == ALL:
        return _known()
    found = [one for one in _known() if what in (one.run_id, one.key)]
    if not found and not storage.is_s3(what) and (Path(what) / FACTS).is_file():
        found = [Journal(Path(what))]
    found = found or _below(home_of(what))
    if not found:
        raise BadInput(
            f"run: nothing is kept for '{what}'; allowed: the id of a run, the output of its step, "
            f"a folder of a journal, or {ALL}"
        )
    return found


def _known() -> list[Journal]:
    signs = storage.cache_folder() / KNOWN
    found = []
    for sign in sorted(signs.glob("*.txt")):
        folder = Path(sign.read_text())
        if (folder / FACTS).is_file():
            found.append(Journal(folder))
        else:  # it was removed by hand
            sign.unlink(missing_ok=True)
    return found


def _below(home: Path) -> list[Journal]:
    found = sorted(home.iterdir()) if home.is_dir() else []
    return [Journal(folder) for folder in found if (folder / FACTS).is_file()]


def _sweep(home: Path) -> None:
    """Remove journals that have nothing to send and whose process is gone."""
    for journal in _below(home):
        with suppress(BadInput), held(journal):
            if not journal.numbers():
                journal.remove()


def _sign(journal: Journal) -> Path:
    return storage.cache_folder() / KNOWN / f"{journal.key}.txt"
