"""The three tables of a Camtrap DP package, checked against one another.

The standard is https://camtrap-dp.tdwg.org, its table schemas of version 1.0.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.sources.camtrap_dp.packages import Package
from ctc.inventory.sources.delimited import CsvTable
from ctc.inventory.sources.rows import finding_of

MISSING = ("", "NA", "NaN", "nan")  # `missingValues` of the schemas
LEVELS = ("media", "event")
Column = list[str | None]
# Columns without which nothing can be made of a table; a schema has more.
REQUIRED = {
    "deployments": ("deploymentID",),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath"),
    "observations": (
        "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd",
        "observationLevel", "observationType",
    ),
}  # fmt: skip
IDS = {"deployments": "deploymentID", "media": "mediaID", "observations": "observationID"}


@dataclass(frozen=True)
class Sheet:
    """One table.

    Attributes:
        path: names the file in sentences.
        table: its columns as text, null where a value is missing.
        short: the rows that have fewer values than the header.
    """

    path: str
    table: pa.Table
    short: tuple[Case, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.rpartition("/")[2]

    def __getitem__(self, name: str) -> Column:
        """Return a column; all values are missing in one that is not there."""
        if name not in self.table.column_names:
            return [None] * self.table.num_rows
        values: list[str | None] = self.table[name].to_pylist()
        return values

    def place(self, row: int) -> str:
        """Say where a row is."""
        return f"data row {row + 1} of {self.name}"

    def refusal(self, row: int, found: str) -> BadInput:
        """Return the error that names the file and a row."""
        return BadInput(f"'{self.path}', data row {row + 1}: {found}")


@dataclass(frozen=True)
class Tables:
    """A package's tables and how their rows belong together.

    Attributes:
        deployments: a row a camera put up somewhere.
        media: a row a picture, video or sound.
        observations: a row an observation.
        deployment_of_media: the row in `deployments` of each of `media`.
        deployment_of_observation: the same of each observation.
        media_of_observation: the row in `media` of each observation, or None.
    """

    deployments: Sheet
    media: Sheet
    observations: Sheet
    deployment_of_media: list[int]
    deployment_of_observation: list[int]
    media_of_observation: list[int | None]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed while reading the tables."""
        short = [*self.deployments.short, *self.media.short, *self.observations.short]
        return finding_of("rows with fewer values than the header (the last are missing)", short)


def read_tables(package: Package) -> Tables:
    """Read and check the tables.

    Raises:
        BadInput: for a table or column that is missing, ids that are missing, stand twice or
            name nothing, and an unknown level of observation.
    """
    deployments, media, observations = (sheet_of(package.table(name), name) for name in REQUIRED)
    sites = _rows_by_id(deployments, "deploymentID")
    pictures = _rows_by_id(media, "mediaID")
    _rows_by_id(observations, "observationID")
    _check_levels(observations)
    return Tables(
        deployments,
        media,
        observations,
        _known(media, "deploymentID", sites),
        _known(observations, "deploymentID", sites),
        _linked(observations, "mediaID", pictures),
    )


def sheet_of(table: CsvTable, name: str) -> Sheet:
    """Read a table of a package, such as its deployments.

    Raises:
        BadInput: for a column that is missing, and a table that cannot be read.
    """
    for column in REQUIRED[name]:
        if column not in table.header:
            raise BadInput(
                f"'{table.path}' has no column '{column}', as Camtrap DP 1.0 has; it has: "
                f"{table.names}"
            )
    rows, short = _rows(table)
    known = {column: _known_values(rows[column]) for column in rows.column_names}
    return Sheet(table.path, pa.table(known), tuple(short))


def _rows(table: CsvTable) -> tuple[pa.Table, list[Case]]:
    """Read a table; some packages end a row before its last, empty columns."""
    names = list(filter(None, table.header))
    try:
        return table.rows(names), []
    except BadInput:
        try:
            lines = list(csv.reader(io.StringIO(table.data.decode()), delimiter=table.delimiter))
        except (UnicodeDecodeError, csv.Error):
            lines = []
        width, rows = len(table.header), [line for line in lines[1:] if line]
        if not rows or any(len(row) > width for row in rows):
            raise
    short = [
        Case(table.path.rpartition("/")[2], f"data row {number}", f"{len(row)} of {width} values")
        for number, row in enumerate(rows, 1)
        if len(row) < width
    ]
    padded = [row + [""] * (width - len(row)) for row in rows]
    columns = dict(zip(table.header, zip(*padded, strict=True), strict=True))
    return pa.table({name: pa.array(columns[name], pa.string()) for name in names}), short


def _known_values(column: pa.ChunkedArray) -> pa.ChunkedArray:
    missing = pc.is_in(column, value_set=pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), column)


def _rows_by_id(sheet: Sheet, name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row, value in enumerate(sheet[name]):
        if value is None:
            raise sheet.refusal(row, f"found no {name}; allowed: one in each row")
        if found.setdefault(value, row) != row:
            sentence = f"the {name} '{value}' is that of data row {found[value] + 1} too"
            raise sheet.refusal(row, f"{sentence}; allowed: each once")
    return found


def _known(sheet: Sheet, name: str, ids: Mapping[str, int]) -> list[int]:
    found = []
    for row, place in enumerate(_linked(sheet, name, ids)):
        if place is None:
            raise sheet.refusal(row, f"found no {name}; allowed: one in each row")
        found.append(place)
    return found


def _linked(sheet: Sheet, name: str, ids: Mapping[str, int]) -> list[int | None]:
    column = sheet[name]
    for row, value in enumerate(column):
        if value is not None and value not in ids:
            sentence = f"found the {name} '{value}', which no row of its table has"
            raise sheet.refusal(row, f"{sentence}; allowed: one that is there")
    return [None if value is None else ids[value] for value in column]


def _check_levels(observations: Sheet) -> None:
    levels, media = observations["observationLevel"], observations["mediaID"]
    for row, (level, of_media) in enumerate(zip(levels, media, strict=True)):
        if level not in LEVELS:
            sentence = f"found the observationLevel '{level or ''}'; allowed: {', '.join(LEVELS)}"
            raise observations.refusal(row, sentence)
        if level == "media" and of_media is None:
            raise observations.refusal(row, "found no mediaID; allowed: one at the level of media")
