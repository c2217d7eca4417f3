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
class OfPictures:
    """Reads pictures."""

    image_root: Annotated[
        str, "Folder or s3:// URI that relative picture paths start from; auto: the table's."
    ] = "auto"


@dataclass(frozen=True)
class ManyPictures(OfPictures):
    """Opens many pictures and shows some."""

    private: Annotated[Words, "Classes whose pictures are never shown on contact sheets."] = (
        "human", "person", "people", "homo sapiens",
    )  # fmt: skip
    workers: Annotated[int, "Processes that read pictures; 0: one a core.", Between(0)] = 0


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
class Batches:
    """Works on several pictures at once."""

    batch_size: Annotated[int, "Pictures a step.", Between(1)] = 32


@dataclass(frozen=True)
class Descent:
    """How weights are changed, step by step, and when that ends."""

    optimizer: Annotated[
        str, "Rule by which weights are changed.", Choice(("adamw", "adam", "sgd", "rmsprop"))
    ] = "adamw"
    weight_decay: Annotated[
        float,
        "Share of each weight that a step takes away, times the learning rate.",
        Between(0, 1),
    ] = 1e-4
    momentum: Annotated[
        float, "sgd, rmsprop: share of the last change that goes on.", Between(0, 0.999)
    ] = 0.9
    schedule: Annotated[
        str,
        "The learning rate after the warm-up: falls as half a cosine, falls to a tenth when "
        "val/loss gets no better, or stays.",
        Choice(("cosine", "plateau", "constant")),
    ] = "cosine"
    warm_up: Annotated[
        float, "Share of all steps in which the learning rate rises from 0.", Between(0, 1)
    ] = 0.05
    plateau_patience: Annotated[
        int, "plateau: epochs without a better val/loss before the rate falls.", Between(1)
    ] = 2
    patience: Annotated[
        int, "Epochs without a better val/loss before training ends; 0: it does not.", Between(0)
    ] = 0
    steps_per_epoch: Annotated[
        int, "Batches an epoch; 0: as many as show every training capture.", Between(0)
    ] = 0
    ema: Annotated[
        float,
        "Judge and keep moving averages of the weights: the share that the average keeps each "
        "step, such as 0.999; 0: the weights themselves.",
        Between(0, 0.99999),
    ] = 0.0


@dataclass(frozen=True)
class Aims:
    """What a training makes smaller, and on which captures."""

    loss_weights: Annotated[
        Words, "How much the loss of a label counts, as LABEL=NUMBER; 1 for those not named."
    ] = ()
    class_weights: Annotated[
        str,
        "Make up for rare classes in the loss: by their number of captures (balanced), or by their "
        "effective number (effective).",
        Choice(("none", "balanced", "effective")),
    ] = "none"
    sampling: Annotated[
        str,
        "Which captures an epoch shows: natural, or balanced:LABEL, every class of a label equally "
        "often.",
    ] = "natural"
    label_smoothing: Annotated[
        float, "Share of the truth that is spread over all classes.", Between(0, 0.9)
    ] = 0.0
    focal: Annotated[
        float,
        "How much captures that are already answered well count less: gamma of the focal loss; 0: "
        "they do not.",
        Between(0, 10),
    ] = 0.0


@dataclass(frozen=True)
class Fitting(Aims, Descent, Batches):
    """How a network is built and trained."""

    model: Annotated[
        str, "Network; auto: the parent's, without one tiny.", Choice(("auto", *NETWORKS))
    ] = "auto"
    weights: Annotated[str, "First weights of the backbone.", Choice(("none", "imagenet"))] = "none"
    epochs: Annotated[int, "Passes over the training captures.", Between(1)] = 20
    learning_rate: Annotated[float, "Highest learning rate.", Between(1e-8, 10.0)] = 0.001
    image_size: Annotated[
        int | None,
        "Height and width the network sees; none: the parent's, without one 224.",
        Between(16, 2048),
    ] = None


@dataclass(frozen=True)
class Parentage:
    """Starts from a model that has learnt before."""

    parent: Annotated[
        str | None,
        "Model to start from: models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN/best_model or a "
        "folder.",
    ] = None
    strategy: Annotated[
        str,
        "What is taken over: transfer, the backbone under new heads; finetune, all weights, with "
        "the parent's labels and classes; auto: finetune where the parent knows all that is to be "
        "learnt, else transfer.",
        Choice(("auto", "transfer", "finetune")),
    ] = "auto"
    keep_heads: Annotated[
        bool, "transfer: classes that the parent has too start with its weights."
    ] = True
    unknown: Annotated[
        str,
        "finetune: what becomes of classes that the parent does not know.",
        Choice(("refuse", "drop", "add")),
    ] = "refuse"
    trainable: Annotated[
        str,
        "What learns: heads alone, on a frozen backbone, or all; auto: heads for transfer, else "
        "all.",
        Choice(("auto", "heads", "all")),
    ] = "auto"
    unfreeze_epoch: Annotated[
        int | None,
        "Epoch, counted from 1, from which a frozen backbone learns too; none: never.",
        Between(2),
    ] = None
    unfreeze_learning_rate: Annotated[
        float | None,
        "Highest learning rate from that epoch on; none: a tenth of learning_rate.",
        Between(1e-8, 10.0),
    ] = None


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
class InventoryParams(Checks, ManyPictures, SourceOfCaptures):
    """Read a table, a package or folders of captures into one checked inventory."""

    path: Annotated[str, "The table, file, folder or package."] = "data/sample/table.csv"
    output: Annotated[str, "Parquet file to write."] = "data/inventory.parquet"


@dataclass(frozen=True)
class DatasetParams(Seeded, StoredPictures, Selection, DatasetSplits, ManyPictures):
    """Write an inventory's pictures and labels into TFRecord shards."""

    inventory: Annotated[str, "Inventory that `inventory` wrote."] = "data/inventory.parquet"
    output: Annotated[str, "Folder or s3:// URI for the dataset."] = "data/dataset"


@dataclass(frozen=True)
class TrainParams(Seeded, Parentage, Fitting, OfDataset):
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


@dataclass(frozen=True)
class MainParams(
    Seeded,
    Fitting,
    StoredPictures,
    Selection,
    DatasetSplits,
    Checks,
    ManyPictures,
    SourceOfCaptures,
    SampleSize,
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


@dataclass(frozen=True)
class BenchmarkParams:
    """Measure a part of the line on made-up data, against the plainest way to do the same."""

    part: Annotated[str, "What to measure.", Choice(("inventory", "dataset"))] = "inventory"
    rows: Annotated[int, "inventory: rows of the table.", Between(1_000)] = 1_000_000
    images: Annotated[int, "inventory: picture columns of the table.", Between(1, 20)] = 3
    pictures: Annotated[int, "dataset: 3-megapixel pictures to store.", Between(10)] = 400
    times: Annotated[
        int, "dataset: how many times as many pictures show whether memory grows.", Between(1)
    ] = 4
    repeats: Annotated[int, "How often each is measured; medians are reported.", Between(1)] = 3
    output: Annotated[str, "Folder for the made-up data; removed at the end."] = "data/benchmark"


STEPS: dict[str, type] = {
    "main": MainParams,
    "sample": SampleParams,
    "inventory": InventoryParams,
    "dataset": DatasetParams,
    "train": TrainParams,
    "evaluate": EvaluateParams,
    "predict": PredictParams,
    "promote": PromoteParams,
    "benchmark": BenchmarkParams,
}
