"""Where captures to be labelled come from: every kind of source that an inventory is read from."""

from dataclasses import replace

import pyarrow as pa

from ctc import storage
from ctc.errors import BadInput, one_of
from ctc.inventory.sources import SOURCES, take_inventory
from ctc.inventory.sources.camtrap_dp.packages import DESCRIPTION
from ctc.inventory.sources.documents import Document
from ctc.inventory.sources.folders import is_picture
from ctc.inventory.table import CAPTURE_ID, IMAGES, Inventory
from ctc.params import PredictParams, UnlabelledParams
from ctc.prediction.photos.bursts import in_bursts
from ctc.prediction.photos.captures import Captures

AUTO, FOLDERS, CSV, INVENTORY = "auto", "folders", "csv", "inventory"
JSON, COCO, CAMTRAP_DP, MEGADETECTOR = "json", "coco", "camtrap_dp", "megadetector"


def captures_of(params: PredictParams) -> Captures:
    """List the captures of a source.

    Raises:
        BadInput: if there is no such folder, table or column, nothing in it, or a picture that
            climbs out of the image root; and for `capture_gap` where captures are named.
    """
    kind = kind_of(params.images) if params.source == AUTO else params.source
    one_of("source", kind, (*SOURCES, INVENTORY))
    if params.capture_gap is not None and kind != FOLDERS:
        raise BadInput(
            f"capture_gap: found {params.capture_gap} with source={kind}, which names its captures "
            "itself; allowed with a folder of pictures"
        )
    inventory = _inventory(params, kind)
    if not inventory.table.num_rows:
        raise BadInput(f"'{params.images}' holds no captures")
    if params.capture_gap is not None:
        inventory = in_bursts(inventory, params.capture_gap)
    return Captures.of(inventory, kind)


def kind_of(images: str) -> str:
    """Tell what kind of source something is, by its name, and a JSON file by its content.

    Raises:
        BadInput: for a file that ends in .json and is none.
    """
    if storage.is_folder(images):
        described = storage.exists(storage.join(images, DESCRIPTION))
        return CAMTRAP_DP if described else FOLDERS
    name = storage.name(images).lower()
    if is_picture(name):
        return FOLDERS
    if name.endswith(".parquet"):
        return INVENTORY
    if name == DESCRIPTION or name.endswith(".zip"):
        return CAMTRAP_DP
    return _kind_of_document(Document.open(images)) if name.endswith(".json") else CSV


def _kind_of_document(document: Document) -> str:
    if not isinstance(document.content.get("images"), list):
        return JSON
    return MEGADETECTOR if "detection_categories" in document.content else COCO


def _inventory(params: PredictParams, kind: str) -> Inventory:
    if kind == INVENTORY:
        found = Inventory.read(params.images)
        return found if params.image_root == AUTO else replace(found, root=params.image_root)
    if kind == FOLDERS and not storage.is_folder(params.images) and is_picture(params.images):
        return _of_picture(params.images)
    asked = UnlabelledParams(
        path=params.images,
        source=kind,
        image_root=AUTO if kind == FOLDERS else params.image_root,
        capture_id=params.capture_id,
        images=params.image_columns,
        location=params.location,
        timestamp=params.timestamp,
    )
    return take_inventory(asked)


def _of_picture(path: str) -> Inventory:
    name = storage.name(path)
    columns = {CAPTURE_ID: [name], IMAGES: pa.array([[name]], pa.list_(pa.string()))}
    return Inventory(pa.table(columns), (), path, storage.parent(path))
