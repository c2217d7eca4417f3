"""Camtrap DP: the field's standard package of deployments, media and observations.

The standard is https://camtrap-dp.tdwg.org, version 1.0. It has observations of single media and
of events; one of the two levels is read.
"""

from collections.abc import Iterator, Mapping, Sequence

from ctc.inventory.findings import Case, Finding
from ctc.inventory.merging.observations import Columns
from ctc.inventory.sources.camtrap_dp.captures import Taking, takings_of
from ctc.inventory.sources.camtrap_dp.media import pictures_of
from ctc.inventory.sources.camtrap_dp.packages import Package
from ctc.inventory.sources.camtrap_dp.tables import Column, Tables, read_tables
from ctc.inventory.sources.rows import Row, choose_columns, finding_of, inventory_of
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

EMPTY, SPECIES = "empty", "species"
# Classes of the label `empty` by `observationType`; what nobody has classified is missing.
TYPES = {
    "blank": "empty",
    "animal": "species",
    "human": "human",
    "vehicle": "vehicle",
    "unknown": "unknown",
    "unclassified": None,
}
# Labels by the column of observations; `empty` and `species` depend on the type as well.
LABELS = {
    EMPTY: "observationType",
    SPECIES: "scientificName",
    "count": "count",
    "lifeStage": "lifeStage",
    "sex": "sex",
    "behavior": "behavior",
}
AUTO = (EMPTY, SPECIES, "count")
# Coordinates are kept only if asked for: they give away where rare species live.
METADATA = ("location", "deployment", "timestamp")
NO_PLACE = -1  # of an event without media


def read(params: InventoryParams) -> Inventory:
    """Read a package: an event, or a medium, is a capture.

    Raises:
        BadInput: if it is no such package, or lacks what is asked for.
    """
    package = Package.open(params.path)
    tables = read_tables(package)
    columns = _columns(params, tables)
    takings, findings = takings_of(tables, params.level, params.path)
    pictures = pictures_of(package, tables.media, params.image_root)
    rows = list(_rows(tables, takings, pictures.paths, columns))
    noticed = (*tables.findings, *pictures.findings, *findings)
    findings = (*noticed, *_repeated(tables, takings, rows, columns))
    place = f"data row {{}} of {tables.media.name}"
    return inventory_of(params.path, rows, columns, findings, place, package.root)


def _columns(params: InventoryParams, tables: Tables) -> Columns:
    observations = tables.observations
    offered = [label for label, name in LABELS.items() if name in observations.table.column_names]
    known = tuple(name for name in AUTO if any(observations[LABELS[name]]))
    metadata = dict.fromkeys((*METADATA, *tables.deployments.table.column_names))
    return choose_columns(params, offered, known or (EMPTY,), metadata, METADATA)


def _rows(
    tables: Tables, takings: Sequence[Taking], paths: Mapping[int, str], columns: Columns
) -> Iterator[Row]:
    labels = [_label(tables, name) for name in columns.labels]
    nothing = (None,) * len(labels)
    sites = [_of_deployments(tables, name) for name in columns.metadata]
    for one in takings:
        images = [paths[row] for row in one.media if row in paths]
        row = one.observation
        observed = nothing if row is None else tuple(label[row] for label in labels)
        known = (one.time if site is None else site[one.deployment] for site in sites)
        number = one.media[0] + 1 if one.media else NO_PLACE
        yield Row(number, one.capture_id, images, (*observed, *known))


def _label(tables: Tables, name: str) -> Column:
    """Return a label of each observation."""
    column = tables.observations[LABELS[name]]
    types = tables.observations["observationType"]
    if name == EMPTY:
        return [_class(tables, row, found) for row, found in enumerate(types)]
    if name == SPECIES:  # nothing is on a blank picture, whatever else is said of it
        return [None if kind == "blank" else x for x, kind in zip(column, types, strict=True)]
    return column


def _class(tables: Tables, row: int, found: str | None) -> str | None:
    if found not in TYPES:
        sentence = f"found the observationType '{found or ''}'; allowed: {', '.join(TYPES)}"
        raise tables.observations.refusal(row, sentence)
    return TYPES[found]


def _of_deployments(tables: Tables, name: str) -> Column | None:
    """Return metadata of each deployment; None for the time, which a capture has of its own."""
    if name == "timestamp":
        return None
    sheet = tables.deployments
    if name == "deployment":
        return sheet["deploymentID"]
    if name == "location":
        ways = (sheet[one] for one in ("locationID", "locationName", "deploymentID"))
        return [first or second or third for first, second, third in zip(*ways, strict=True)]
    return sheet[name]


def _repeated(
    tables: Tables, takings: Sequence[Taking], rows: Sequence[Row], columns: Columns
) -> tuple[Finding, ...]:
    """List what becomes one observation, such as a female and a male where sex is not read."""
    seen: set[tuple[str, tuple[str | None, ...]]] = set()
    cases = []
    for one, row in zip(takings, rows, strict=True):
        key = (row.capture_id, row.values[: len(columns.labels)])
        if one.observation is not None and any(key[1]):
            if key in seen:
                cases.append(Case(one.capture_id, tables.observations.place(one.observation)))
            seen.add(key)
    return finding_of("observations with the labels of another of their capture (kept once)", cases)
