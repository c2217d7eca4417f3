"""What all writers of predictions share."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ctc import storage
from ctc.errors import CannotGoOn
from ctc.prediction.meaning.judged import Judged
from ctc.storage.unfinished import Place, settle

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


@contextmanager
def whole_folder(uri: str, last: str, is_own: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a local folder to fill; when the block ends well, it is at `uri`, whole.

    Args:
        uri: the folder to make; a former one is replaced.
        last: the file that appears last in a store.
        is_own: whether a former folder may be replaced; it is looked at again, for hours may have
            passed since it was.

    Raises:
        CannotGoOn: if there are other files by now.
    """
    if storage.is_s3(uri):
        with tempfile.TemporaryDirectory() as made:
            yield Path(made)
            storage.put_folder(Path(made), uri, last)
        return
    target = storage.local_path(uri)
    place = Place(uri, target.parent, target.name)
    settle(place)
    partial = target.with_name(f".{target.name}.partial")
    storage.remove_folder(partial)  # of a run that was cut off
    partial.mkdir(parents=True)
    try:
        yield partial
        if target.exists() and not is_own(target):
            raise CannotGoOn(f"'{target}' holds other files by now; move them, and predict again")
        storage.replace_folder(partial, target, place.former)
    finally:
        storage.remove_folder(partial)
