"""Parameters of the steps before training."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ctc.parameter import Between, Choice, Words
from ctc.params.shared import Engine, ManyPictures, Seeded, Tracked


@dataclass(frozen=True)
class SampleSize:
    """What a drawn survey consists of."""

    captures: Annotated[int, "Captures to draw.", Between(10)] = 600
    size: Annotated[int, "Longer side of a drawn picture, in pixels.", Between(64, 2048)] = 320


@dataclass(frozen=True)
class SourceOfCaptures:
    """How to read a table, a package or folders of captures."""

    source: Annotated[
        str,
        "Kind of source.",
        Choice(("csv", "folders", "json", "coco", "camtrap_dp", "megadetector")),
    ] = "csv"
    capture_id: Annotated[str, "csv: column that names the capture, or several, as A/B."] = (
        "capture_id"
    )
    images: Annotated[
        Words, "csv: columns that hold paths of pictures; A/B: A and B, joined by a slash."
    ] = ("dir",)
    labels: Annotated[
        Words,
        "What to read as labels: columns, fields, or names for the levels of folders; auto: the "
        "standard names among those there are. csv: NAME=COLUMN gives a column another name.",
    ] = ("auto",)
    metadata: Annotated[
        Words,
        "What to keep beside; auto: location, survey, split_name, timestamp where present. csv: "
        "NAME=COLUMN too.",
    ] = ("auto",)
    location: Annotated[str, "csv: column to keep as `location`, if it has another name there."] = (
        "location"
    )
    timestamp: Annotated[
        str, "csv: column to keep as `timestamp`, if it has another name there."
    ] = "timestamp"
    delimiter: Annotated[
        str,
        "csv: what stands between values.",
        Choice(("auto", "comma", "semicolon", "tab", "pipe")),
    ] = "auto"
    encoding: Annotated[
        str, "csv: its encoding, such as cp1252; auto: UTF-8, or UTF-16 by its mark."
    ] = "auto"
    drop_missing: Annotated[bool, "Leave out observations that lack one of the labels."] = False
    level: Annotated[
        str,
        "camtrap_dp: observations to read, of events or of single media; auto: of events where "
        "there are such with media.",
        Choice(("auto", "media", "event")),
    ] = "auto"
    threshold: Annotated[
        float | None,
        "megadetector: confidence from which a detection counts; none: the file's typical one.",
        Between(0, 1),
    ] = None


@dataclass(frozen=True)
class Checks:
    """What is looked at before hours are spent."""

    check: Annotated[
        str,
        "Look at the pictures: that each exists and is not empty, or that each can be decoded and "
        "none is there twice.",
        Choice(("none", "exists", "decode")),
    ] = "exists"
    few_captures: Annotated[int, "Remark on classes with fewer captures.", Between(0)] = 10


@dataclass(frozen=True)
class DatasetSplits:
    """How captures are divided into splits."""

    split_by: Annotated[
        str | None,
        "Column that names each capture's split; none: drawn by the shares of `splits`; auto: "
        "split_name where there is one, else none.",
    ] = "auto"
    splits: Annotated[Words, "Shares of the splits, where no column names them."] = (
        "train=0.7", "val=0.15", "test=0.15",
    )  # fmt: skip
    group_by: Annotated[
        str | None,
        "What stays on one side: a column such as location, or bursts in it such as location+60s; "
        "none: captures one by one; auto: location where it is known.",
    ] = "auto"
    burst_seconds: Annotated[
        float,
        "Captures of a location this close in time are one burst, for the leakage report.",
        Between(0, 31_536_000),  # a year
    ] = 60.0


@dataclass(frozen=True)
class Selection:
    """Which captures take part."""

    keep: Annotated[
        Words, "Only captures of these classes, as LABEL=CLASS: any class of a label, every label."
    ] = ()
    remove: Annotated[Words, "No captures of these classes, as LABEL=CLASS."] = ()
    balance: Annotated[
        str | None,
        "Label whose classes get as many captures as its least frequent, split by split.",
    ] = None
    cap: Annotated[
        Words, "At most so many captures of each class of a label in a split, as LABEL=NUMBER."
    ] = ()


@dataclass(frozen=True)
class StoredPictures:
    """How pictures are stored in a dataset."""

    max_side: Annotated[
        int, "Longest side of a stored picture, in pixels.", Between(16, 65_500)
    ] = 500
    min_side: Annotated[
        int | None,
        "Shorter side of a stored picture, in pixels, instead of max_side.",
        Between(16, 8_192),
    ] = None
    quality: Annotated[int, "JPEG quality of a stored picture.", Between(1, 100)] = 85
    resume: Annotated[
        bool, "Keep the finished shards of an earlier run with the same parameters."
    ] = True


@dataclass(frozen=True)
class SampleParams(Seeded, SampleSize):
    """Draw a small survey: pictures and the table that describes them."""

    broken: Annotated[int, "Broken pictures to add, for tests.", Between(0)] = 0
    output: Annotated[str, "Folder for the pictures and table.csv."] = "data/sample"


@dataclass(frozen=True)
class InventoryParams(Tracked, Checks, ManyPictures, SourceOfCaptures):
    """Read a table, a package or folders of captures into one checked inventory."""

    labelled: ClassVar[bool] = True  # whether a source without labels is refused

    path: Annotated[str, "The table, file, folder or package."] = "data/sample/table.csv"
    output: Annotated[str, "Parquet file to write."] = "data/inventory.parquet"


@dataclass(frozen=True)
class UnlabelledParams(InventoryParams):
    """Read captures that are to be labelled; whatever labels they have are left aside."""

    labelled: ClassVar[bool] = False


@dataclass(frozen=True)
class DatasetParams(
    Tracked, Seeded, StoredPictures, Selection, DatasetSplits, Engine, ManyPictures
):
    """Write an inventory's pictures and labels into TFRecord shards."""

    inventory: Annotated[str, "Inventory that `inventory` wrote."] = "data/inventory.parquet"
    output: Annotated[str, "Folder or s3:// URI for the dataset."] = "data/dataset"
