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

Times = NDArray[np.datetime64]


def parse_times(column: pa.ChunkedArray | pa.Array) -> Times:
    """Read a column of times, written as ISO 8601, or as EXIF does, or with slashes, year first.

    A time without a zone is taken as it stands, as if it were UTC: within a survey it is compared
    with its like. A date without a time is its midnight. Forms that do not begin with the year
    are not guessed.

    Args:
        column: texts, null where the time is missing.

    Returns:
        datetime64[ns] in UTC, NaT where the time is missing or cannot be read.
    """
    texts = pc.utf8_trim_whitespace(column)
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


def _read(texts: pa.ChunkedArray | pa.Array) -> Times:
    import pandas as pd

    series = texts.to_pandas()
    read = pd.to_datetime(series, format="ISO8601", utc=True, errors="coerce")
    times: Times = read.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]", copy=True)
    return times
