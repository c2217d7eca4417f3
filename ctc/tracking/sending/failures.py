"""What a store that fails says, in one sentence, and whether it may take the same thing later."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException, RestException

from ctc import storage
from ctc.errors import BadInput

# What was sent is what is wrong: the same again is refused again.
REFUSED = (400, 404, 409, 422)
NO_ANSWER = re.compile(r"API request to \S+ failed with (timeout )?exception")
TOO_MANY = re.compile(r"too many (\d+) error responses")
INTERNAL = "INTERNAL_ERROR"
NO_SUCH_NAME = "Invalid Host header"
LONGEST_WHY = 300  # characters of another's sentence
PASSWORD = re.compile(r"//[^/@\s]+@")  # within a URL


@dataclass(frozen=True)
class Failure:
    """Why something could not be sent.

    Attributes:
        sentence: what happened, for people.
        is_final: whether it would be refused again; else it may be taken later.
    """

    sentence: str
    is_final: bool


class Damaged(RuntimeError):
    """A store has other bytes than were sent."""


@contextmanager
def asking_why(run_id: str) -> Iterator[None]:
    """Ask the tracking server why it could not take a file; it tells only those who list files."""
    try:
        yield
    except MlflowException as error:
        if TOO_MANY.search(str(error)):
            mlflow.MlflowClient().list_artifacts(run_id)
        raise


def store() -> str:
    """Return what the tracking server is called, without a password."""
    return f"the tracking server '{PASSWORD.sub('//', mlflow.get_tracking_uri())}'"


def failure_of(error: Exception, artifacts: str) -> Failure | None:
    """Say what an error of sending means; None: it is none of the store's.

    Args:
        error: what was raised.
        artifacts: URI of the run's artifacts, as far as it is known.
    """
    if isinstance(error, Damaged):
        return Failure(str(error), is_final=False)
    if isinstance(error, BadInput):
        return Failure(str(error), is_final=True)
    if NO_ANSWER.search(str(error)):
        fails = TOO_MANY.search(str(error))
        how = f"fails (status {fails[1]}); its log tells why" if fails else "does not answer"
        return Failure(f"{store()} {how}", is_final=False)
    said_by_artifacts = _said_by_artifacts(error)
    if said_by_artifacts is not None:
        return Failure(f"{store()} cannot use its artifacts: {said_by_artifacts}", is_final=False)
    status = _status(error)
    if status is not None:
        return Failure(_sentence(status, error), status in REFUSED)
    said = storage.failure_on_s3(error, artifacts)
    if said is not None:
        return Failure(said, is_final=False)
    if isinstance(error, OSError) and error.filename is None:  # of the network: no file of ours
        return Failure(f"{store()} does not answer: {_why(error)}", is_final=False)
    return None


def why_not(error: MlflowException) -> str:
    """Say in a few words why the tracking server did not do what it was asked for."""
    failure = failure_of(error, "")
    return failure.sentence if failure else _why(error)


def _status(error: Exception) -> int | None:
    if isinstance(error, MlflowException):
        if error.error_code == INTERNAL and not isinstance(error, RestException):
            return None  # no server has said so: a fault of this program
        return int(error.get_http_status_code())  # type: ignore[no-untyped-call]
    answer: Any = getattr(error, "response", None)  # of `requests`; that of boto3 is a dictionary
    return getattr(answer, "status_code", None)


def _sentence(status: int, error: Exception) -> str:
    why = _why(error)
    if NO_SUCH_NAME in why or NO_SUCH_NAME in _body(error):
        return (
            f"{store()} does not answer to that name: start it with this name among its "
            "--allowed-hosts, or set MLFLOW_TRACKING_URI to a name that is"
        )
    if status == 401:
        return (
            f"{store()} does not take the user or the password: set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD anew"
        )
    if status == 403:
        return f"{store()} does not permit it: {why}"
    if status in REFUSED:
        return why
    return f"{store()} fails (status {status}); its log tells more: {why}"


def _said_by_artifacts(error: Exception) -> str | None:
    """Return what the tracking server says of the store behind it; None: it says nothing of it."""
    if isinstance(error, MlflowException):
        return None
    try:
        return str(json.loads(_body(error))["message"])
    except (ValueError, KeyError, TypeError):
        return None


def _body(error: Exception) -> str:
    return str(getattr(getattr(error, "response", None), "text", ""))


def _why(error: Exception) -> str:
    text = str(error.message) if isinstance(error, MlflowException) else str(error)
    return PASSWORD.sub("//", " ".join(text.split())[:LONGEST_WHY]).rstrip(".")
