"""What only the people of a survey know: where and when its cameras stood, and what it is for.

It is read from a Camtrap DP package (https://camtrap-dp.tdwg.org), version 1.0, or from its table
of deployments alone.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ctc.errors import BadInput
from ctc.inventory.sources.camtrap_dp.packages import Package
from ctc.inventory.sources.camtrap_dp.tables import Sheet, sheet_of
from ctc.inventory.sources.delimited import CsvTable
from ctc.inventory.times import parse_times
from ctc.prediction.photos.captures import Captures

CAMTRAP_DP = "camtrap_dp"  # the kind of source
Row = Mapping[str, str | None]
LIMITS = {"latitude": 90.0, "longitude": 180.0}


@dataclass(frozen=True)
class Deployment:
    """A camera that stood somewhere for some time.

    Attributes:
        name: its `deploymentID`.
        start: when it was put up, with a time zone, which is taken for that of its pictures.
        end: when it was taken down.
        row: its row in the table.
    """

    name: str
    start: datetime
    end: datetime
    row: Row


@dataclass(frozen=True)
class Survey:
    """Deployments, and what a package says of itself.

    Attributes:
        deployments: by `deploymentID`, in the order of the table.
        at: the deployments of each place, by any of its names.
        description: the content of the datapackage.json; empty where there is none.
        media: rows of the table of media, where captures come from that package.
    """

    deployments: Mapping[str, Deployment]
    at: Mapping[str, Sequence[Deployment]]
    description: Mapping[str, Any] = field(default_factory=dict)
    media: Sequence[Row] = ()

    def deployment_of(self, metadata: Mapping[str, str], time: str | None) -> Deployment | None:
        """Return the deployment of a capture: by its id, or by the place and the time.

        Of several deployments at one place it is the one that the time lies in; else the last that
        began before it, or the first.
        """
        named = self.deployments.get(metadata.get("deployment", ""))
        if named is not None:
            return named
        if "location" not in metadata and len(self.deployments) == 1:
            return next(iter(self.deployments.values()))
        found = sorted(self.at.get(metadata.get("location", ""), ()), key=lambda one: one.start)
        if not found:
            return None
        moments = [(one, instant(time, one.start.tzinfo)) for one in found]
        within = [one for one, at in moments if at is not None and one.start <= at <= one.end]
        before = [one for one, at in moments if at is not None and one.start <= at]
        return (within or before[-1:] or found)[0]


def read_survey(package: str | None, images: str, captures: Captures) -> Survey:
    """Read where and when cameras stood, and check that each capture has its deployment.

    Args:
        package: a package, or a table of deployments; None: `images` is a package.
        images: what captures come from.
        captures: those that are labelled.

    Raises:
        BadInput: if there is none, if it lacks what a package must say, and for captures that are
            of no deployment.
    """
    is_package = captures.kind == CAMTRAP_DP
    if package is None and not is_package:
        raise BadInput(
            "format=camtrap_dp: where and when cameras stood is not known; allowed: package, a "
            "Camtrap DP package or its deployments.csv, or images from a package"
        )
    survey = _read(package or images)
    if is_package:
        survey = Survey(survey.deployments, survey.at, survey.description, _media(images))
    _check_captures(survey, captures, package or images)
    return survey


def instant(text: str | None, zone: tzinfo | None) -> datetime | None:
    """Read a time; one without a zone is in that of the camera. None if it cannot be read."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        (read,) = parse_times(pa.array([text], pa.string()))
        if np.isnat(read):
            return None
        found = datetime.fromisoformat(str(read.astype("datetime64[s]")))
        if text.strip()[-1] in "zZ" or text.strip()[-6:-5] in ("+", "-"):  # it was made UTC
            found = found.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _read(path: str) -> Survey:
    if PurePosixPath(path).suffix.lower() == ".csv":
        sheet, description = sheet_of(CsvTable.open(path), "deployments"), {}
    else:
        package = Package.open(path)
        sheet = sheet_of(package.table("deployments"), "deployments")
        description = package.document.content
    deployments = {one.name: one for one in _deployments(sheet)}
    at: dict[str, list[Deployment]] = defaultdict(list)
    for one in deployments.values():
        names = (one.row.get(name) for name in ("deploymentID", "locationID", "locationName"))
        for name in dict.fromkeys(filter(None, names)):
            at[name].append(one)
    return Survey(deployments, at, description)


def _deployments(sheet: Sheet) -> Iterator[Deployment]:
    seen: set[str] = set()
    for number, row in enumerate(sheet.table.to_pylist()):
        name = row["deploymentID"]
        if not name or name in seen:
            raise sheet.refusal(
                number, f"found the deploymentID '{name or ''}'; allowed: each once"
            )
        seen.add(name)
        for coordinate, limit in LIMITS.items():
            _check_coordinate(sheet, number, row, coordinate, limit)
        start = _time(sheet, number, row, "deploymentStart")
        yield Deployment(name, start, _time(sheet, number, row, "deploymentEnd"), row)


def _check_coordinate(sheet: Sheet, number: int, row: Row, name: str, limit: float) -> None:
    text = row.get(name) or ""
    try:
        fits = abs(float(text)) <= limit
    except ValueError:
        fits = False
    if not fits:
        allowed = f"allowed: degrees from -{limit:g} to {limit:g}"
        raise sheet.refusal(number, f"found the {name} '{text}'; {allowed}")


def _time(sheet: Sheet, number: int, row: Row, name: str) -> datetime:
    found = instant(row.get(name), None)
    if found is None or found.tzinfo is None:
        sentence = (
            f"found the {name} '{row.get(name) or ''}'; allowed: a time with a zone, such as "
        )
        raise sheet.refusal(number, f"{sentence}2020-05-30T04:57:37+02:00")
    return found


def _media(path: str) -> tuple[Row, ...]:
    return tuple(sheet_of(Package.open(path).table("media"), "media").table.to_pylist())


def _check_captures(survey: Survey, captures: Captures, path: str) -> None:
    table = captures.inventory.table
    names = [name for name in ("deployment", "location") if name in table.column_names]
    kinds = table.group_by(names).aggregate([]).to_pylist() if names else [{}]
    for found in kinds:
        known = {name: value for name, value in found.items() if value is not None}
        if survey.deployment_of(known, None) is None:
            raise BadInput(
                f"format=camtrap_dp: {_example(table, found)} is of no deployment in '{path}'; "
                "allowed: captures whose location is a deploymentID, locationID or locationName"
            )


def _example(table: pa.Table, found: Mapping[str, str | None]) -> str:
    """Name the first capture of a place, and the place."""
    for name, value in found.items():
        column = table[name]
        table = table.filter(pc.equal(column, value) if value else pc.is_null(column))
    place = found.get("location") or found.get("deployment")
    named = f"location '{place}'" if place else "without location"
    return f"capture '{table['capture_id'][0]}' ({named})"
