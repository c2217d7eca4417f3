"""What several steps share."""

from dataclasses import dataclass
from typing import Annotated

from ctc.parameter import Between, Choice, Words


@dataclass(frozen=True)
class Seeded:
    """What is drawn at random can be drawn again."""

    seed: Annotated[int, "Seed of everything that is drawn at random.", Between(0, 2**31 - 1)] = 0


@dataclass(frozen=True)
class Tracked:
    """Logs what it does."""

    offline: Annotated[
        bool,
        "Ask no tracking server: keep what is logged beside the output, until `sync` sends it.",
    ] = False


@dataclass(frozen=True)
class OfPictures:
    """Reads pictures."""

    image_root: Annotated[
        str, "Folder or s3:// URI that relative picture paths start from; auto: the table's."
    ] = "auto"


@dataclass(frozen=True)
class Workers:
    """Reads pictures side by side."""

    workers: Annotated[
        int, "Processes, in training threads, that read pictures; 0: one a core.", Between(0)
    ] = 0


@dataclass(frozen=True)
class Engine:
    """Runs on this machine or on several."""

    engine: Annotated[
        str,
        "What does the work: processes of this machine, or a Ray cluster, which RAY_ADDRESS names.",
        Choice(("local", "ray")),
    ] = "local"


@dataclass(frozen=True)
class ShowsPictures:
    """Lays some pictures out for people to look at."""

    private: Annotated[Words, "Classes whose pictures are never shown, on sheets and pages."] = (
        "human", "person", "people", "homo sapiens",
    )  # fmt: skip


@dataclass(frozen=True)
class ManyPictures(ShowsPictures, Workers, OfPictures):
    """Opens many pictures and shows some."""


@dataclass(frozen=True)
class Batches:
    """Works on several pictures at once."""

    batch_size: Annotated[int, "Pictures a step.", Between(1)] = 32


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


AGGREGATES = ("mean", "vote", "max", "min")


@dataclass(frozen=True)
class OfCaptures:
    """Combines what is said of the pictures of a capture."""

    aggregate: Annotated[
        str,
        "How the pictures of a capture are combined, class by class: the mean of the logarithms "
        "of their probabilities (mean), the mean (vote), the highest (max) or lowest (min) "
        "probability; auto: as the classifier was calibrated, else mean.",
        Choice(("auto", *AGGREGATES)),
    ] = "auto"


@dataclass(frozen=True)
class Judging(OfCaptures):
    """Compares answers with the truth."""

    by: Annotated[
        Words,
        "What is known of captures to give figures by, such as location; auto: location and "
        "survey, where known.",
    ] = ("auto",)
    bootstrap: Annotated[
        int, "Resamples that 95 % intervals are drawn from; 0: none.", Between(0, 100_000)
    ] = 1000
