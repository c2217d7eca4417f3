"""The datapackage.json: what the survey says of itself, and what is filled in where it does not."""

import re
from collections.abc import Mapping
from typing import Any

import ctc
from ctc.prediction.formats.camtrap_dp.columns import RANKS, TABLES, VERSION
from ctc.prediction.meaning.judged import Asked
from ctc.prediction.photos.survey import Survey

AT = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"
TITLE = "ctc"  # of the source that every package from here names
# What is new in each package, whatever that of the survey says.
OWN = ("resources", "profile", "name", "id", "created", "taxonomic")
# What the standard requires and nobody else can know.
PROJECT: Mapping[str, Any] = {
    "title": "unknown",
    "samplingDesign": "opportunistic",
    "captureMethod": ["activityDetection"],
    "individualAnimals": False,
}
CONTRIBUTORS = [{"title": "unknown", "role": "contributor"}]


def description_of(
    survey: Survey, asked: Asked, name: str, created: str, taxa: Mapping[str, str | None]
) -> dict[str, Any]:
    """Return the content of the datapackage.json.

    Args:
        survey: where and when cameras stood.
        asked: what is known of all answers.
        name: of the folder.
        created: when.
        taxa: scientific names that occur, with their rank where it is known.
    """
    kept = {key: value for key, value in survey.description.items() if key not in OWN}
    filled = {
        "contributors": CONTRIBUTORS,
        "spatial": _spatial(survey),
        "temporal": _temporal(survey),
    }
    project = {**PROJECT, **_object(kept.get("project"))}
    return {
        "resources": [_resource(table) for table in TABLES],
        "profile": f"{AT}/camtrap-dp-profile.json",
        "name": re.sub(r"[^a-z0-9._-]+", "-", name.lower()) or "predictions",
        "created": created,
        **filled,
        **{key: value for key, value in kept.items() if value},
        "sources": [*_earlier_sources(kept), _source(asked)],
        "project": project | {"observationLevel": ["event", "media"]},
        "taxonomic": [_taxon(taxon, rank) for taxon, rank in sorted(taxa.items())],
    }


def filled_in(survey: Survey) -> tuple[str, ...]:
    """Return what the standard requires and the survey does not say, as NAME or NAME=VALUE."""
    project = _object(survey.description.get("project"))
    missing = [] if survey.description.get("contributors") else ["contributors"]
    return (
        *missing,
        *(f"project.{key}={value}" for key, value in PROJECT.items() if key not in project),
    )


def _resource(name: str) -> dict[str, str]:
    return {
        "name": name,
        "path": f"{name}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": f"{AT}/{name}-table-schema.json",
    }


def _object(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _earlier_sources(kept: Mapping[str, Any]) -> list[Any]:
    found = kept.get("sources")
    sources = found if isinstance(found, list) else []
    return [one for one in sources if _object(one).get("title") != TITLE]


def _source(asked: Asked) -> dict[str, Any]:
    """Say who classified, and which classes there could be."""
    return {
        "title": TITLE,
        "version": ctc.__version__,
        "classifier": asked.model,
        "aggregate": asked.aggregate,
        "allowedClasses": {name: list(classes) for name, classes in asked.allowed.items()},
    }


def _spatial(survey: Survey) -> dict[str, Any]:
    """Return the box around all deployments as GeoJSON, or the one place."""
    rows = [one.row for one in survey.deployments.values()]
    south, *_, north = sorted(float(row["latitude"] or 0) for row in rows) * 2
    west, *_, east = sorted(float(row["longitude"] or 0) for row in rows) * 2
    if (south, west) == (north, east):
        return {"type": "Point", "coordinates": [west, south]}
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}


def _temporal(survey: Survey) -> dict[str, str]:
    found = survey.deployments.values()
    start, end = min(one.start for one in found), max(one.end for one in found)
    return {"start": start.date().isoformat(), "end": end.date().isoformat()}


def _taxon(name: str, rank: str | None) -> dict[str, str]:
    return {"scientificName": name} | ({"taxonRank": rank} if rank in RANKS else {})
