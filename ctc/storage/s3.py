"""The objects of an S3 store. Every function raises what `s3_client.plain_errors` says."""

import errno
import os
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
    yield from (key for key, _ in sizes_below(uri))


def sizes_below(uri: str) -> Iterator[tuple[str, int]]:
    """Yield what `keys_below` does, each with its size in bytes."""
    bucket, key = bucket_and_key(uri)
    prefix = _prefix(key)
    with plain_errors(uri):
        pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            found = ((item["Key"], int(item["Size"])) for item in page.get("Contents", []))
            yield from ((k.removeprefix(prefix), n) for k, n in found if not k.endswith("/"))


def size_of(uri: str) -> int | None:
    """Return the size of the object of exactly this key, in bytes; None where there is none."""
    bucket, key = _object(uri)
    # Not a HEAD request: see `has_object`.
    with plain_errors(uri):
        answer = client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return next((int(i["Size"]) for i in answer.get("Contents", []) if i["Key"] == key), None)


def read(uri: str, at_most: int | None = None) -> bytes:
    """Return the content of an object, of at most so many bytes."""
    from botocore.exceptions import IncompleteReadError, ResponseStreamingError

    with plain_errors(uri):
        for _ in range(s3_client.RETRIES):
            try:
                return _read_once(uri, at_most)
            except (IncompleteReadError, ResponseStreamingError):
                continue  # boto3 repeats a request, but not the reading of its answer
        return _read_once(uri, at_most)


def read_start(uri: str, count: int) -> bytes:
    """Return the first bytes of an object, at most so many."""
    if not size_of(uri):  # a range of an empty object is an error; a missing one raises below
        return read(uri)
    bucket, key = _object(uri)
    with plain_errors(uri):
        answer = client().get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{count - 1}")
        with closing(answer["Body"]) as body:
            return bytes(body.read())


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


def upload_new(source: Path, uri: str) -> bool:
    """Write the file `source` as an object, unless there is one; return whether there was none."""
    from botocore.exceptions import ClientError

    bucket, key = _object(uri)
    with plain_errors(uri), source.open("rb") as file:
        try:
            client().put_object(Bucket=bucket, Key=key, Body=file, IfNoneMatch="*")
        except ClientError as error:
            if s3_client.is_there(error):
                return False
            raise
    return True


def copy(uri: str, target: str) -> None:
    """Let the store copy an object."""
    bucket, key = _object(uri)
    to_bucket, to_key = _object(target)
    with plain_errors(uri):
        client().copy({"Bucket": bucket, "Key": key}, to_bucket, to_key)


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


def _read_once(uri: str, at_most: int | None) -> bytes:
    bucket, key = _object(uri)
    answer = client().get_object(Bucket=bucket, Key=key)
    with closing(answer["Body"]) as body:
        if at_most is not None and answer["ContentLength"] > at_most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), uri)
        return bytes(body.read())
