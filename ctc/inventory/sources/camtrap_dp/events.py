"""Which media belong to which event of a Camtrap DP package."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from ctc.inventory.sources.camtrap_dp.tables import Sheet, Tables
from ctc.inventory.times import Times, parse_times


def media_of_events(tables: Tables, events: Sequence[int]) -> list[list[int]]:
    """Return the media of each event, in the order taken, as rows of the table of media.

    They are those of the event's deployment from its start to its end, and those that an
    observation names together with the event's id.

    Args:
        tables: the tables of a package.
        events: rows of the observations that are of events.

    Raises:
        BadInput: for a time of an event or a medium that is missing or cannot be read.
    """
    taken = instants(tables.media, "timestamp")
    start = instants(tables.observations, "eventStart", events)
    end = instants(tables.observations, "eventEnd", events)
    found = _named(tables, events)
    media_of = _grouped(tables.deployment_of_media)
    sites = [tables.deployment_of_observation[row] for row in events]
    for site, places in _grouped(sites).items():
        media = np.array(media_of.get(site, []), np.int64)
        media = media[np.argsort(taken[media], kind="stable")]
        first = np.searchsorted(taken[media], start[places], "left")
        behind = np.searchsorted(taken[media], end[places], "right")
        for place, low, high in zip(places, first, behind, strict=True):
            found[place].update(media[low:high].tolist())
    return [sorted(rows, key=lambda row: (taken[row], row)) for rows in found]


def instants(sheet: Sheet, name: str, rows: Sequence[int] | None = None) -> Times:
    """Return datetime64[ns] [rows] the times in a column, at some rows or at all.

    Raises:
        BadInput: for a time that is missing or cannot be read, with its row.
    """
    column = sheet[name]
    some = range(len(column)) if rows is None else rows
    texts = [column[row] for row in some]
    times = parse_times(pa.array(texts, pa.string()))
    unread = np.flatnonzero(np.isnat(times))
    if len(unread):
        found = texts[unread[0]]
        raise sheet.refusal(
            some[unread[0]],
            f"found the {name} '{found or ''}'; allowed: a time such as 2020-05-30T04:57:37Z",
        )
    return times


def _named(tables: Tables, events: Sequence[int]) -> list[set[int]]:
    """The media that observations name together with an event."""
    named: dict[str, set[int]] = defaultdict(set)
    ids = tables.observations["eventID"]
    for event, medium in zip(ids, tables.media_of_observation, strict=True):
        if event is not None and medium is not None:
            named[event].add(medium)
    return [set(named.get(ids[row] or "", ())) for row in events]


def _grouped(values: Iterable[int]) -> dict[int, list[int]]:
    """Return the places at which each value stands."""
    found: dict[int, list[int]] = defaultdict(list)
    for place, value in enumerate(values):
        found[value].append(place)
    return found
