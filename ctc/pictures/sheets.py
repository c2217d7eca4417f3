"""Contact sheets: a few pictures of each kind in rows, dark on light."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from ctc.pictures.captions import one_line, shortened
from ctc.pictures.decoding import StoredForm, shrunk

PICTURES_A_ROW = 6
CELL = (184, 138)  # width and height of a picture's place, 4:3 as most cameras have it
GAP, MARGIN, CAPTIONS, TITLE_HEIGHT, NOTE_HEIGHT = 6, 16, 190, 48, 28
PAPER, EMPTY_CELL, INK, FAINT = "white", "#f2f2f2", "#222222", "#666666"
TITLE_SIZE, CAPTION_SIZE, NOTE_SIZE = 22, 16, 14  # pixels
CAPTION_LINES = 3


@dataclass(frozen=True)
class SheetRow:
    """A row of a sheet: what it shows, in large and in small letters, and its pictures."""

    caption: str
    note: str
    pictures: Sequence[Image.Image]


def thumbnail(data: bytes) -> Image.Image:
    """Decode a picture no larger than its place on a sheet.

    Raises:
        UnreadablePicture: if it cannot be decoded.
    """
    image = shrunk(data, StoredForm(max_side=2 * max(CELL), quality=85))
    image.thumbnail(CELL, Image.Resampling.BOX)
    return image


def contact_sheet(title: str, rows: Sequence[SheetRow], notes: Sequence[str] = ()) -> Image.Image:
    """Lay rows of pictures out below each other, `notes` below them.

    Args:
        title: the sheet's heading.
        rows: at most `PICTURES_A_ROW` pictures each.
        notes: lines to read at the end.

    Returns:
        An RGB picture.
    """
    width = 2 * MARGIN + CAPTIONS + PICTURES_A_ROW * (CELL[0] + GAP) - GAP
    height = 2 * MARGIN + TITLE_HEIGHT + len(rows) * (CELL[1] + GAP) + len(notes) * NOTE_HEIGHT
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    fit = _cut(title, TITLE_SIZE, width - 2 * MARGIN)
    draw.text((MARGIN, MARGIN), fit, fill=INK, font=_font(TITLE_SIZE))
    top = MARGIN + TITLE_HEIGHT
    for row in rows:
        _draw_row(sheet, draw, row, top)
        top += CELL[1] + GAP
    for note in notes:
        fit = _cut(note, NOTE_SIZE, width - 2 * MARGIN)
        draw.text((MARGIN, top + GAP), fit, fill=FAINT, font=_font(NOTE_SIZE))
        top += NOTE_HEIGHT
    return sheet


def _draw_row(sheet: Image.Image, draw: ImageDraw.ImageDraw, row: SheetRow, top: int) -> None:
    y = top + GAP
    for line in _lines(row.caption):
        draw.text((MARGIN, y), line, fill=INK, font=_font(CAPTION_SIZE))
        y += CAPTION_SIZE + GAP
    note = _cut(row.note, NOTE_SIZE, CAPTIONS - 2 * GAP)
    draw.text((MARGIN, y), note, fill=FAINT, font=_font(NOTE_SIZE))
    if not row.pictures:
        at = (MARGIN + CAPTIONS, top + GAP)
        draw.text(at, "no picture to show", fill=FAINT, font=_font(NOTE_SIZE))
    for number, picture in enumerate(row.pictures[:PICTURES_A_ROW]):
        left = MARGIN + CAPTIONS + number * (CELL[0] + GAP)
        sheet.paste(EMPTY_CELL, (left, top, left + CELL[0], top + CELL[1]))
        inset = ((CELL[0] - picture.width) // 2, (CELL[1] - picture.height) // 2)
        sheet.paste(picture, (left + inset[0], top + inset[1]))


def _lines(caption: str) -> list[str]:
    """Break a caption at blanks into lines that fit beside the pictures."""
    room = CAPTIONS - 2 * GAP
    lines = [""]
    for word in shortened(one_line(caption), CAPTION_LINES * room).split():
        longer = f"{lines[-1]} {word}".strip()
        if _width(longer, CAPTION_SIZE) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > CAPTION_LINES:
        lines[CAPTION_LINES - 1 :] = [" ".join(lines[CAPTION_LINES - 1 :])]
    return [_cut(line, CAPTION_SIZE, room) for line in lines]


def _cut(text: str, size: int, room: int) -> str:
    """Shorten a text in its middle to so many pixels."""
    text = shortened(one_line(text), room)  # a letter is wider than a pixel; measuring takes time
    if _width(text, size) <= room:
        return text
    lengths = range(1, max(2, len(text)))
    too_long = bisect(lengths, False, key=lambda most: _width(shortened(text, most), size) > room)
    return shortened(text, lengths[max(0, too_long - 1)])


def _width(text: str, size: int) -> float:
    return _font(size).getlength(text)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font of the plots: Pillow's own has no letters beyond ASCII."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), size)
