"""Rows of the tables of media and observations: what is said of an event and of each picture."""

import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from ctc import storage
from ctc.prediction.formats.camtrap_dp.columns import LIFE_STAGES, SEXES
from ctc.prediction.meaning.judged import Asked, Judged
from ctc.prediction.meaning.kinds import ANIMAL, Questions, Rows, kind_said, shares_of
from ctc.prediction.photos.survey import Deployment, Row, instant
from ctc.prediction.predictions import Prediction

# What a path may be in a package: neither hidden nor absolute, and never upwards.
PLAIN = re.compile(r"(?=[^./~])((?!\.{2}).)*")
NUMBER = re.compile(r"[1-9][0-9]*")
UNKNOWN = ("unknown", "unidentified", "unidentifiable")
ENUMERATED: Mapping[str, tuple[str, ...]] = {"lifeStage": LIFE_STAGES, "sex": SEXES, "behavior": ()}
WITHOUT_TIME = "time not known: that of the deployment's start"


@dataclass(frozen=True)
class Medium:
    """A picture of a capture.

    Attributes:
        name: its `mediaID`.
        time: when it was taken.
        row: its row of the table of media.
        is_timed: whether the time is known.
    """

    name: str
    time: datetime
    row: Row
    is_timed: bool


def medium_of(
    judged: Judged, place: int, deployment: Deployment, given: Row | None, root: str
) -> Medium:
    """Return the picture at a place of a capture; `given` is its row in the source's package."""
    answer, zone = judged.answer, deployment.start.tzinfo
    taken = answer.taken[place] if answer.taken else None
    told = given.get("timestamp") if given else None
    known = (instant(text, zone) for text in (told, taken, answer.metadata.get("timestamp")))
    time = next(filter(None, known), None)
    name = f"{answer.capture_id}:{place + 1}"
    if given is not None:
        return Medium(given["mediaID"] or name, time or deployment.start, given, time is not None)
    image = answer.images[place].replace("\\", "/")
    row = {
        "mediaID": name,
        "deploymentID": deployment.name,
        "timestamp": as_time(time or deployment.start),
        "filePath": _path(image, root),
        "filePublic": "false",
        "fileName": image.rpartition("/")[2],
        "fileMediatype": mimetypes.guess_type(image)[0] or "image/jpeg",
        "mediaComments": None if time else WITHOUT_TIME,
    }
    return Medium(name, time or deployment.start, row, time is not None)


def observations_of(
    judged: Judged,
    media: list[Medium],
    deployment: Deployment,
    questions: Questions,
    at: str,
) -> Iterator[Row]:
    """Yield the observation of the event, then one of each picture.

    Args:
        judged: the capture.
        media: its pictures.
        deployment: where it was taken.
        questions: which label says what.
        at: when it was classified.
    """
    answer, asked = judged.answer, judged.asked
    told = instant(answer.metadata.get("timestamp"), deployment.start.tzinfo)
    times = [one.time for one in media] or [told or deployment.start]
    event = {
        "observationID": f"{answer.capture_id}:event",
        "deploymentID": deployment.name,
        "eventID": answer.capture_id,
        "eventStart": as_time(min(times)),
        "eventEnd": as_time(max(times)),
        "observationLevel": "event",
    }
    said = said_of(judged.rows, questions, asked, at)
    yield {**event, **said, "observationComments": answer.failure}
    for place, one in enumerate(media):
        rows = {name: of_label[place] for name, of_label in judged.pictures.items()}
        known = {name: row for name, row in rows.items() if row is not None}
        own = {
            "observationID": f"{answer.capture_id}:{place + 1}",
            "mediaID": one.name,
            "observationLevel": "media",
            "observationComments": answer.faults[place],
        }
        yield {**event, **said_of(known, questions, asked, at), **own}


def said_of(rows: Rows, questions: Questions, asked: Asked, at: str) -> Row:
    """Return the columns of an observation that say what was seen."""
    kind = kind_said(rows, questions)
    if kind is None:
        return {"observationType": "unclassified"}
    row = rows.get(questions.identity or "") if kind == ANIMAL else None
    share = shares_of(rows, questions).get(kind, 0.0)
    probability = share if row is None or row.confidence is None else row.confidence
    said: dict[str, str | None] = {
        "observationType": _type(rows, questions, kind),
        "scientificName": scientific_name(row, asked),
        "classificationMethod": "machine",
        "classifiedBy": asked.model,
        "classificationTimestamp": at,
        "classificationProbability": f"{min(probability, 1.0):.6f}",
        "observationTags": " | ".join(_tags(rows, questions, kind)) or None,
    }
    return {**said, **_about_animals(rows)} if kind == ANIMAL else said


def scientific_name(row: Prediction | None, asked: Asked) -> str | None:
    """Return what an animal is called: by the taxonomy, else as the class or group is."""
    if row is None or row.prediction is None:
        return None
    names = asked.taxonomy.scientific_names if asked.taxonomy else {}
    return names.get(row.prediction, row.prediction)


def as_time(time: datetime) -> str:
    """Write a time as the standard has it."""
    return time.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def now() -> str:
    """Return the time."""
    return as_time(datetime.now(UTC))


def _type(rows: Rows, questions: Questions, kind: str) -> str:
    asked = (rows.get(name or "") for name in (questions.presence, questions.identity))
    tops = [(row.top or "").lower() for row in asked if row is not None]
    return "unknown" if kind == ANIMAL and not {*tops}.isdisjoint(UNKNOWN) else kind


def _about_animals(rows: Rows) -> Row:
    said = {name: row.prediction for name, row in rows.items() if row.prediction is not None}
    found: dict[str, str | None] = {}
    if NUMBER.fullmatch(said.get("count") or ""):
        found["count"] = said["count"]
    for name, allowed in ENUMERATED.items():
        if name in said and (not allowed or said[name] in allowed):
            found[name] = said[name]
    return found


def _tags(rows: Rows, questions: Questions, kind: str) -> Iterator[str]:
    """Yield what has no column: other labels, the rank of a group, whether it is accepted."""
    row = rows.get(questions.identity or "") if kind == ANIMAL else None
    row = row or rows.get(questions.presence or "")
    if row is not None and row.rank is not None:
        yield f"rank:{row.rank}"
    if row is not None and row.accepted is not None:
        yield f"accepted:{str(row.accepted).lower()}"
    for name, other in rows.items():
        if name not in (questions.presence, questions.identity) and kind == ANIMAL:
            yield f"{name}:{other.prediction}".replace("|", "/")


def _path(image: str, root: str) -> str:
    """Return the path of a picture as a package may have it, else its URL."""
    if PLAIN.fullmatch(image):
        return image
    place = storage.absolute(storage.join(root, image))
    url = place if storage.is_s3(place) else "file://" + quote(place)
    return url.replace("..", "%2E%2E")
