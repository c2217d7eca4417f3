"""Writes the package: a folder that appears whole."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ctc import storage
from ctc.inventory.sources.camtrap_dp.packages import DESCRIPTION
from ctc.pictures.files import is_url
from ctc.prediction.formats.camtrap_dp.columns import DEPLOYMENTS, MEDIA, OBSERVATIONS, TABLES
from ctc.prediction.formats.camtrap_dp.description import TITLE, description_of
from ctc.prediction.formats.camtrap_dp.observations import (
    as_time,
    medium_of,
    now,
    observations_of,
    scientific_name,
)
from ctc.prediction.formats.writing import Add, whole_folder
from ctc.prediction.meaning.judged import Asked, Judged
from ctc.prediction.meaning.kinds import ANIMAL, Questions, kind_said, questions_of
from ctc.prediction.photos.survey import Deployment, Row, Survey

FILES = {DESCRIPTION, *(f"{name}.csv" for name in TABLES)}
Put = Callable[[Row], None]


@contextmanager
def write(uri: str, asked: Asked) -> Iterator[Add]:
    """Take captures and write the package; `asked.survey` is known."""
    survey = asked.survey
    if survey is None:
        raise ValueError("where and when cameras stood has to be read before")
    with whole_folder(uri, DESCRIPTION, is_own) as folder:
        with ExitStack() as stack:
            writing = _Writing(
                survey,
                questions_of(asked.labels),
                now(),
                stack.enter_context(_table(folder / "media.csv", MEDIA)),
                stack.enter_context(_table(folder / "observations.csv", OBSERVATIONS)),
            )
            yield writing.add
        with _table(folder / "deployments.csv", DEPLOYMENTS) as put:
            for one in survey.deployments.values():
                put(_deployment(one, one.name in writing.without_time))
        name = storage.name(uri.rstrip("/"))
        about = description_of(survey, asked, name, writing.at, writing.taxa)
        text = json.dumps(about, indent=1, ensure_ascii=False)
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def is_own(path: Path) -> bool:
    """Return whether a folder was written here and holds nothing else."""
    if not path.is_dir() or not {one.name for one in path.iterdir()} <= FILES:
        return False
    try:
        about = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        return any(one["title"] == TITLE for one in about["sources"])
    except FileNotFoundError:
        return not any(path.iterdir())
    except (OSError, ValueError, KeyError, TypeError):
        return False


class _Writing:
    """The tables that grow with each capture, and what is only known when all have come."""

    def __init__(
        self, survey: Survey, questions: Questions, at: str, media: Put, observations: Put
    ) -> None:
        self.survey, self.questions, self.at = survey, questions, at
        self.put_medium, self.put_observation = media, observations
        self.taxa: dict[str, str | None] = {}
        self.without_time: set[str] = set()
        self.given = _by_path(survey)
        for row in survey.media:
            media(row)

    def add(self, judged: Judged) -> None:
        answer = judged.answer
        found = self.survey.deployment_of(answer.metadata, _time(judged))
        # That every capture has one was checked before.
        deployment = found or next(iter(self.survey.deployments.values()))
        media = [
            medium_of(judged, place, deployment, self.given.get(image), judged.asked.root)
            for place, image in enumerate(answer.images)
        ]
        for image, medium in zip(answer.images, media, strict=True):
            if image not in self.given:
                self.put_medium(medium.row)
            if not medium.is_timed:
                self.without_time.add(deployment.name)
        for row in observations_of(judged, media, deployment, self.questions, self.at):
            self.put_observation(row)
        self._note_taxon(judged)

    def _note_taxon(self, judged: Judged) -> None:
        row = judged.rows.get(self.questions.identity or "")
        name = scientific_name(row, judged.asked)
        if row is None or name is None or kind_said(judged.rows, self.questions) != ANIMAL:
            return
        is_named = row.prediction not in row.probabilities or name != row.prediction
        self.taxa[name] = row.rank if is_named else None


@contextmanager
def _table(path: Path, columns: tuple[str, ...]) -> Iterator[Put]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        yield writer.writerow


def _time(judged: Judged) -> str | None:
    known = (*judged.answer.taken, judged.answer.metadata.get("timestamp"))
    return next(filter(None, known), None)


def _by_path(survey: Survey) -> dict[str, Row]:
    """Return the rows of media by the name that captures have for them."""
    names = (
        ("fileName" if is_url(row["filePath"] or "") else "filePath", row) for row in survey.media
    )
    return {row[name] or "": row for name, row in names}


def _deployment(one: Deployment, without_time: bool) -> Row:
    times = {"deploymentStart": as_time(one.start), "deploymentEnd": as_time(one.end)}
    return {**one.row, **times} | ({"timestampIssues": "true"} if without_time else {})
