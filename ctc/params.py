"""Every parameter of every step, once: its name, type, default, help and check.

The click options and `MLproject` are made from these classes. A parameter that several steps
share stands in a class of its own, which they inherit. This module knows no TensorFlow.
"""

from dataclasses import dataclass
from typing import Annotated

from ctc.networks import NETWORKS
from ctc.parameter import Between, Choice, Words


@dataclass(frozen=True)
class SampleSize:
    """What a drawn survey consists of."""

    captures: Annotated[int, "Captures to draw.", Between(10)] = 600
    size: Annotated[int, "Longer side of a drawn picture, in pixels.", Between(64, 2048)] = 320


@dataclass(frozen=True)
class Seeded:
    """What is drawn at random can be drawn again."""

    seed: Annotated[int, "Seed of everything that is drawn at random.", Between(0, 2**31 - 1)] = 0


@dataclass(frozen=True)
class TableColumns:
    """How to read a table, or folders, of captures."""

    source: Annotated[str, "Kind of source.", Choice(("csv", "folders"))] = "csv"
    capture_id: Annotated[str, "csv: column that names the capture."] = "capture_id"
    images: Annotated[Words, "csv: columns that hold paths of pictures."] = ("dir",)
    labels: Annotated[
        Words,
        "Columns that are labels (folders: the name of the one label); auto: the standard names "
        "among the columns (folders: species).",
    ] = ("auto",)
    metadata: Annotated[
        Words,
        "csv: columns to keep beside; auto: location, survey, split_name, timestamp where present.",
    ] = ("auto",)


@dataclass(frozen=True)
class OfPictures:
    """Reads pictures."""

    image_root: Annotated[
        str, "Folder or s3:// URI that relative picture paths start from; auto: the table's."
    ] = "auto"


@dataclass(frozen=True)
class DatasetSplits:
    """How captures are divided into splits."""

    split_by: Annotated[
        str | None,
        "Column that names each capture's split; none: shares of `splits` by a hash of the "
        "capture id.",
    ] = "split_name"
    splits: Annotated[Words, "Shares for split_by=none."] = ("train=0.7", "val=0.15", "test=0.15")


@dataclass(frozen=True)
class StoredPictures:
    """How pictures are stored in a dataset."""

    max_side: Annotated[int, "Longer side of a stored picture, in pixels.", Between(16)] = 500
    quality: Annotated[int, "JPEG quality of a stored picture.", Between(1, 100)] = 85
    workers: Annotated[int, "Processes that read pictures; 0: one a core.", Between(0)] = 0


@dataclass(frozen=True)
class Batches:
    """Works on several pictures at once."""

    batch_size: Annotated[int, "Pictures a step.", Between(1)] = 32


@dataclass(frozen=True)
class Fitting(Batches):
    """How a network is built and trained."""

    model: Annotated[str, "Network.", Choice(tuple(NETWORKS))] = "tiny"
    weights: Annotated[str, "First weights of the backbone.", Choice(("none", "imagenet"))] = "none"
    epochs: Annotated[int, "Passes over the training captures.", Between(1)] = 20
    learning_rate: Annotated[float, "Highest learning rate.", Between(1e-8, 10.0)] = 0.001
    image_size: Annotated[int, "Height and width the network sees.", Between(16, 2048)] = 224


@dataclass(frozen=True)
class OfDataset:
    """Works on a dataset."""

    dataset: Annotated[str, "Dataset: a folder or s3:// URI that `dataset` wrote."] = "data/dataset"


@dataclass(frozen=True)
class OfClassifier:
    """Works with a classifier."""

    classifier: Annotated[
        str,
        "Classifier: a folder, models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN/best_model.",
    ] = "data/classifier"


@dataclass(frozen=True)
class SampleParams(Seeded, SampleSize):
    """Draw a small survey: pictures and the table that describes them."""

    broken: Annotated[int, "Broken pictures to add, for tests.", Between(0)] = 0
    output: Annotated[str, "Folder for the pictures and table.csv."] = "data/sample"


@dataclass(frozen=True)
class InventoryParams(TableColumns):
    """Read a table, or folders, of captures into one checked inventory."""

    path: Annotated[str, "The table (csv) or the folder (folders)."] = "data/sample/table.csv"
    output: Annotated[str, "Parquet file to write."] = "data/inventory.parquet"


@dataclass(frozen=True)
class DatasetParams(Seeded, StoredPictures, DatasetSplits, OfPictures):
    """Write an inventory's pictures and labels into TFRecord shards."""

    inventory: Annotated[str, "Inventory that `inventory` wrote."] = "data/inventory.parquet"
    output: Annotated[str, "Folder or s3:// URI for the dataset."] = "data/dataset"


@dataclass(frozen=True)
class TrainParams(Seeded, Fitting, OfDataset):
    """Train a classifier and log its best model."""

    labels: Annotated[
        Words, "Labels to learn; all: every label of the dataset that has two classes."
    ] = ("all",)
    train_split: Annotated[str, "Splits to learn from, as a pattern."] = "train*"
    val_split: Annotated[str, "Splits that choose the best epoch, as a pattern."] = "val*"
    output: Annotated[str, "Folder for the classifier."] = "data/classifier"
    register: Annotated[str | None, "Name to register the model under."] = None


@dataclass(frozen=True)
class EvaluateParams(Batches, OfDataset, OfClassifier):
    """Judge a classifier on a split it has not learnt from."""

    split: Annotated[str, "Splits to judge on, as a pattern."] = "test*"


@dataclass(frozen=True)
class PredictParams(Batches, OfPictures, OfClassifier):
    """Label new pictures: every picture of a folder, or the captures of a table."""

    images: Annotated[str, "Folder of pictures, a picture, or a CSV of captures."] = (
        "data/sample/table.csv"
    )
    capture_id: Annotated[str, "CSV: column that names the capture."] = "capture_id"
    image_columns: Annotated[Words, "CSV: columns that hold paths of pictures."] = ("dir",)
    output: Annotated[str, "CSV file to write."] = "data/predictions.csv"


@dataclass(frozen=True)
class PromoteParams:
    """Give a registered version an alias that others load it by."""

    name: Annotated[str, "Name of the registered model."] = "species"
    version: Annotated[str, "Version: a number or an alias."] = "candidate"
    alias: Annotated[str, "Alias to move."] = "champion"


@dataclass(frozen=True)
class MainParams(
    Seeded, Fitting, StoredPictures, DatasetSplits, OfPictures, TableColumns, SampleSize
):
    """Run the whole line: sample (unless `path` is given), inventory, dataset, train, evaluate,
    predict, promote."""

    path: Annotated[str | None, "Your table or folder; none: draw a sample."] = None
    # What the tiny network needs to learn the sample in a minute.
    epochs: Annotated[int, "Passes over the training captures.", Between(1)] = 40
    learning_rate: Annotated[float, "Highest learning rate.", Between(1e-8, 10.0)] = 0.003
    image_size: Annotated[int, "Height and width the network sees.", Between(16, 2048)] = 96
    register: Annotated[
        str | None,
        "Name to register the model under; auto: species for the sample, none for your own data.",
    ] = "auto"
    output: Annotated[str, "Folder for everything the steps write."] = "data"


STEPS: dict[str, type] = {
    "main": MainParams,
    "sample": SampleParams,
    "inventory": InventoryParams,
    "dataset": DatasetParams,
    "train": TrainParams,
    "evaluate": EvaluateParams,
    "predict": PredictParams,
    "promote": PromoteParams,
}
