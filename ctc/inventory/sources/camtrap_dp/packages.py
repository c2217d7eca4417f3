"""Data packages: a folder or a zip of tables, described by its datapackage.json.

The standard is that of https://specs.frictionlessdata.io/data-package/ and data-resource.
"""

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.sources.camtrap_dp.resources import inline_csv, joined, plain_csv
from ctc.inventory.sources.delimited import CsvTable
from ctc.inventory.sources.documents import Document, kind_of, read_file
from ctc.inventory.sources.texts import text_of

DESCRIPTION = "datapackage.json"


@dataclass(frozen=True)
class Package:
    """A data package.

    Attributes:
        document: its description.
        root: the folder or URI that its relative paths start from; of a zip, where it would be
            unpacked to.
        archive: the zip it is in, or None.
        folder: the folder of the description within the zip, "" or with a slash at its end.
    """

    document: Document
    root: str
    archive: zipfile.ZipFile | None = field(default=None, repr=False)
    folder: str = ""

    @classmethod
    def open(cls, path: str) -> "Package":
        """Open a folder, the datapackage.json in it, or a zip.

        Raises:
            BadInput: if it is none of these.
        """
        if storage.is_folder(path):
            path = storage.join(path, DESCRIPTION)
            return cls(Document.open(path), storage.parent(path))
        if PurePosixPath(path).suffix.lower() == ".json":
            return cls(Document.open(path), storage.parent(path))
        return _zipped(path)

    @property
    def members(self) -> frozenset[str]:
        """What a zip holds, relative to its description; nothing for a folder."""
        names = self.archive.namelist() if self.archive else []
        return frozenset(
            name.removeprefix(self.folder) for name in names if name.startswith(self.folder)
        )

    def table(self, name: str) -> CsvTable:
        """Return the resource of a name.

        Raises:
            BadInput: if there is no such resource, or it cannot be read as a CSV.
        """
        resource = self._resource(name)
        try:
            if "path" not in resource and "data" in resource:
                place = f"{self.document.path} (data of '{name}')"
                return CsvTable.parse(place, inline_csv(resource["data"]))
            place, data = self._text(resource, name)
            return CsvTable.parse(place, plain_csv(data, self._dialect(resource)))
        except BadInput:
            raise
        except ValueError as error:
            raise self._refusal(name, str(error)) from error

    def place_of(self, path: str) -> str:
        """Name a file of the package in sentences."""
        return (
            f"{storage.parent(self.document.path)}/{path}"
            if self.archive
            else storage.join(self.root, path)
        )

    def _resource(self, name: str) -> Mapping[str, Any]:
        found = self.document.objects("resources")
        names = [str(one.get("name")) for one in found]
        if names.count(name) != 1:
            times = "twice" if name in names else "nowhere"
            raise BadInput(
                f"'{self.document.path}' has the resource '{name}' {times}; it has: "
                f"{', '.join(names) or 'none'}"
            )
        return found[names.index(name)]

    def _text(self, resource: Mapping[str, Any], name: str) -> tuple[str, bytes]:
        """Return the name and the text in UTF-8 of a resource's file, or of all its files."""
        paths = self._paths(resource, name)
        encoding = self._encoding(resource, name)
        parts = []
        for path in paths:
            with text_of(self.place_of(path), self._read(path, name), encoding).open() as stream:
                parts.append(stream.read())
        more = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
        return self.place_of(paths[0]) + more, joined(parts) if more else parts[0]

    def _dialect(self, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        found = resource.get("dialect") or {}
        if not isinstance(found, dict):
            raise ValueError(f"found {kind_of(found)} as 'dialect'; allowed: an object")
        return found

    def _paths(self, resource: Mapping[str, Any], name: str) -> list[str]:
        found = resource.get("path")
        paths = [path for path in (found if isinstance(found, list) else [found]) if path]
        if not paths or not all(isinstance(path, str) for path in paths):
            what = "no 'path'" if "path" not in resource else f"{kind_of(found)} as 'path'"
            allowed = "the path of a CSV file, or a list of such"
            raise self._refusal(name, f"found {what}; allowed: {allowed}")
        return [self._within(str(path), name) for path in paths]

    def _within(self, path: str, name: str) -> str:
        parts = PurePosixPath(path).parts
        if "://" in path or path.startswith("/") or ".." in parts or "\\" in path:
            sentence = f"found the path '{path}'; allowed: a path within the package"
            raise self._refusal(name, sentence)
        return path

    def _encoding(self, resource: Mapping[str, Any], name: str) -> str:
        found = str(resource.get("encoding", "utf-8"))
        try:
            # UTF-8 is what "auto" takes too, which knows marks of byte order besides.
            return "auto" if codecs.lookup(found).name == "utf-8" else found
        except LookupError as error:
            sentence = f"found the encoding '{found}'; allowed: one that Python knows"
            raise self._refusal(name, sentence) from error

    def _refusal(self, name: str, found: str) -> BadInput:
        return self.document.refusal(f"resource '{name}'", found)

    def _read(self, path: str, name: str) -> bytes:
        try:
            data = self._bytes(path)
            return gzip.decompress(data) if path.endswith(".gz") else data
        except (KeyError, FileNotFoundError) as error:
            sentence = f"there is no file '{path}'; allowed: a file of the package"
            raise self._refusal(name, sentence) from error
        except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            why = storage.why_not_read(error) if isinstance(error, OSError) else str(error)
            raise self._refusal(name, f"'{path}' cannot be read: {why}") from error

    def _bytes(self, path: str) -> bytes:
        if self.archive is None:
            return storage.read_bytes(storage.join(self.root, path))
        return self.archive.read(self.folder + str(PurePosixPath(path)))


def _zipped(path: str) -> Package:
    archive = _archive(path)
    # An unpacked folder that was zipped again has all its files one folder down.
    found = [name for name in archive.namelist() if PurePosixPath(name).name == DESCRIPTION]
    found.sort(key=lambda name: name.count("/"))
    if not found:
        raise BadInput(f"'{path}' holds no {DESCRIPTION}; allowed: the zip of a data package")
    try:
        data = archive.read(found[0])
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"'{path}': {found[0]} cannot be read: {error}") from error
    document = Document.parse(f"{path}/{found[0]}", data)
    folder = found[0].removesuffix(DESCRIPTION)
    root = storage.join(storage.parent(path), folder.rstrip("/"))
    return Package(document, root, archive, folder)


def _archive(path: str) -> zipfile.ZipFile:
    """Open a zip: a local one in place, one in a store from memory."""
    try:
        if storage.is_s3(path):
            return zipfile.ZipFile(io.BytesIO(read_file(path)))
        return zipfile.ZipFile(storage.local_path(path))
    except FileNotFoundError as error:
        raise BadInput(f"no package at '{path}'") from error
    except zipfile.BadZipFile as error:
        raise BadInput(
            f"'{path}' is no data package; allowed: a folder, its {DESCRIPTION} or a zip of it"
        ) from error
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read: {storage.why_not_read(error)}") from error
