"""Parameters of the steps that use a classifier."""

from dataclasses import dataclass
from typing import Annotated

from ctc.parameter import Words
from ctc.params.shared import (
    Batches,
    Judging,
    OfCaptures,
    OfClassifier,
    OfDataset,
    OfPictures,
    Seeded,
)


@dataclass(frozen=True)
class EvaluateParams(Seeded, Judging, Batches, OfDataset, OfClassifier):
    """Judge a classifier on a split it has not learnt from."""

    split: Annotated[str, "Splits to judge on, as a pattern."] = "test*"


@dataclass(frozen=True)
class PredictParams(OfCaptures, Batches, OfPictures, OfClassifier):
    """Label new pictures: every picture of a folder, or the captures of a table."""

    images: Annotated[
        str, "Folder of pictures, a picture, a CSV of captures, or an inventory (.parquet)."
    ] = "data/sample/table.csv"
    capture_id: Annotated[str, "CSV: column that names the capture."] = "capture_id"
    image_columns: Annotated[Words, "CSV: columns that hold paths of pictures."] = ("dir",)
    output: Annotated[str, "CSV file to write."] = "data/predictions.csv"


@dataclass(frozen=True)
class PromoteParams:
    """Give a registered version an alias that others load it by."""

    name: Annotated[str, "Name of the registered model."] = "species"
    version: Annotated[str, "Version: a number or an alias."] = "candidate"
    alias: Annotated[str, "Alias to move."] = "champion"
