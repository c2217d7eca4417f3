"""The boto3 client of this process: its endpoint, its time limits, its errors in plain words.

boto3 is imported inside the functions: it takes a large part of a second, which a command
that only prints its help must not pay.
"""

import errno
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from ctc.errors import BadInput
from ctc.storage.address import bucket_and_key, is_s3

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig

FILES_AT_ONCE = 8
PARTS_AT_ONCE = 4  # of one file
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60
RETRIES = 3
ENDPOINTS = ("MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken")
DENIED = ("AccessDenied", "Forbidden", "403")
ALREADY = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
SET_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"


def client() -> Any:
    """Return the S3 client of this process; threads may share it.

    Raises:
        BadInput: the environment names an endpoint that is no URL.
    """
    # The process is part of the key: a forked worker must not share its parent's sockets.
    # So is the environment: a notebook may set what was missing and try again.
    settings = tuple(os.environ.get(name) for name in ENDPOINTS + CREDENTIALS + REGIONS)
    return _client_of(os.getpid(), settings)


def transfer() -> "TransferConfig":
    """Return how a large file is cut into parts that travel at once."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(max_concurrency=PARTS_AT_ONCE)


@contextmanager
def plain_errors(uri: str) -> Iterator[None]:
    """Turn what boto3 raises in the block into the errors that the rest of the project knows.

    Raises:
        BadInput: no credentials or wrong ones, an endpoint out of reach, a missing bucket.
        FileNotFoundError: there is no such object.
        PermissionError: the store denies access.
        OSError: the store failed in another way.
    """
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except S3UploadFailedError as error:
        # It wraps the answer of the store, which alone says what was wrong.
        _raise_answer(uri, error.__context__ or error)
    except ClientError as error:
        _raise_answer(uri, error)
    except BotoCoreError as error:
        raise BadInput(_sentence(uri, error)) from error


def failure_on_s3(error: Exception, uri: str) -> str | None:
    """Say in a sentence what an error of boto3 means that another library got with `uri`.

    None: it is no error of boto3.
    """
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    if not isinstance(error, S3UploadFailedError | BotoCoreError | ClientError):
        return None
    try:
        with plain_errors(uri):
            raise error
    except BadInput as plain:
        return str(plain)
    except OSError as plain:
        return f"{_store()} cannot be used for {uri}: {(plain.strerror or str(plain)).lower()}"


def limit_waiting(uri: str) -> None:
    """Give clients of S3 that other libraries make in this process for `uri` our limits of time."""
    if not is_s3(uri):
        return
    import boto3
    from botocore.config import Config

    boto3.setup_default_session()
    limits = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "max_attempts": RETRIES},
    )
    boto3.DEFAULT_SESSION._session.set_default_client_config(limits)  # type: ignore[union-attr]


def is_there(answer: BaseException) -> bool:
    """Say whether a conditional put was refused, for there is such an object, or is about to be."""
    return _code(answer) in ALREADY


def _endpoint() -> tuple[str, str] | None:
    found = ((name, os.environ[name]) for name in ENDPOINTS if os.environ.get(name))
    return next(found, None)


def _store() -> str:
    endpoint = _endpoint()
    return f"the S3 store at {endpoint[1]}" if endpoint else "the S3 store of AWS"


@functools.cache
def _client_of(process: int, settings: tuple[str | None, ...]) -> Any:  # noqa: ARG001
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "max_attempts": RETRIES},
        max_pool_connections=FILES_AT_ONCE * PARTS_AT_ONCE,
    )
    variable, endpoint = _endpoint() or ("", None)
    try:
        # A session of its own: the default one of boto3 is not safe to use from threads.
        return boto3.Session().client("s3", endpoint_url=endpoint, config=config)
    except ValueError as error:
        raise BadInput(
            f"{variable} is '{endpoint}'; set it to a URL like http://host:9000"
        ) from error


def _raise_answer(uri: str, answer: BaseException) -> NoReturn:
    code = _code(answer)
    # The answer to a HEAD request has no text: a bare 404 may be the object or its bucket.
    if code == "NoSuchBucket" or (code == "404" and not _has_bucket(uri)):
        raise BadInput(
            f"{_store()} has no bucket for {uri}; make it or correct the name"
        ) from answer
    if code in ("NoSuchKey", "404"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), uri) from answer
    if code in REFUSED:
        raise BadInput(
            f"{_store()} refused the credentials for {uri}; {SET_CREDENTIALS}"
        ) from answer
    if code in DENIED:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), uri) from answer
    raise OSError(errno.EIO, str(answer), uri) from answer


def _code(answer: BaseException) -> str:
    from botocore.exceptions import ClientError

    return (
        answer.response.get("Error", {}).get("Code", "") if isinstance(answer, ClientError) else ""
    )


def _has_bucket(uri: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client().head_bucket(Bucket=bucket_and_key(uri)[0])
    except ClientError as error:
        return _code(error) != "404"
    return True


def _sentence(uri: str, error: Exception) -> str:
    from botocore import exceptions as boto

    no_credentials = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.ProfileNotFound,
    )
    if isinstance(error, no_credentials):
        return f"there are no credentials for {uri}; {SET_CREDENTIALS}"
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError):
        variable, _ = _endpoint() or (ENDPOINTS[0], "")
        return f"{_store()} does not answer for {uri}; set {variable} to a URL that does"
    return f"'{uri}' cannot be used: {error}"
