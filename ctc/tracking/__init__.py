"""The only door to MLflow: runs, models and the registry. Entry points and notebooks come here."""

import logging
import os

# Set before MLflow is imported. With a tracking server it prints the run's URL before it sets
# the run's status: a closed stdout would leave the run RUNNING.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# A server that is not there must not cost minutes; MLflow would try seven times, and wait for two
# minutes each time. What a run logs is tried again anyway; a large file takes a store a while.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
# A bar for each of the few files of a model says nothing.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from ctc.tracking.describing import LONGEST, is_version, training_record
from ctc.tracking.kept import (
    Kept,
    evaluations,
    kept_run,
    kept_runs,
    latest_of_each,
    read_from,
    trained_with,
)
from ctc.tracking.models import (
    Model,
    ask_logged,
    find_description,
    find_model,
    pack_classifier,
)
from ctc.tracking.promoting import Overtaken, promote, roll_back
from ctc.tracking.records import Evaluated, evaluations_of
from ctc.tracking.registry import (
    CHAMPION,
    Standing,
    check_name,
    standing,
    standing_before,
    tag_version,
)
from ctc.tracking.resuming import Former, find_run, resumed_run, started_by_mlflow
from ctc.tracking.run import Input, Run, Sent
from ctc.tracking.runs import log_below, tracked_run, tracking_uri
from ctc.tracking.sending.delivering import OWN
from ctc.tracking.sending.failures import failure_of
from ctc.tracking.slots import artifacts_needed, fetch, uploaded
from ctc.tracking.syncing import Synced, journals_of, send

# MLflow's remarks at INFO (tables made, monitoring started) are not for those who wait.
logging.getLogger("mlflow").setLevel(logging.WARNING)

__all__ = [
    "CHAMPION",
    "LONGEST",
    "OWN",
    "Evaluated",
    "Former",
    "Input",
    "Kept",
    "Model",
    "Overtaken",
    "Run",
    "Sent",
    "Standing",
    "Synced",
    "artifacts_needed",
    "ask_logged",
    "check_name",
    "evaluations",
    "evaluations_of",
    "failure_of",
    "fetch",
    "find_description",
    "find_model",
    "find_run",
    "is_version",
    "journals_of",
    "kept_run",
    "kept_runs",
    "latest_of_each",
    "log_below",
    "pack_classifier",
    "promote",
    "read_from",
    "resumed_run",
    "roll_back",
    "send",
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
