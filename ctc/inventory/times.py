"""Times as surveys write them, read into instants."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Year first, for 03/05/2024 is March in one country and May in another.
# An instant counted in nanoseconds lies between 1677 and 2262.
_DATE = r"(1[789]|2[01])\d{2}[-:/]\d{1,2}[-:/]\d{1,2}"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
_ZONE = r" ?(Z|z|[+-]\d{2}(:?\d{2})?)"
_TIME = rf"^({_DATE}([Tt ] ?{_CLOCK}({_ZONE})?)?|(1[789]|2[01])\d{{6}}T\d{{6}}({_ZONE})?)$"
# What turns such a text into what pandas reads: first what EXIF writes, then what few do.
_FORMS = (
    ((r"^(\d{4}):(\d{1,2}):", r"\1-\2-"),),
    (
        (r"^(\d{4})[-/](\d{1,2})[-/]", r"\1-\2-"),
        (r"^(\d{4})-(\d)-", r"\1-0\2-"),
        (r"^(\d{4}-\d{2})-(\d)([Tt ]|$)", r"\1-0\2\3"),
        (r"^(\d{4}-\d{2}-\d{2})[Tt ] ?", r"\1 "),
        (r" (\d):", r" 0\1:"),
        (r",", r"."),
        (r" ?[zZ]$", "+00:00"),
        (r" ([+-]\d{2}(:?\d{2})?)$", r"\1"),
    ),
)

# With an English name of the month no other day can be meant; Timelapse writes 03-May-2024.
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NAMED_MONTH = r"^(?P<day>\d{1,2})[- /](?P<month>[a-z]+)[- /](?P<year>\d{4})(?P<rest>$|[t ].*$)"

Times = NDArray[np.datetime64]


def parse_times(column: pa.ChunkedArray | pa.Array) -> Times:
    """Read a column of times, written as ISO 8601, or as EXIF does, or with slashes, year first,
    or with the English name of the month, day first, such as 03-May-2024 07:15:00.

    A time without a zone is taken as it stands, as if it were UTC: within a survey it is compared
    with its like. A date without a time is its midnight. Other forms are not
    guessed.

    Args:
        column: texts, null where the time is missing.

    Returns:
        datetime64[ns] in UTC, NaT where the time is missing or cannot be read.
    """
    given = pc.utf8_trim_whitespace(column)
    times = _year_first(given)
    unread = np.isnat(times) & pc.is_valid(given).to_numpy(zero_copy_only=False)
    if unread.any():
        times[unread] = _year_first(_without_name(given.filter(pa.array(unread))))
    return times


def _year_first(texts: pa.ChunkedArray | pa.Array) -> Times:
    texts = pc.if_else(pc.match_substring_regex(texts, _TIME), texts, None)
    times = _read(texts)
    for form in _FORMS:
        unread = np.isnat(times) & pc.is_valid(texts).to_numpy(zero_copy_only=False)
        if not unread.any():
            break
        for pattern, replacement in form:
            texts = pc.replace_substring_regex(texts, pattern, replacement)
        times[unread] = _read(texts.filter(pa.array(unread)))
    return times


def _without_name(texts: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Write 03-May-2024 07:15:00 as 2024-5-03 07:15:00; null for what is not of that form."""
    parts = pc.extract_regex(pc.utf8_lower(texts), _NAMED_MONTH)
    day, name, year, rest = (pc.struct_field(parts, field) for field in range(4))
    month = pc.index_in(pc.utf8_slice_codeunits(name, 0, 3), pa.array(one[:3] for one in _MONTHS))
    known = pc.or_(pc.is_in(name, pa.array(_MONTHS)), pc.equal(pc.utf8_length(name), 3))
    number = pc.if_else(known, pc.add(month, 1), None).cast(pa.string())
    date = pc.binary_join_element_wise(year, number, day, "-")
    return pc.binary_join_element_wise(date, rest, "")


def _read(texts: pa.ChunkedArray | pa.Array) -> Times:
    import pandas as pd

    series = texts.to_pandas()
    read = pd.to_datetime(series, format="ISO8601", utc=True, errors="coerce")
    times: Times = read.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]", copy=True)
    return times
