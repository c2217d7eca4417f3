"""Where a file is: a local path, a file:// URI or s3://bucket/key, and parts of such names."""

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ctc.errors import BadInput

S3_SCHEME = "s3://"


def is_s3(uri: str) -> bool:
    """Say whether `uri` is an s3:// URI; everything else is a local path or a file:// URI."""
    return uri.startswith(S3_SCHEME)


def local_path(uri: str) -> Path:
    """Return the path that a local path or a file:// URI names.

    Raises:
        BadInput: `uri` has another scheme, or is a file of another machine.
    """
    if uri.startswith("file:"):
        parts = urlsplit(uri)
        if parts.netloc not in ("", "localhost"):
            raise BadInput(f"'{uri}' is on another machine; allowed: file:///an/absolute/path")
        return Path(unquote(parts.path))
    if "://" in uri:
        raise BadInput(f"'{uri}' cannot be read; allowed: a local path, file:// and s3://")
    # In `-P output=~/x` no shell replaces the tilde.
    return Path(uri).expanduser() if uri == "~" or uri.startswith("~/") else Path(uri)


def absolute(uri: str) -> str:
    """Return `uri` so that it names the same place from every working folder."""
    return uri if is_s3(uri) else str(local_path(uri).absolute())


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Split an s3:// URI into its bucket and its key, the key without slashes at its ends.

    Raises:
        BadInput: `uri` names no bucket.
    """
    # Not urlsplit: a key may hold '?' and '#', which mean nothing to S3.
    bucket, _, key = uri.removeprefix(S3_SCHEME).partition("/")
    if not bucket:
        raise BadInput(f"'{uri}' names no bucket; write s3://bucket/key")
    return bucket, key.strip("/")


def join(root: str, *parts: str) -> str:
    """Put `parts` below `root`; an absolute part (path or URI) drops all before it."""
    for part in parts:
        root = _join_one(root, part)
    return root


def parent(uri: str) -> str:
    """Return the folder that holds `uri`; the parent of a bucket is that bucket."""
    if not is_s3(uri):
        return str(local_path(uri).parent)
    bucket, key = bucket_and_key(uri)
    return f"{S3_SCHEME}{bucket}/{key}".rpartition("/")[0]


def name(uri: str) -> str:
    """Return the last part of `uri`; it is empty for a bucket, as it is for '/'."""
    if not is_s3(uri):
        return local_path(uri).name
    return bucket_and_key(uri)[1].rpartition("/")[2]


def is_inside(relative: str) -> bool:
    """Say whether `relative`, put below a folder, stays inside that folder."""
    path = PurePosixPath(relative)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def below(root: str, relative: str) -> str:
    """Return what is named `relative` below the folder `root`; a file:// root becomes a path."""
    if is_s3(root):
        return f"{root.rstrip('/')}/{relative}" if relative else root
    return str(local_path(root) / relative)


def _join_one(root: str, part: str) -> str:
    return part if is_s3(part) or part.startswith(("/", "file:")) else below(root, part)
