"""What is in an inventory, as tables: its captures of each class and at each location."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ctc.inventory.captures import Captures
from ctc.inventory.repeats import coded
from ctc.inventory.table import IMAGES, LOCATION, TIMESTAMP, Inventory
from ctc.inventory.times import parse_times

if TYPE_CHECKING:  # its import takes longer than all else here
    import pandas as pd

NOT_KNOWN = "(not known)"


@dataclass(frozen=True)
class Classes:
    """The classes of a label, in the order in which they first appear.

    Attributes:
        names: the classes.
        codes: int64 [rows]: which class a row of the inventory has, -1 where it is missing.
        captures: int64 [classes]: different captures of each.
        observations: int64 [classes]: rows of each.
        first: int64 [classes]: the first row of each.
    """

    names: list[str]
    codes: NDArray[np.int64]
    captures: NDArray[np.int64]
    observations: NDArray[np.int64]
    first: NDArray[np.int64]


def classes_of(column: pa.ChunkedArray, captures: NDArray[np.int64]) -> Classes:
    """Count the classes of a column, given the capture of each row, [rows]."""
    names = column.drop_null().unique().to_pylist()
    codes = coded(column)
    known = np.flatnonzero(codes >= 0)
    observations = np.bincount(codes[known], minlength=len(names))
    first = np.zeros(len(names), np.int64)
    first[codes[known[::-1]]] = known[::-1]  # the last one written is the first of a class
    return Classes(names, codes, _captures(codes[known], captures[known]), observations, first)


def _captures(codes: NDArray[np.int64], captures: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the different captures of each class."""
    if not len(codes):
        return np.zeros(0, np.int64)
    width = int(captures.max()) + 1
    # Not np.unique: it takes ten times as long where nearly all numbers differ.
    pairs = np.sort(codes * width + captures)
    once = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]
    return np.bincount(once // width)


def worded(captures: int) -> str:
    """Return `1 capture`, `2 captures`, `1,234 captures`."""
    return f"{captures:,} capture" + "s" * (captures != 1)


def class_table(inventory: Inventory) -> "pd.DataFrame":
    """Return a row a label and class: its captures and observations, commonest first."""
    import pandas as pd

    captures = Captures.of(inventory).of_row
    parts = [_table_of(inventory, label, captures) for label in inventory.labels]
    columns = ["label", "class", "captures", "observations"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _table_of(inventory: Inventory, label: str, captures: NDArray[np.int64]) -> "pd.DataFrame":
    import pandas as pd

    found = classes_of(inventory.table[label], captures)
    table = pd.DataFrame(
        {
            "label": label,
            "class": pd.Series(found.names, dtype=object),
            "captures": found.captures,
            "observations": found.observations,
        }
    )
    return table.sort_values(["captures", "class"], ascending=[False, True])


def location_table(inventory: Inventory) -> "pd.DataFrame":
    """Return a row a location: captures, images, the first and the last timestamp.

    It is empty where the inventory knows no location; the timestamps are text, empty where none
    can be read. Commonest first.
    """
    import pandas as pd

    columns = [LOCATION, "captures", "images", "first", "last"]
    if LOCATION not in inventory.metadata:
        return pd.DataFrame(columns=columns)
    once = inventory.table.take(Captures.of(inventory).first)
    rows = pd.DataFrame(
        {
            LOCATION: pc.fill_null(once[LOCATION], NOT_KNOWN).to_pandas(),
            "images": pc.list_value_length(once[IMAGES]).to_numpy(),
            "time": _times(once),
        }
    )
    if (rows[LOCATION] == NOT_KNOWN).all():
        return pd.DataFrame(columns=columns)
    return _by_location(rows)[columns]


def spread_table(inventory: Inventory, label: str) -> "pd.DataFrame":
    """Return a row a class of a label: where and when it was taken, that of fewest locations first.

    The columns are `class`, `captures`, `locations` (how many), `at_commonest` (share of the
    captures at the location that has most of them), `first` and `last` (see `location_table`).
    Captures whose location is not known count as `captures` alone.
    """
    rows = _observations(inventory, label)
    at = rows.groupby(["class", LOCATION]).size().groupby("class")
    table = rows.groupby("class").agg(
        captures=("time", "size"), first=("time", "min"), last=("time", "max")
    )
    table.insert(1, "locations", at.size().reindex(table.index, fill_value=0))
    table.insert(2, "at_commonest", at.max() / at.sum())
    ordered = table.sort_values(["locations", "captures"], kind="stable").reset_index()
    return _with_texts(ordered)


def _observations(inventory: Inventory, label: str) -> "pd.DataFrame":
    """Return a row a capture and class: `class`, location and time."""
    import pandas as pd

    known = inventory.table
    none = pa.nulls(known.num_rows, pa.string())
    rows = pd.DataFrame(
        {
            "class": known[label].to_pandas(),
            "capture": Captures.of(inventory).of_row,
            LOCATION: (known[LOCATION] if LOCATION in inventory.metadata else none).to_pandas(),
            "time": _times(known),
        }
    )
    return rows.dropna(subset=["class"]).drop_duplicates(["class", "capture"])


def _by_location(rows: "pd.DataFrame") -> "pd.DataFrame":
    table = rows.groupby(LOCATION, as_index=False).agg(
        captures=("images", "size"),
        images=("images", "sum"),
        first=("time", "min"),
        last=("time", "max"),
    )
    ordered = ["captures", LOCATION]
    return _with_texts(table.sort_values(ordered, ascending=[False, True], ignore_index=True))


def _with_texts(table: "pd.DataFrame") -> "pd.DataFrame":
    """Write the times of a table; "" for one that is not known."""
    written = {
        name: table[name].dt.strftime("%Y-%m-%d %H:%M:%S").fillna("") for name in ("first", "last")
    }
    return table.assign(**written)


def _times(once: pa.Table) -> "pd.Series[pd.Timestamp]":
    import pandas as pd

    none = pd.Series(pd.NaT, index=range(once.num_rows), dtype="datetime64[ns]")
    if TIMESTAMP not in once.column_names:
        return none
    return pd.Series(parse_times(once[TIMESTAMP]))
