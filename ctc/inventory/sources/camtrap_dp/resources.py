"""The tables of a data package in all the ways that its standard has, as one plain CSV.

The standard is that of https://specs.frictionlessdata.io/data-resource (a table in several files,
or within the description) and csv-dialect (other marks than comma and double quote).
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ctc.inventory.sources.documents import kind_of, text_of

# What Python's reader calls the properties of a dialect, and what they are in a plain CSV.
PYTHONS = {
    "delimiter": "delimiter",
    "quoteChar": "quotechar",
    "doubleQuote": "doublequote",
    "escapeChar": "escapechar",
    "skipInitialSpace": "skipinitialspace",
}
PLAIN = {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True}
# They change nothing of what is read.
WITHOUT_EFFECT = ("lineTerminator", "csvddfVersion", "caseSensitiveHeader")


def joined(parts: Sequence[bytes]) -> bytes:
    """Return the text of several files as that of one; the header may stand in each.

    Args:
        parts: text in UTF-8, from the header on.
    """
    header = _first_line(parts[0])
    bare = (one.removeprefix(header) if _first_line(one) == header else one for one in parts[1:])
    return b"\n".join([parts[0].rstrip(b"\r\n"), *(one.strip(b"\r\n") for one in bare), b""])


def plain_csv(data: bytes, dialect: Mapping[str, Any]) -> bytes:
    """Return a table of some dialect as a plain CSV.

    Args:
        data: text in UTF-8.
        dialect: as a resource describes it.

    Raises:
        ValueError: naming a property that cannot be read.
    """
    told = {name: value for name, value in dialect.items() if _has_effect(name, value)}
    if not told:
        return data
    for name, value in told.items():
        if name not in PYTHONS:
            allowed = ", ".join(PYTHONS)
            raise ValueError(f"found {name}={text_of(value)!r} in the dialect; allowed: {allowed}")
    marks = {PYTHONS[name]: value for name, value in told.items()}
    try:
        return _written(csv.reader(io.StringIO(data.decode(), newline=""), **marks))
    except (TypeError, csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"its dialect does not fit: {error}") from error


def _has_effect(name: str, value: Any) -> bool:
    if name in PLAIN:
        return value is not None and value != PLAIN[name]
    return name not in WITHOUT_EFFECT and bool(value)


def inline_csv(data: Any) -> bytes:
    """Return rows that stand in the description as a CSV.

    Args:
        data: a list of objects, or of lists of which the first is the header, or a CSV as text.

    Raises:
        ValueError: saying what else it is.
    """
    if isinstance(data, str):
        return data.encode("utf-8", "surrogatepass")
    rows = data if isinstance(data, list) else []
    if not rows or not all(isinstance(row, type(rows[0])) for row in rows):
        raise ValueError(f"found {kind_of(data)} as 'data'; allowed: rows, all of one kind")
    if isinstance(rows[0], dict):
        names = list(dict.fromkeys(name for row in rows for name in row))
        rows = [names, *([row.get(name) for name in names] for row in rows)]
    elif not isinstance(rows[0], list):
        raise ValueError(f"found {kind_of(rows[0])} as a row; allowed: an object or a list")
    return _written([_text(value) for value in row] for row in rows)


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        raise ValueError(f"found {kind_of(value)} as a value; allowed: a text or a number")
    return text_of(value) or ""


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(row for row in rows if row)
    return text.getvalue().encode()


def _first_line(data: bytes) -> bytes:
    return data.partition(b"\n")[0].rstrip(b"\r")
