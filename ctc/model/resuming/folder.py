"""The working folder of a training, beside its output: where its state is kept."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ctc import storage
from ctc.errors import BadInput
from ctc.model.resuming.state import FILE, State


def working_folder(output: Path) -> Path:
    """Return the folder in which the training of a classifier keeps its state."""
    return output.with_name(f".{output.name}.training")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the working folder of a training, and clear it of what a killed one left half done.

    Raises:
        BadInput: if another training is at work in it on this machine.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(storage.only_one(folder))
        except BlockingIOError as error:
            raise BadInput(
                f"another training keeps its state in '{folder}' now; wait for its end, or name "
                "another `output`"
            ) from error
        for path in folder.iterdir():
            if path.is_dir():
                storage.remove_folder(path)
            elif path.name != FILE:
                path.unlink()
        yield


def kept_state(folder: Path, training: str) -> State | None:
    """Return the state of a training, by its id; None if there is none that is whole."""
    return State.read(folder / FILE, training)
