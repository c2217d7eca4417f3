"""Parameters of the steps that run others, or measure them."""

from dataclasses import dataclass
from typing import Annotated

from ctc.networks import NETWORKS
from ctc.parameter import Between, Choice
from ctc.params.data import (
    Checks,
    DatasetSplits,
    SampleSize,
    Selection,
    SourceOfCaptures,
    StoredPictures,
)
from ctc.params.shared import ManyPictures, Seeded
from ctc.params.training import Calibrating, Fitting


@dataclass(frozen=True)
class MainParams(
    Seeded,
    Calibrating,
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
class SyncParams:
    """Send what runs have logged while their tracking server was away, or with offline=yes."""

    run: Annotated[
        str,
        "What to send: the id of a run, the output of its step, a folder of a journal; all: all "
        "that was left on this machine.",
    ] = "all"


@dataclass(frozen=True)
class BenchmarkParams:
    """Measure a part of the line on made-up data, against the plainest way to do the same."""

    part: Annotated[
        str, "What to measure.", Choice(("inventory", "dataset", "input", "train", "predict"))
    ] = "inventory"
    rows: Annotated[int, "inventory: rows of the table.", Between(1_000)] = 1_000_000
    images: Annotated[int, "inventory: picture columns of the table.", Between(1, 20)] = 3
    pictures: Annotated[
        int, "dataset, input, train: 3-megapixel pictures to store; predict: to label.", Between(10)
    ] = 400
    times: Annotated[
        int,
        "dataset, predict: how many times as many pictures show whether memory grows.",
        Between(1),
    ] = 4
    model: Annotated[str, "train, predict: network.", Choice(NETWORKS)] = "tiny"
    image_size: Annotated[
        int, "train, predict: height and width the network sees.", Between(16, 2048)
    ] = 96
    steps: Annotated[int, "train: batches an epoch.", Between(1)] = 50
    repeats: Annotated[int, "How often each is measured; medians are reported.", Between(1)] = 3
    output: Annotated[str, "Folder for the made-up data; removed at the end."] = "data/benchmark"
