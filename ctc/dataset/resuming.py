"""Where a dataset is written until it is complete, so that a run that was stopped can go on.

All of it has names that follow from the output and from what decides the content, and lies beside
the output (for one on S3: in the cache of this machine):

    .NAME.KEY.partial/dataset/   the finished shards; becomes the output by a rename
    .NAME.KEY.partial/reports/   see `ctc.dataset.reports`
    .NAME.KEY.partial/begun.json the `Origin`, for those who find the folder
    .NAME.former                 the former output, between the two renames that replace it
    .NAME.lock                   held by the run that writes
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import PIL

from ctc import storage
from ctc.dataset.manifest import MANIFEST, SCHEMA_VERSION, Dataset, read_manifest
from ctc.dataset.planning import Plan
from ctc.dataset.reports import REPORTS
from ctc.errors import BadInput
from ctc.parameter import as_text
from ctc.pictures.fingerprints import VERSION
from ctc.storage.unfinished import Place, differences, key_of, sweep

BEGUN = "begun.json"
# Parameters that change no byte of a dataset; the image root stands there as it was resolved.
NOT_IN_CONTENT = {
    "output", "workers", "engine", "inventory", "image_root", "private", "resume",
    "burst_seconds", "offline",
}  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """What decides every byte of a dataset: parameters, inventory, versions."""

    parameters: dict[str, Any]
    inventory_digest: str
    written_by: str

    @property
    def key(self) -> str:
        """A name for it, 12 hexadecimal digits."""
        return key_of(asdict(self))

    def differences(self, now: "Origin") -> str:
        """Say in which parts `now` is another, as in `quality=85 (now 90)`."""
        return differences(self._flat(), now._flat())

    def _flat(self) -> dict[str, Any]:
        own = {"inventory": f"digest {self.inventory_digest}", "written by": self.written_by}
        return {**self.parameters, **own}


def origin_of(plan: Plan) -> Origin:
    """Return what decides the bytes of a planned dataset."""
    given = {k: as_text(v) for k, v in asdict(plan.params).items() if k not in NOT_IN_CONTENT}
    # Another version of the library may encode the same picture in other bytes.
    formats = f"format {SCHEMA_VERSION}, fingerprints {VERSION}"
    written_by = f"{formats}, Pillow {PIL.__version__}"
    return Origin({**given, "image_root": plan.root}, plan.inventory.digest, written_by)


def begin(place: Place, origin: Origin, resume: bool) -> Path:
    """Make the folder for the work, or find it as an earlier run left it."""
    work = place.work(origin.key)
    if not resume:
        storage.remove_folder(work)
    (work / "dataset").mkdir(parents=True, exist_ok=True)
    sweep(work / "dataset")
    storage.write_bytes(str(work / BEGUN), json.dumps(asdict(origin), indent=1).encode())
    return work


def give_up(work: Path) -> None:
    """Leave the work to the next run, if there is anything worth it."""
    if not any((work / REPORTS).glob("[!.]*")):
        storage.remove_folder(work)


def remarks(place: Place, origin: Origin) -> Iterator[str]:
    """Yield a sentence on each dataset and unfinished work of another origin at this place."""
    former = _former_origin(place)
    if isinstance(former, str):
        yield f"{former}; it is replaced"
    elif former and former != origin:
        what = f"the dataset at '{place.output}' was written with {former.differences(origin)}"
        yield f"{what}; it is replaced"
    for work in place.unfinished():
        if work != place.work(origin.key):
            begun = f"with {other.differences(origin)}" if (other := _begun(work)) else "otherwise"
            yield (
                f"unfinished work that was begun {begun} lies at '{work}'; it is kept: write that "
                "dataset to its end, or delete the folder"
            )


def origin_in(dataset: Dataset) -> Origin:
    """Return what decided the bytes of a dataset, as its manifest says it."""
    return Origin(dataset.parameters, dataset.inventory_digest, dataset.written_by)


def _former_origin(place: Place) -> Origin | str | None:
    try:
        return origin_in(read_manifest(place.output))
    except BadInput as error:
        return str(error) if storage.exists(storage.join(place.output, MANIFEST)) else None


def _begun(work: Path) -> Origin | None:
    try:
        return Origin(**json.loads((work / BEGUN).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
