"""Parameters of the steps that use a classifier."""

from dataclasses import dataclass
from typing import Annotated

from ctc.parameter import YEAR, Between, Choice, CountOr, Duration, Words
from ctc.params.shared import (
    Batches,
    Engine,
    Judging,
    OfCaptures,
    OfClassifier,
    OfDataset,
    OfPictures,
    Seeded,
    ShowsPictures,
    Tracked,
)


@dataclass(frozen=True)
class EvaluateParams(Tracked, Seeded, Judging, ShowsPictures, Batches, OfDataset, OfClassifier):
    """Judge a classifier on a split it has not learnt from."""

    split: Annotated[str, "Splits to judge on, as a pattern."] = "test*"


FORMATS = ("csv", "json", "parquet", "megadetector", "camtrap_dp", "folders")


@dataclass(frozen=True)
class OfCapturesToLabel(OfPictures):
    """Reads the captures that are to be labelled."""

    images: Annotated[
        str,
        "Pictures to label: a folder or s3:// URI with all below it, a picture, a CSV of captures, "
        "an inventory (.parquet), a COCO, MegaDetector or 2019 JSON file, a Camtrap DP package.",
    ] = "data/sample/table.csv"
    source: Annotated[
        str,
        "Kind of source; auto: by its name, and a JSON file by its content.",
        Choice(
            ("auto", "folders", "csv", "inventory", "json", "coco", "camtrap_dp", "megadetector")
        ),
    ] = "auto"
    capture_gap: Annotated[
        str | None,
        "folders: pictures of one folder that follow each other within this time, such as 60s, are "
        "one capture, by the times that the camera wrote into them; none: each picture is one.",
        Duration(YEAR),
    ] = None
    capture_id: Annotated[str, "CSV: column that names the capture."] = "capture_id"
    image_columns: Annotated[Words, "CSV: columns that hold paths of pictures."] = ("dir",)
    location: Annotated[str, "CSV: column to keep as `location`, if it has another name there."] = (
        "location"
    )
    timestamp: Annotated[
        str, "CSV: column to keep as `timestamp`, if it has another name there."
    ] = "timestamp"


@dataclass(frozen=True)
class NarrowedAnswers:
    """Uses what is known of the place: which classes there can be, and their groups."""

    classes: Annotated[
        Words,
        "Classes that there can be, as CLASS or LABEL=CLASS, or a .json or .txt file of them; the "
        "probabilities of these are made to add up to 1. none: all.",
    ] = ()
    taxonomy: Annotated[
        str | None,
        "CSV of classes and their groups, narrow ones first: where no class is sure, the narrowest "
        "group that is becomes the prediction.",
    ] = None
    rollup_confidence: Annotated[
        float | None,
        "taxonomy: confidence that makes a class or a group sure; none: the one from which the "
        "classifier's answers are accepted.",
        Between(0, 1),
    ] = None


@dataclass(frozen=True)
class WrittenPredictions(ShowsPictures):
    """Writes predictions, in one format or several."""

    format: Annotated[Words, f"What to write, one or several of: {', '.join(FORMATS)}."] = ("csv",)
    output: Annotated[
        str, "File to write; several formats have the same name with different endings."
    ] = "data/predictions.csv"
    package: Annotated[
        str | None,
        "camtrap_dp: where and when cameras stood and what the survey is: a Camtrap DP package, or "
        "its deployments.csv; none: `images`, if it is one.",
    ] = None
    link: Annotated[bool, "folders: links to the pictures, not copies of them."] = True


@dataclass(frozen=True)
class PredictParams(
    Tracked,
    WrittenPredictions,
    NarrowedAnswers,
    Engine,
    OfCaptures,
    OfCapturesToLabel,
    OfClassifier,
):
    """Label new pictures: those of a folder, or the captures of a table or a package."""

    batch_size: Annotated[
        str,
        "Pictures a step; auto: by the device and the size of the pictures, and fewer where the "
        "memory is not enough.",
        CountOr("auto"),
    ] = "auto"
    resume: Annotated[
        bool, "Keep the answers of an earlier run that was stopped, if it asked the same."
    ] = True


EXPORTS = ("onnx", "litert")


@dataclass(frozen=True)
class ExportParams(OfClassifier):
    """Write a classifier as a file that other programs run: phones, small boards, web pages."""

    format: Annotated[
        str, "Format: onnx, or litert, once called TensorFlow Lite.", Choice(EXPORTS)
    ] = "onnx"
    output: Annotated[
        str, "File to write, .onnx or .tflite; auto: data/classifier with that ending."
    ] = "auto"


@dataclass(frozen=True)
class PromoteParams(ShowsPictures, Batches):
    """Make a registered version the champion, if it is no worse than the one there is."""

    name: Annotated[str, "Name of the registered model."] = "species"
    version: Annotated[str, "Version: a number or an alias."] = "candidate"
    alias: Annotated[str, "Alias to move; its holder is the champion to compare with."] = "champion"
    dataset: Annotated[
        str | None,
        "Dataset to compare on, and to judge on what has not been; none: the latest that both have "
        "been judged on.",
    ] = "data/dataset"
    split: Annotated[str, "Splits to compare on, as a pattern."] = "test*"
    metric: Annotated[
        str, "Figure that decides: METRIC, the mean of all labels, or LABEL/METRIC."
    ] = "macro_f1"
    min_gain: Annotated[
        float, "By how much it has to be better; 0: as good is good enough.", Between(0)
    ] = 0.0
    max_class_drop: Annotated[
        float, "By how much the recall of a class may fall; 1: classes do not count.", Between(0, 1)
    ] = 0.05
    dry_run: Annotated[bool, "Decide, and move nothing."] = False
    force: Annotated[bool, "Promote whatever was found, or could not be measured."] = False
    rollback: Annotated[
        bool, "Give the alias champion back to the version before; nothing is compared."
    ] = False
    reason: Annotated[str | None, "Why, in your words; kept with the decision."] = None
