"""The objects of an S3 store. Every function raises what `s3_client.plain_errors` says."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ctc.errors import BadInput
from ctc.storage import s3_client
from ctc.storage.address import bucket_and_key
from ctc.storage.s3_client import client, plain_errors


def has_object(uri: str) -> bool:
    """Say whether there is an object of exactly this key."""
    key = bucket_and_key(uri)[1]
    # Not a HEAD request: its answer to a missing bucket and to a missing object is the same.
    return bool(key) and _first_key(uri, key) == key


def has_folder(uri: str) -> bool:
    """Say whether `uri` is a bucket or has an object below it."""
    key = bucket_and_key(uri)[1]
    found = _first_key(uri, _prefix(key))
    return not key or found is not None


def keys_below(uri: str) -> Iterator[str]:
    """Yield the keys below `uri`, relative to it; marks of empty folders are left out."""
    bucket, key = bucket_and_key(uri)
    prefix = _prefix(key)
    with plain_errors(uri):
        pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            found = (item["Key"] for item in page.get("Contents", []))
            yield from (key.removeprefix(prefix) for key in found if not key.endswith("/"))


def read(uri: str) -> bytes:
    """Return the content of an object."""
    from botocore.exceptions import IncompleteReadError, ResponseStreamingError

    bucket, key = _object(uri)
    with plain_errors(uri):
        for _ in range(s3_client.RETRIES):
            try:
                return _read_once(bucket, key)
            except (IncompleteReadError, ResponseStreamingError):
                continue  # boto3 repeats a request, but not the reading of its answer
        return _read_once(bucket, key)


def write(uri: str, data: bytes) -> None:
    """Write an object with one put: a reader sees the former one or this one."""
    bucket, key = _object(uri)
    with plain_errors(uri):
        client().put_object(Bucket=bucket, Key=key, Body=data)


def delete(uri: str) -> None:
    """Delete an object; a missing one is fine."""
    bucket, key = _object(uri)
    with plain_errors(uri):
        client().delete_object(Bucket=bucket, Key=key)


def download(uri: str, target: Path) -> None:
    """Write the content of an object to `target`, a large one in several parts at once."""
    bucket, key = _object(uri)
    with plain_errors(uri):
        client().download_file(bucket, key, str(target), Config=s3_client.transfer())


def upload(source: Path, uri: str) -> None:
    """Write the file `source` as an object, a large one in several parts at once."""
    bucket, key = _object(uri)
    with plain_errors(uri):
        client().upload_file(str(source), bucket, key, Config=s3_client.transfer())


def _object(uri: str) -> tuple[str, str]:
    bucket, key = bucket_and_key(uri)
    if not key:
        raise BadInput(f"'{uri}' is a bucket; write s3://bucket/key to name a file in it")
    return bucket, key


def _prefix(key: str) -> str:
    return f"{key}/" if key else ""


def _first_key(uri: str, prefix: str) -> str | None:
    bucket, _ = bucket_and_key(uri)
    with plain_errors(uri):
        answer = client().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return next((str(item["Key"]) for item in answer.get("Contents", [])), None)


def _read_once(bucket: str, key: str) -> bytes:
    with closing(client().get_object(Bucket=bucket, Key=key)["Body"]) as body:
        return bytes(body.read())
