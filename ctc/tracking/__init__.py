"""The only door to MLflow: runs, models and the registry. Entry points and notebooks come here."""

import logging
import os

# Set before MLflow is imported. With a tracking server it prints the run's URL before it sets
# the run's status: a closed stdout would leave the run RUNNING.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# A server that is not there must not cost minutes; MLflow would try seven times.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
# A bar for each of the few files of a model says nothing.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from ctc.tracking.describing import LONGEST, describe, is_version, training_record
from ctc.tracking.kept import (
    Kept,
    evaluations,
    kept_run,
    kept_runs,
    latest_of_each,
    read_from,
    trained_with,
)
from ctc.tracking.models import Model, ask_logged, find_description, find_model, log_classifier
from ctc.tracking.promoting import Overtaken, promote, roll_back
from ctc.tracking.records import Evaluated, evaluations_of
from ctc.tracking.registry import (
    CHAMPION,
    Standing,
    check_name,
    register,
    standing,
    standing_before,
    tag_version,
)
from ctc.tracking.resuming import Former, find_run, resumed_run, started_by_mlflow
from ctc.tracking.runs import Input, Run, log_below, tracked_run, tracking_uri
from ctc.tracking.sending import Sending
from ctc.tracking.slots import artifacts_needed, fetch, uploaded

# MLflow's remarks at INFO (tables made, monitoring started) are not for those who wait.
logging.getLogger("mlflow").setLevel(logging.WARNING)

__all__ = [
    "CHAMPION",
    "LONGEST",
    "Evaluated",
    "Former",
    "Input",
    "Kept",
    "Model",
    "Overtaken",
    "Run",
    "Sending",
    "Standing",
    "artifacts_needed",
    "ask_logged",
    "check_name",
    "describe",
    "evaluations",
    "evaluations_of",
    "fetch",
    "find_description",
    "find_model",
    "find_run",
    "is_version",
    "kept_run",
    "kept_runs",
    "latest_of_each",
    "log_below",
    "log_classifier",
    "promote",
    "read_from",
    "register",
    "resumed_run",
    "roll_back",
    "standing",
    "standing_before",
    "started_by_mlflow",
    "tag_version",
    "tracked_run",
    "tracking_uri",
    "trained_with",
    "training_record",
    "uploaded",
]
