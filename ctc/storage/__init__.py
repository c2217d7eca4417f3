"""Files on this machine or in an S3 store, behind one set of functions.

A `uri` is a local path (absolute, relative or file://) or s3://bucket/key. The store of an
s3:// URI is the one that MLFLOW_S3_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL
names (the first that is set), else AWS. Only this package imports boto3.
"""

from ctc.storage.address import absolute, is_s3, join, local_path, name, parent
from ctc.storage.files import (
    check_output,
    exists,
    fetch_file,
    is_folder,
    list_files,
    put_file,
    put_new_file,
    read_bytes,
    read_start,
    why_not_read,
    write_bytes,
)
from ctc.storage.folders import fetch_folder, put_folder
from ctc.storage.local import (
    atomic_file,
    cache_folder,
    only_one,
    remove_folder,
    replace_folder,
    sha256,
    sweep_beside,
)
from ctc.storage.s3_client import failure_on_s3, limit_waiting
from ctc.storage.states import DENIED, EMPTY, FINE, FOLDER, MISSING, file_states

__all__ = [
    "DENIED",
    "EMPTY",
    "FINE",
    "FOLDER",
    "MISSING",
    "absolute",
    "atomic_file",
    "cache_folder",
    "check_output",
    "exists",
    "failure_on_s3",
    "fetch_file",
    "fetch_folder",
    "file_states",
    "is_folder",
    "is_s3",
    "join",
    "limit_waiting",
    "list_files",
    "local_path",
    "name",
    "only_one",
    "parent",
    "put_file",
    "put_folder",
    "put_new_file",
    "read_bytes",
    "read_start",
    "remove_folder",
    "replace_folder",
    "sha256",
    "sweep_beside",
    "why_not_read",
    "write_bytes",
]
