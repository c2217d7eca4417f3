"""What all writers of predictions share."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ctc import storage
from ctc.prediction.judged import Judged

Add = Callable[[Judged], None]  # takes one capture; they come in order


@contextmanager
def whole_file(uri: str) -> Iterator[Path]:
    """Yield a local path to write to; when the block ends well, the file is at `uri`, whole."""
    if not storage.is_s3(uri):
        with storage.atomic_file(storage.local_path(uri)) as path:
            yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / storage.name(uri)
        yield path
        storage.put_file(path, uri)
