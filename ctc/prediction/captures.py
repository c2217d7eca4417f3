"""The captures to be labelled, from wherever they come."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ctc import storage
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.inventory.merging.observations import Columns, Origin, merge
from ctc.inventory.sources.delimited import CsvTable
from ctc.inventory.sources.folders import is_picture, list_pictures
from ctc.inventory.sources.paths import mended_paths
from ctc.inventory.table import CAPTURE_ID, IMAGES, RESERVED, Inventory
from ctc.params import PredictParams


@dataclass(frozen=True)
class PhotoCapture:
    """One capture and its pictures.

    Attributes:
        capture_id: its name.
        images: encoded pictures, or URIs where they can be read.
        truth: known labels; a missing one is not in it.
        metadata: what else is known, such as its location.
        given_names: how the source names the pictures, where that is known.
    """

    capture_id: str
    images: tuple[bytes | str, ...]
    truth: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    given_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the pictures: as given, or where they can be read, or their numbers."""
        return self.given_names or tuple(
            one if isinstance(one, str) else str(number)
            for number, one in enumerate(self.images, start=1)
        )


def captures_of(params: PredictParams) -> list[PhotoCapture]:
    """List the captures of an inventory, of a CSV, of a folder, where every picture is one, or of
    one picture.

    Raises:
        BadInput: if there is no such folder, table or column, or nothing in it.
    """
    if storage.is_folder(params.images):
        return _of_folder(params)
    if is_picture(params.images):
        return [PhotoCapture(storage.name(params.images), (params.images,))]
    is_inventory = params.images.endswith(".parquet")
    captures = _of_inventory(params) if is_inventory else _of_table(params)
    if not captures:
        raise BadInput(f"'{params.images}' holds no captures")
    return captures


def captures_of_dataset(
    dataset: Dataset | Mixture, splits: tuple[str, ...]
) -> Iterator[PhotoCapture]:
    """Yield the captures of some splits with their true labels."""
    for record in dataset.records(splits):
        yield PhotoCapture(record.capture_id, record.images, record.labels, record.metadata)


def _of_folder(params: PredictParams) -> list[PhotoCapture]:
    names = list_pictures(params.images).pictures
    return _below(params.images, {name: [name] for name in names})


def _of_inventory(params: PredictParams) -> list[PhotoCapture]:
    inventory = Inventory.read(params.images)
    rows = inventory.table.select([CAPTURE_ID, IMAGES]).to_pylist()
    once = {row[CAPTURE_ID]: row[IMAGES] for row in rows}  # all observations of one are alike
    return _below(inventory.root if params.image_root == "auto" else params.image_root, once)


def _of_table(params: PredictParams) -> list[PhotoCapture]:
    columns = Columns(params.capture_id, params.image_columns, labels=(), metadata=())
    table = CsvTable.open(params.images)
    rows, images, _ = mended_paths(table.rows(columns.used), params.image_columns)
    merged = merge(rows, replace(columns, images=images), Origin(params.images))
    found = dict(zip(*(merged.table[name].to_pylist() for name in RESERVED), strict=True))
    auto = params.image_root == "auto"
    return _below(storage.parent(params.images) if auto else params.image_root, found)


def _below(root: str, images: dict[str, list[str]]) -> list[PhotoCapture]:
    """Return the captures of pictures whose paths start from `root`."""
    return [
        PhotoCapture(
            name, tuple(storage.join(root, path) for path in paths), given_names=tuple(paths)
        )
        for name, paths in images.items()
    ]
