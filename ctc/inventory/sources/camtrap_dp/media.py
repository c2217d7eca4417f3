"""Which media of a Camtrap DP package are pictures that can be read, and under which path."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ctc import storage
from ctc.inventory.findings import Case, Finding
from ctc.inventory.sources.camtrap_dp.packages import Package
from ctc.inventory.sources.camtrap_dp.tables import Sheet
from ctc.inventory.sources.rows import finding_of, is_video

URLS = ("http://", "https://", "ftp://")
NO_PICTURE = "media that are no pictures (left out of the pictures)"
NO_PATH = "media without a file path (left out of the pictures)"
BY_URL = "media named by a URL that cannot be read (left out of the pictures)"
BY_NAME = "media named by a URL (read from the file of their name)"
IN_ZIP = (
    "media inside the zip, where they cannot be read (left out of the pictures; unpack the zip "
    "and give the folder)"
)


class Medium(NamedTuple):
    """A row of the table of media, as far as its picture is concerned."""

    row: int
    media_id: str
    path: str | None
    name: str | None
    kind: str | None


@dataclass(frozen=True)
class Pictures:
    """The pictures of a package.

    Attributes:
        paths: the path of each medium that is a picture within reach, by its row.
        findings: the others, each named, and those found under another name.
    """

    paths: dict[int, str]
    findings: tuple[Finding, ...]


def pictures_of(package: Package, media: Sheet, image_root: str) -> Pictures:
    """Find the picture of each medium.

    Args:
        package: where the tables are.
        media: the table of media.
        image_root: where relative paths start from, or "auto": the folder of the package.
    """
    root = package.root if image_root == "auto" else image_root
    zipped = _zipped(package, media, root) if image_root == "auto" else frozenset()
    beside = _there(root, [one.name for one in _media(media) if _is_url(one.path)])
    paths: dict[int, str] = {}
    cases: dict[str, list[Case]] = defaultdict(list)
    for one in _media(media):
        path, what = _reach(one, zipped, beside)
        if path is not None:
            paths[one.row] = path
        if what:
            detail = one.kind if what == NO_PICTURE else one.path
            cases[what].append(Case(one.media_id, media.place(one.row), detail or ""))
    order = (NO_PICTURE, NO_PATH, IN_ZIP, BY_URL, BY_NAME)
    return Pictures(
        paths, tuple(found for what in order for found in finding_of(what, cases[what]))
    )


def _media(media: Sheet) -> Iterator[Medium]:
    names = ("mediaID", "filePath", "fileName", "fileMediatype")
    for row, (media_id, path, name, kind) in enumerate(
        zip(*(media[column] for column in names), strict=True)
    ):
        yield Medium(row, str(media_id), path, name, kind)


def _reach(one: Medium, zipped: frozenset[str], beside: set[str]) -> tuple[str | None, str]:
    """Return the path to read a picture from, or None, and what is to be noted, or nothing."""
    if not _is_picture(one):
        return None, NO_PICTURE
    if one.path is None:
        return None, NO_PATH
    if not _is_url(one.path):
        return (None, IN_ZIP) if one.path in zipped else (one.path, "")
    return (one.name, BY_NAME) if one.name in beside else (None, BY_URL)


def _is_picture(one: Medium) -> bool:
    if one.kind is None:
        return not is_video(one.path or one.name or "")
    return one.kind.lower().startswith("image/")


def _is_url(path: str | None) -> bool:
    return path is not None and path.lower().startswith(URLS)


def _zipped(package: Package, media: Sheet, root: str) -> frozenset[str]:
    """Return the members of the zip, unless its pictures have been unpacked beside it."""
    members = package.members
    first = next((one.path for one in _media(media) if one.path in members), None)
    unpacked = first is not None and storage.exists(storage.join(root, first))
    return frozenset() if unpacked else members


def _there(root: str, names: list[str | None]) -> set[str]:
    """Return the names that files directly in a folder have."""
    plain = {name for name in names if name and "/" not in name and "\\" not in name}
    plain -= {".", ".."}
    if not plain or not storage.is_folder(root):
        return set()
    if storage.is_s3(root):  # one listing, for each question to a store takes long
        return plain & set(storage.list_files(root))
    return {name for name in plain if storage.exists(storage.join(root, name))}
