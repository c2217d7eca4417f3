"""Draws a whole camera-trap survey: folders of pictures and the table that labels them."""

import io
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from ctc import storage
from ctc.errors import BadInput
from ctc.progress import Progress
from ctc.sample.faults import FAULTS, spoil
from ctc.sample.picture import take
from ctc.sample.plan import Capture, plan, plan_broken
from ctc.sample.scenes import Scene, draw_scene
from ctc.sample.table import NAME, Row, address, listed, remove_stale, rows, write_table

SMALLEST, LARGEST = 64, 2048
QUALITY = 90


@dataclass(frozen=True)
class Survey:
    """What was drawn: `captures` good captures of `images` pictures, and `broken` rows besides.

    The table has `images + broken` rows.
    """

    table: Path
    captures: int
    images: int
    broken: int


@dataclass
class _Session:
    """A survey in the making; scenes are drawn when they are first needed."""

    output: Path
    size: tuple[int, int]
    seed: int
    scenes: dict[int, Scene] = field(default_factory=dict)
    lines: list[Row] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def scene(self, place: int) -> Scene:
        if place not in self.scenes:
            self.scenes[place] = draw_scene(place, *self.size, self.seed)
        return self.scenes[place]

    def shoot(self, capture: Capture) -> list[bytes]:
        """Add the rows of `capture` and return its pictures as JPEG."""
        herd, images = take(capture, self.scene(capture.place), self.size, self.seed)
        self.lines += rows(capture, herd, len(self.lines) + 1)
        return [_jpeg(image) for image in images]

    def write(self, path: str, content: bytes) -> None:
        """Write one file of the survey."""
        storage.write_bytes(str(self.output / path), content)
        self.files.append(path)


def draw_survey(output: Path, captures: int, size: int, seed: int, broken: int) -> Survey:
    """Draw a survey of `captures` captures into the folder `output` and return what is in it.

    Pictures are JPEG, `size` pixels wide and three quarters as high; `broken` more captures are
    rows whose file cannot be read. The same arguments give the same bytes. What a former survey
    in `output` wrote is replaced, or removed if it is no longer part of it; other files stay.

    Raises:
        BadInput: if there are no captures, `size` is not 64 to 2048, `seed` or `broken` is
            negative, or `output` is a file.
    """
    _check(output, captures, size, seed, broken)
    session = _Session(output, (size, round(size * 0.75)), seed)
    output.mkdir(parents=True, exist_ok=True)
    former = listed(output)
    _draw_good(session, plan(captures, seed))
    images = len(session.lines)
    _draw_broken(session, plan_broken(captures, broken))
    # Before the table, so that a survey stopped here is still cleaned up by the next one.
    remove_stale(output, former, session.files)
    return Survey(write_table(output, session.lines), captures, images, broken)


def _check(output: Path, captures: int, size: int, seed: int, broken: int) -> None:
    if captures < 1:
        raise BadInput(f"a survey of {captures} captures cannot be drawn; allowed: 1 or more")
    if not SMALLEST <= size <= LARGEST:
        raise BadInput(f"pictures of {size} pixels; allowed: {SMALLEST} to {LARGEST} pixels")
    if broken < 0:
        raise BadInput(f"{broken} broken files cannot be written; allowed: 0 or more")
    if seed < 0:
        raise BadInput(f"the seed {seed} is negative; allowed: 0 or more")
    if output.exists() and not output.is_dir():
        raise BadInput(f"the output '{output}' is a file; allowed: a folder, or nothing yet")
    if (output / NAME).exists() and not listed(output):
        raise BadInput(f"'{output / NAME}' is not of a drawn survey; name another folder")


def _draw_good(session: _Session, captures: list[Capture]) -> None:
    total = sum(len(capture.times) for capture in captures)
    with Progress("drawing", total, "pictures") as progress:
        for capture in captures:
            for index, picture in enumerate(session.shoot(capture)):
                session.write(address(capture, index), picture)
                progress.advance()


def _draw_broken(session: _Session, captures: list[Capture]) -> None:
    for number, capture in enumerate(captures):
        content = spoil(FAULTS[number % len(FAULTS)], session.shoot(capture)[0])
        if content is not None:
            session.write(address(capture, 0), content)


def _jpeg(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=QUALITY)
    return content.getvalue()
