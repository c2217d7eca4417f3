"""Pictures sorted by what was predicted: LABEL/CLASS/PICTURE, as links or copies.

The pictures themselves stay where they are and as they are. `sorted.csv` says what lies where, and
what was left out: captures that are predicted to be of a private class. What could not be read lies
below `_unreadable`, if it is there at all.
"""

import csv
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.looks.private import private_classes
from ctc.pictures.files import is_url, picture_uri
from ctc.prediction.formats.writing import Add, whole_folder
from ctc.prediction.meaning.judged import Asked, Judged
from ctc.prediction.meaning.kinds import BLANK, kind_said, questions_of

LIST = "sorted.csv"
COLUMNS = ("file", "source", "capture_id", "left_out")
PRIVATE = "private"
UNREADABLE = "_unreadable"
# What Windows or a shell would not take in a name; "%" so that no two names become one.
UNSAFE = re.compile(r'[%<>:"|?*\\/\x00-\x1f]|^\.|[. ]$')


@contextmanager
def write(uri: str, asked: Asked) -> Iterator[Add]:
    """Take captures and sort their pictures; the folder appears whole."""
    with (
        whole_folder(uri, LIST, is_own) as folder,
        (folder / LIST).open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)

        def add(judged: Judged) -> None:
            writer.writerows(_sorted(judged, folder, asked))

        yield add


def check(uri: str, asked: Asked) -> None:
    """Refuse what cannot be sorted.

    Raises:
        BadInput: for a store, which has no links and no folders, and for pictures within the
            folder that is to be replaced.
    """
    if storage.is_s3(uri):
        raise BadInput(f"output: found '{uri}' with format=folders; allowed: a local folder")
    if asked.link and storage.is_s3(asked.root):
        raise BadInput(
            f"link: found yes with pictures in '{asked.root}', to which there are no links; "
            "allowed: no, which copies them"
        )
    target = storage.local_path(uri).resolve()
    if not storage.is_s3(asked.root) and storage.local_path(asked.root).resolve().is_relative_to(
        target
    ):
        raise BadInput(f"output: '{uri}' holds the pictures themselves; name another folder")


def is_own(path: Path) -> bool:
    """Return whether a folder was made here and holds nothing that was put there since."""
    try:
        with (path / LIST).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            is_list = next(rows, None) == [*COLUMNS]
            known = {LIST, *(row[0] for row in rows)} if is_list else set()
    except (OSError, UnicodeDecodeError):
        known = set()
    there = (one for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
    return path.is_dir() and all(one.relative_to(path).as_posix() in known for one in there)


def _sorted(judged: Judged, root: Path, asked: Asked) -> Iterator[list[str]]:
    """Sort the pictures of a capture; yield a row of the list for each place, or for none."""
    answer = judged.answer
    is_private = bool(private_classes(_names(judged), asked.private))
    for image, fault in zip(answer.images, answer.faults, strict=True):
        source = picture_uri(asked.root, image)
        if is_private:
            yield ["", source, answer.capture_id, PRIVATE]
            continue
        for folder in _folders(judged) if fault is None else [Path(UNREADABLE)]:
            place = _free(root / folder / _inside(image))
            is_there = _put(source, place, asked.link, needed=fault is None)
            name = place.relative_to(root).as_posix() if is_there else ""
            yield [name, source, answer.capture_id, fault or ""]


def _names(judged: Judged) -> set[str]:
    said = (name for row in judged.rows.values() for name in (row.prediction, row.top))
    return {name for name in said if name is not None}


def _folders(judged: Judged) -> list[Path]:
    """Return a folder a label; where nothing is, no other label says anything of it."""
    questions = questions_of(judged.asked.labels)
    is_blank = kind_said(judged.rows, questions) == BLANK
    return [
        Path(_safe(label)) / _safe(row.prediction)
        for label, row in judged.rows.items()
        if row.prediction is not None and (not is_blank or label == questions.presence)
    ]


def _inside(image: str) -> Path:
    """Return a relative path for a picture, whatever it is named: also an absolute path or URI."""
    parts = PurePosixPath(image.replace("\\", "/")).parts
    return Path(*(_safe(part) for part in parts if part != "/"))


def _safe(name: str) -> str:
    """Return a name that every file system takes, a different one for each name."""
    return UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", name)


def _free(path: Path) -> Path:
    """Return the path, or one with a number where another capture has a picture of that name."""
    numbered = (path.with_name(f"{path.stem} ({n}){path.suffix}") for n in itertools.count(2))
    return next(one for one in itertools.chain([path], numbered) if not os.path.lexists(one))


def _put(source: str, place: Path, link: bool, needed: bool) -> bool:
    """Link or copy a picture; return whether it is there.

    Raises:
        OSError: if it is needed and cannot be copied, or there is no room.
    """
    if is_url(source) or (not needed and not storage.exists(source)):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    if link and not storage.is_s3(source):
        place.symlink_to(storage.local_path(source).absolute())
    else:
        storage.fetch_file(source, place)
    return True
