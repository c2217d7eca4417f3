"""Parameters of training."""

from dataclasses import dataclass
from typing import Annotated

from ctc.networks import NETWORKS
from ctc.parameter import Between, Choice, CountOr, Words
from ctc.params.pictures import Changes, SeenPictures
from ctc.params.shared import Batches, Judging, Seeded, ShowsPictures, Tracked, Workers


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
class Machine(Workers):
    """What a training computes with."""

    precision: Annotated[
        str,
        "How numbers are kept between layers; auto: mixed_float16 on GPUs that are faster with it, "
        "else float32.",
        Choice(("auto", "float32", "mixed_float16", "mixed_bfloat16")),
    ] = "auto"
    gpus: Annotated[
        str, "How many GPUs share each batch, all that there are, or 0: the CPU.", CountOr("all")
    ] = "all"
    jit: Annotated[
        str,
        "Whether XLA compiles the step of the training; auto: on a single GPU.",
        Choice(("auto", "yes", "no")),
    ] = "auto"
    hosts: Annotated[
        int,
        "Machines of a Ray cluster, which RAY_ADDRESS names, that share each batch; 1: this one "
        "alone, without Ray.",
        Between(1),
    ] = 1
    shuffle_buffer: Annotated[
        int,
        "sampling=natural: captures that are shuffled among each other, held as they are stored.",
        Between(1),
    ] = 1024


@dataclass(frozen=True)
class Fitting(Machine, Changes, SeenPictures, Aims, Descent, Batches):
    """How a network is built and trained."""

    model: Annotated[
        str, "Network; auto: the parent's, without one tiny.", Choice(("auto", *NETWORKS))
    ] = "auto"
    weights: Annotated[str, "First weights of the backbone.", Choice(("none", "imagenet"))] = "none"
    epochs: Annotated[int, "Passes over the training captures.", Between(1)] = 20
    learning_rate: Annotated[float, "Highest learning rate.", Between(1e-8, 10.0)] = 0.001


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
class OfDatasets:
    """Learns from one or several datasets."""

    dataset: Annotated[
        Words,
        "Datasets to learn from: folders or s3:// URIs that `dataset` wrote; PATH=NUMBER, such as "
        "data/other=0.3: how often an epoch shows each of its captures.",
    ] = ("data/dataset",)
    classes: Annotated[
        str | None,
        "JSON file with the classes of labels: {LABEL: {CLASS: its place from 0, or the class that "
        "it counts as}}; none: those that occur.",
    ] = None


@dataclass(frozen=True)
class Calibrating(Judging):
    """Says how sure a classifier may be, and what may be accepted without a person looking."""

    target_accuracy: Annotated[
        float,
        "Share of right answers that accepted captures are to reach: the lowest confidence that "
        "does on val_split is kept, and accepted from then on.",
        Between(0.5, 1),
    ] = 0.98


@dataclass(frozen=True)
class TrainParams(Tracked, Seeded, Calibrating, Parentage, Fitting, ShowsPictures, OfDatasets):
    """Train a classifier and log its best model."""

    labels: Annotated[
        Words, "Labels to learn; all: every label of the datasets that has two classes."
    ] = ("all",)
    train_split: Annotated[str, "Splits to learn from, as a pattern."] = "train*"
    val_split: Annotated[
        str, "Splits that choose the best epoch and calibrate it, as a pattern."
    ] = "val*"
    test_split: Annotated[
        str | None,
        "Splits to judge the model on at the end, as a pattern; auto: test* where there are such; "
        "none: none.",
    ] = "auto"
    output: Annotated[str, "Folder for the classifier."] = "data/classifier"
    register: Annotated[str | None, "Name to register the model under."] = None
    resume: Annotated[
        str | None, "Id of a run of `train` that goes on where its last state was kept."
    ] = None
    checkpoint_minutes: Annotated[
        float,
        "Minutes between states that are kept within an epoch, besides one at its end; 0: none.",
        Between(0),
    ] = 10.0
