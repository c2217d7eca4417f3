"""The table of a survey, in the layout of Panthera and Snapshot Safari, and what it points to."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ctc import storage
from ctc.sample.herd import Herd
from ctc.sample.places import PLACES
from ctc.sample.plan import Capture

NAME = "table.csv"
COLUMNS = (
    "image", "species", "count", "position", "survey", "dir", "id", "capture_id", "empty",
    "standing", "resting", "moving", "eating", "interacting", "babies", "location", "split_name",
    "timestamp",
)  # fmt: skip
SURVEY = "sample"
OURS = re.compile(r"(S1-\d\d)/\1_\d{6,}_\d\.jpg")

Row = dict[str, str]


def address(capture: Capture, index: int) -> str:
    """Return where picture `index` (from 0) of `capture` lies, relative to the table."""
    return f"{PLACES[capture.place].name}/{capture.name}_{index + 1}.jpg"


def rows(capture: Capture, herd: Herd | None, first: int) -> list[Row]:
    """Return a row for each picture of `capture`; the id of the first one is `first`."""
    label = _label(herd)
    return [
        {**label, **_facts(capture, index), "id": str(first + index)}
        for index in range(len(capture.times))
    ]


def _facts(capture: Capture, index: int) -> Row:
    path = address(capture, index)
    return {
        "image": path.rpartition("/")[2],
        "position": "",
        "survey": SURVEY,
        "dir": path,
        "capture_id": capture.name,
        "location": PLACES[capture.place].name,
        "split_name": capture.split,
        "timestamp": capture.times[index].isoformat(),
    }


def _label(herd: Herd | None) -> Row:
    if herd is None:
        return {"empty": "empty"}
    seen = {herd.action: True, "interacting": herd.interacting, "babies": herd.babies}
    behaviours = ("standing", "resting", "moving", "eating", "interacting", "babies")
    flags = {name: "1" if seen.get(name, False) else "0" for name in behaviours}
    return {"empty": "species", "species": herd.kind, "count": str(len(herd.members)), **flags}


def write_table(output: Path, lines: Iterable[Row]) -> Path:
    """Write the table of the survey in the folder `output` and return its path."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    storage.write_bytes(str(output / NAME), text.getvalue().encode())
    return output / NAME


def listed(output: Path) -> set[str]:
    """Return the pictures that a former survey in `output` wrote, as its table lists them.

    A table that is not of this kind lists nothing: what is in it is not ours to remove.
    """
    try:
        with (output / NAME).open(newline="", encoding="utf-8") as file:
            return {str(row["dir"]) for row in csv.DictReader(file) if _is_ours(row)}
    except (FileNotFoundError, UnicodeDecodeError, csv.Error):
        return set()


def _is_ours(row: Row) -> bool:
    return row.get("survey") == SURVEY and bool(OURS.fullmatch(str(row.get("dir"))))


def remove_stale(output: Path, former: set[str], current: Sequence[str]) -> None:
    """Remove the `former` pictures that are not among the `current` ones."""
    for path in sorted(former - set(current)):
        (output / path).unlink(missing_ok=True)
