"""What is a capture of a Camtrap DP package: an event, or a single medium."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ctc.errors import BadInput
from ctc.inventory.findings import Case, Finding
from ctc.inventory.sources.camtrap_dp.events import media_of_events
from ctc.inventory.sources.camtrap_dp.tables import Tables
from ctc.inventory.sources.rows import finding_of, free_id

READ_ONE = {
    "event": "observations of single media (not read; level=media reads them)",
    "media": "observations of events (not read; level=event reads them)",
}


@dataclass(frozen=True)
class Taking:
    """An observation of a capture, or a capture without one.

    Attributes:
        capture_id: names the capture.
        media: rows of the table of media, in the order taken.
        observation: row of the observations, or None.
        deployment: row of the deployments.
        time: when its first medium was taken, or the event began.
    """

    capture_id: str
    media: Sequence[int]
    observation: int | None
    deployment: int
    time: str | None


def takings_of(tables: Tables, level: str, source: str) -> tuple[list[Taking], tuple[Finding, ...]]:
    """Return the captures of a package with their observations, and what was noticed.

    Args:
        tables: the tables of the package.
        level: "event", "media", or "auto": of events where some event has media.
        source: names the package in sentences.

    Raises:
        BadInput: if there is no observation of that level, or a time cannot be read.
    """
    levels = tables.observations["observationLevel"]
    events = [row for row, found in enumerate(levels) if found == "event"]
    of_media = [row for row, found in enumerate(levels) if found == "media"]
    _check_there(level, {"event": events, "media": of_media}, source)
    media = media_of_events(tables, events) if events and level != "media" else []
    if level == "event" or (level == "auto" and (any(media) or (events and not of_media))):
        takings = list(_of_events(tables, events, media))
        return takings, (*_without_media(tables, takings), *_not_read("event", tables, of_media))
    return list(_of_media(tables, of_media)), _not_read("media", tables, events)


def _check_there(level: str, rows: dict[str, list[int]], source: str) -> None:
    other = {"event": "media", "media": "event"}.get(level, "")
    if other and not rows[level] and (rows[other] or level == "event"):
        raise BadInput(f"'{source}' holds no observation at level={level}; allowed: level={other}")


def _of_media(tables: Tables, observations: Sequence[int]) -> Iterator[Taking]:
    found: dict[int | None, list[int | None]] = defaultdict(list)
    for row in observations:
        found[tables.media_of_observation[row]].append(row)
    names, times = tables.media["mediaID"], tables.media["timestamp"]
    for medium, (name, time) in enumerate(zip(names, times, strict=True)):
        for observation in found.get(medium, [None]):
            yield Taking(str(name), [medium], observation, tables.deployment_of_media[medium], time)


def _of_events(
    tables: Tables, events: Sequence[int], media: Sequence[Sequence[int]]
) -> Iterator[Taking]:
    """Yield the events, then each medium that is in none as a capture of its own."""
    names, times = _event_names(tables, events), tables.media["timestamp"]
    starts, sites = tables.observations["eventStart"], tables.deployment_of_observation
    for row, name, of_event in zip(events, names, media, strict=True):
        time = times[of_event[0]] if of_event else starts[row]
        yield Taking(name, of_event, row, sites[row], time)
    taken, within = set(names), {medium for of_event in media for medium in of_event}
    for medium, media_id in enumerate(tables.media["mediaID"]):
        if medium not in within:
            name = free_id(str(media_id), "medium", taken)
            site = tables.deployment_of_media[medium]
            yield Taking(name, [medium], None, site, times[medium])


def _event_names(tables: Tables, events: Sequence[int]) -> list[str]:
    """Name each event by its id, or by its observation's where it has none."""
    ids, others = tables.observations["eventID"], tables.observations["observationID"]
    taken = {name for row in events if (name := ids[row])}
    return [ids[row] or free_id(str(others[row]), "observation", taken) for row in events]


def _without_media(tables: Tables, takings: Sequence[Taking]) -> tuple[Finding, ...]:
    found = {one.capture_id: one.observation for one in takings if not one.media}
    place = tables.observations.place
    cases = [Case(name, place(row)) for name, row in found.items() if row is not None]
    return finding_of("events without media", cases)


def _not_read(level: str, tables: Tables, others: Sequence[int]) -> tuple[Finding, ...]:
    """Count the observations of the other level: the user may choose it."""
    if not others:
        return ()
    name = tables.observations["observationID"][others[0]]
    example = Case(str(name), tables.observations.place(others[0]))
    return (Finding(READ_ONE[level], len(others), str(example)),)
