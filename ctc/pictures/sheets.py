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
PANE, PANE_CAPTION, PANE_LINES = 192, 12, 4  # side of a pane, and letters and lines below it


@dataclass(frozen=True)
class SheetRow:
    """A row of a sheet: what it shows, in large and in small letters, and its pictures."""

    caption: str
    note: str
    pictures: Sequence[Image.Image]


@dataclass(frozen=True)
class Pane:
    """A picture with a caption of its own."""

    picture: Image.Image
    caption: str


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
    sheet, draw = _titled(title, (width, height))
    top = MARGIN + TITLE_HEIGHT
    for row in rows:
        _draw_row(sheet, draw, row, top)
        top += CELL[1] + GAP
    _draw_notes(draw, notes, top, width)
    return sheet


def pane_sheet(title: str, panes: Sequence[Pane], notes: Sequence[str] = ()) -> Image.Image:
    """Lay pictures out in rows, each above its caption, `notes` below them.

    A picture keeps its pixels: it is shrunk where it is too large, and enlarged by whole factors.

    Returns:
        An RGB picture.
    """
    height = PANE + PANE_LINES * (PANE_CAPTION + GAP // 2) + 2 * GAP
    rows = -(-len(panes) // PICTURES_A_ROW)
    width = 2 * MARGIN + PICTURES_A_ROW * (PANE + GAP) - GAP
    size = (width, 2 * MARGIN + TITLE_HEIGHT + rows * height + len(notes) * NOTE_HEIGHT)
    sheet, draw = _titled(title, size)
    top = MARGIN + TITLE_HEIGHT
    for number, pane in enumerate(panes):
        row, column = divmod(number, PICTURES_A_ROW)
        _draw_pane(sheet, draw, pane, (MARGIN + column * (PANE + GAP), top + row * height))
    _draw_notes(draw, notes, top + rows * height, width)
    return sheet


def _titled(title: str, size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    fit = _cut(title, TITLE_SIZE, size[0] - 2 * MARGIN)
    draw.text((MARGIN, MARGIN), fit, fill=INK, font=_font(TITLE_SIZE))
    return sheet, draw


def _draw_notes(draw: ImageDraw.ImageDraw, notes: Sequence[str], top: int, width: int) -> None:
    for number, note in enumerate(notes):
        fit = _cut(note, NOTE_SIZE, width - 2 * MARGIN)
        at = (MARGIN, top + GAP + number * NOTE_HEIGHT)
        draw.text(at, fit, fill=FAINT, font=_font(NOTE_SIZE))


def _draw_pane(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, pane: Pane, at: tuple[int, int]
) -> None:
    left, top = at
    picture = _of_whole_pixels(pane.picture)
    sheet.paste(EMPTY_CELL, (left, top, left + PANE, top + PANE))
    inset = ((PANE - picture.width) // 2, (PANE - picture.height) // 2)
    sheet.paste(picture, (left + inset[0], top + inset[1]))
    y = top + PANE + GAP // 2
    for line in _lines(pane.caption, PANE_CAPTION, PANE, PANE_LINES):
        draw.text((left, y), line, fill=INK, font=_font(PANE_CAPTION))
        y += PANE_CAPTION + GAP // 2


def _of_whole_pixels(picture: Image.Image) -> Image.Image:
    factor = PANE // max(picture.size)
    if factor == 0:
        picture = picture.copy()
        picture.thumbnail((PANE, PANE), Image.Resampling.BOX)
        return picture
    size = (factor * picture.width, factor * picture.height)
    return picture.resize(size, Image.Resampling.NEAREST)


def _draw_row(sheet: Image.Image, draw: ImageDraw.ImageDraw, row: SheetRow, top: int) -> None:
    y = top + GAP
    for line in _lines(row.caption, CAPTION_SIZE, CAPTIONS - 2 * GAP, CAPTION_LINES):
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


def _lines(caption: str, size: int, room: int, most: int) -> list[str]:
    """Break a caption at blanks into at most so many lines of so many pixels."""
    lines = [""]
    for word in shortened(one_line(caption), most * room).split():
        longer = f"{lines[-1]} {word}".strip()
        if _width(longer, size) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines[most - 1 :] = [" ".join(lines[most - 1 :])]
    return [_cut(line, size, room) for line in lines]


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
