"""States of a training among the artifacts of its run.

Two slots take turns, each a file and a note on it, which is written last. Whenever an upload is
cut off, the other slot is whole, and its note tells.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow.exceptions import MlflowException

from ctc import storage
from ctc.errors import BadInput
from ctc.tracking.sending.failures import LONGEST_WHY

FOLDER = "state"
NAMES = ("a", "b")


@dataclass(frozen=True)
class Slot:
    """A state that was uploaded.

    Attributes:
        name: of the slot.
        progress: epochs that were done.
        sha256: of the file.
    """

    name: str
    progress: float
    sha256: str

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"state-{self.name}.npz"


@contextmanager
def artifacts_needed(run_id: str) -> Iterator[None]:
    """Say in a sentence that the states of a run cannot be read.

    Raises:
        BadInput: naming the run.
    """
    try:
        yield
    except BadInput:
        raise
    # Each kind of store has a library that raises errors of its own.
    except Exception as error:
        why = " ".join(str(error).split())[:LONGEST_WHY]
        raise BadInput(f"resume: the artifacts of run {run_id} cannot be read: {why}") from error


def uploaded(run_id: str) -> list[Slot]:
    """Return the slots of a run that have a note, the latest first."""
    files = mlflow.MlflowClient().list_artifacts(run_id, FOLDER)
    there = {Path(file.path).name for file in files}
    found = [_note(run_id, name) for name in NAMES if f"{name}.json" in there]
    return sorted(filter(None, found), key=lambda slot: slot.progress, reverse=True)


def upload(run_id: str, path: Path, progress: float, slots: list[Slot]) -> list[Slot]:
    """Put a state into the slot that is empty or older; return all slots, the latest first.

    Args:
        run_id: of the run.
        path: the file.
        progress: epochs that are done in it.
        slots: those of the run, the latest first.
    """
    taken = slots[0].name if slots else NAMES[1]
    slot = Slot(next(name for name in NAMES if name != taken), progress, storage.sha256(path))
    client = mlflow.MlflowClient()
    named = path.rename(path.with_name(slot.file))  # an artifact has the name of its file
    try:
        client.log_artifact(run_id, str(named), FOLDER)
        client.log_dict(run_id, asdict(slot), f"{FOLDER}/{slot.name}.json")
    finally:
        named.rename(path)
    return [slot, *slots[:1]]


def fetch(run_id: str, slot: Slot, target: Path) -> bool:
    """Bring the file of a slot to `target`; say whether it is the one that its note tells of."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as folder:
        uri = f"runs:/{run_id}/{FOLDER}/{slot.file}"
        got = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        if storage.sha256(got) != slot.sha256:
            return False
        got.replace(target)
    return True


def _note(run_id: str, name: str) -> Slot | None:
    try:
        return Slot(**mlflow.artifacts.load_dict(f"runs:/{run_id}/{FOLDER}/{name}.json"))
    except (MlflowException, json.JSONDecodeError, TypeError):
        return None  # its upload was cut off
