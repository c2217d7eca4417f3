"""JSON documents of other tools, read so that what does not fit is said with its place."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ctc import storage
from ctc.errors import BadInput


@dataclass(frozen=True)
class Document:
    """A JSON file whose content is one object."""

    path: str
    content: dict[str, Any]

    @classmethod
    def open(cls, path: str, **reading: Any) -> "Document":
        """Read a file; `reading` goes to `json.loads`.

        Raises:
            BadInput: if there is no such file, or it is not JSON, or not an object.
        """
        return cls.parse(path, read_file(path), **reading)

    @classmethod
    def parse(cls, path: str, data: bytes, **reading: Any) -> "Document":
        """Read the content of a file; `path` names it in sentences.

        Raises:
            BadInput: if it is not JSON, or not an object.
        """
        content = _parse(path, data, reading)
        if not isinstance(content, dict):
            raise BadInput(f"'{path}': found {kind_of(content)}; allowed: a JSON object")
        return cls(path, content)

    def refusal(self, place: str, found: str) -> BadInput:
        """Return the error that names this file and a place in it."""
        return BadInput(f"'{self.path}', {place}: {found}")

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Return the list of objects under a key.

        Raises:
            BadInput: if there is no such key, or something else is there.
        """
        found = self.content.get(name)
        if not isinstance(found, list):
            raise BadInput(f"'{self.path}': found {_under(self.content, name)}; allowed: a list")
        for number, one in enumerate(found):
            if not isinstance(one, dict):
                sentence = f"found {kind_of(one)}; allowed: an object"
                raise self.refusal(f"{name}[{number}]", sentence)
        return found

    def object(self, name: str) -> dict[str, Any]:
        """Return the object under a key; an empty one where there is none.

        Raises:
            BadInput: if something else is there.
        """
        found = self.content.get(name)
        if found is not None and not isinstance(found, dict):
            raise BadInput(f"'{self.path}', '{name}': found {kind_of(found)}; allowed: an object")
        return found or {}

    def text(self, record: Mapping[str, Any], key: str, place: str) -> str:
        """Return a value that must be there, as text.

        Raises:
            BadInput: if it is missing, or not one text or number.
        """
        value = record.get(key)
        if type(value) is str and value:
            return value  # nearly always: there may be millions
        text = None if isinstance(value, list | dict) else text_of(value)
        if text is None:
            raise self.refusal(place, f"found {_under(record, key)}; allowed: a text or a number")
        return text

    def scalars(
        self, record: Mapping[str, Any], keys: Iterable[str], place: str
    ) -> tuple[str | None, ...]:
        """Return the values under some keys as text; None where one is missing.

        Raises:
            BadInput: for a list or an object.
        """
        return tuple(
            text_of(value)
            if not isinstance(value := record.get(key), list | dict)
            else self.scalar(value, f"{place}, '{key}'")
            for key in keys
        )

    def scalar(self, value: Any, place: str) -> str | None:
        """Return a value as text; None where it is missing.

        Raises:
            BadInput: if it is a list or an object.
        """
        if isinstance(value, list | dict):
            raise self.refusal(place, f"found {kind_of(value)}; allowed: one text or number")
        return text_of(value)


def read_file(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        BadInput: if there is none, or it cannot be read.
    """
    try:
        return storage.read_bytes(path)
    except FileNotFoundError as error:
        raise BadInput(f"no file at '{path}'") from error
    except IsADirectoryError as error:
        raise BadInput(f"'{path}' is a folder; a JSON file is allowed") from error
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read: {storage.why_not_read(error)}") from error


def text_of(value: Any) -> str | None:
    """Write a scalar as JSON does; None for null, an empty text and NaN (how pandas says null)."""
    if isinstance(value, str):
        return value or None
    if value is None or value != value:
        return None
    if type(value) is int:
        return str(value)  # many times as fast
    return json.dumps(value)


def kind_of(value: Any) -> str:
    """Name the type of a JSON value."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "null" if value is None else kinds.get(type(value), "a number")


def _parse(path: str, data: bytes, reading: Mapping[str, Any]) -> Any:
    if not data.strip():
        raise BadInput(f"'{path}' is empty; a JSON file is allowed")
    try:
        return json.loads(data, **reading)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadInput(f"'{path}' is not JSON: {error.msg.lower()} at {where}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"'{path}' is not JSON: its bytes are not text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"'{path}' cannot be read as JSON: {error}") from error


def _under(record: Mapping[str, Any], key: str) -> str:
    if key not in record:
        return f"no '{key}'"
    return f"{kind_of(record[key]) if record[key] != '' else 'an empty text'} as '{key}'"
