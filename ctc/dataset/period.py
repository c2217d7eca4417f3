"""When pictures were taken: from the first to the last of them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctc.inventory.table import CAPTURE_ID, TIMESTAMP
from ctc.inventory.times import parse_times


@dataclass(frozen=True)
class Period:
    """When the first and the last of some captures were taken, as far as that is known.

    Attributes:
        first, last: such as 2019-03-01T07:15:00, as cameras write it (see `parse_times`).
    """

    first: str
    last: str

    def __str__(self) -> str:
        """Say the first and the last day."""
        return f"{self.first[:10]} to {self.last[:10]}"


def united(periods: Iterable[Period | None]) -> Period | None:
    """Return the period that holds those that are known; None if none is."""
    known = [one for one in periods if one is not None]
    if not known:
        return None
    return Period(min(one.first for one in known), max(one.last for one in known))


def periods_of(captures: pa.Table, without: Collection[str]) -> dict[str, Period]:
    """Return the period of each split; a split of which no time is known has none.

    Args:
        captures: see `ctc.dataset.planning.Plan.captures`.
        without: ids of captures that do not count.
    """
    if TIMESTAMP not in captures.column_names:
        return {}
    times = parse_times(captures[TIMESTAMP])
    left_out = pc.is_in(captures[CAPTURE_ID], pa.array(sorted(without), pa.string()))
    counts = ~np.isnat(times) & ~left_out.to_numpy()
    seconds = pa.array(times.astype("datetime64[s]"))
    table = pa.table({"split": captures["split"], "time": seconds}).filter(pa.array(counts))
    rows = table.group_by("split").aggregate([("time", "min"), ("time", "max")]).to_pylist()
    return {
        row["split"]: Period(row["time_min"].isoformat(), row["time_max"].isoformat())
        for row in sorted(rows, key=lambda row: str(row["split"]))
    }
