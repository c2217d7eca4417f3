import io
import time
from collections.abc import Sequence

import pytest
from PIL import Image

from ctc.pictures.decoding import UnreadablePicture
from ctc.pictures.sheets import (
    CELL,
    PANE,
    PICTURES_A_ROW,
    Pane,
    SheetRow,
    contact_sheet,
    pane_sheet,
    thumbnail,
)

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def picture(colour: tuple[int, int, int], size: tuple[int, int] = CELL) -> Image.Image:
    return Image.new("RGB", size, colour)


def encoded(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def box(sheet: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Where a colour is: left, top, right, bottom."""
    mask = Image.new("1", sheet.size)
    mask.putdata([pixel == colour for pixel in sheet.get_flattened_data()])
    found = mask.getbbox()
    assert found is not None
    return found


def rows(*pictures: Sequence[Image.Image]) -> list[SheetRow]:
    return [SheetRow(f"class {n}", "3 captures", row) for n, row in enumerate(pictures)]


def test_pictures_of_a_row_stand_beside_each_other_and_rows_below():
    sheet = contact_sheet("species", rows([picture(RED), picture(GREEN)], [picture(BLUE)]))
    red, green, blue = box(sheet, RED), box(sheet, GREEN), box(sheet, BLUE)
    assert (red[2] - red[0], red[3] - red[1]) == CELL
    assert green[0] > red[2]
    assert green[1] == red[1]
    assert blue[0] == red[0]
    assert blue[1] > red[3]
    assert sheet.mode == "RGB"


def test_a_picture_of_another_shape_is_in_the_middle_of_its_place():
    narrow = picture(RED, (20, CELL[1]))
    sheet = contact_sheet("species", rows([narrow], [picture(BLUE)]))
    red, blue = box(sheet, RED), box(sheet, BLUE)
    assert red[0] + red[2] == blue[0] + blue[2]


def test_captions_stand_left_of_the_pictures_and_do_not_run_into_them():
    long = "Supercalifragilisticexpialidocious antelope of the northern hills " * 4
    row = SheetRow(long, "1,234,567 captures of something long", [picture(RED)])
    sheet = contact_sheet("species " * 100, [row])
    left = box(sheet, RED)[0]
    beside = sheet.crop((0, 60, left, sheet.height)).convert("L")
    assert beside.point(lambda value: 255 * (value < 128)).getbbox() is not None
    gap = sheet.crop((left - 6, 60, left, sheet.height)).convert("L")
    assert gap.getextrema() == (255, 255)


def ink(caption: str) -> bytes:
    return contact_sheet("species", [SheetRow(caption, "3 captures", [picture(RED)])]).tobytes()


@pytest.mark.parametrize("name", ["x" * 100_000, "x y " * 25_000])
def test_a_name_of_any_length_is_drawn_soon(name):
    start = time.process_time()
    ink(name)
    assert time.process_time() - start < 1


def test_long_names_that_differ_at_their_end_look_different():
    assert ink("Cercopithecus_albogularis_north") != ink("Cercopithecus_albogularis_south")
    words = "Cercopithecus albogularis from the high forests of the very far "
    assert ink(words + "north") != ink(words + "south")


@pytest.mark.parametrize("sign", ["\n", "\x00", "\x1b", "\x85", "\u2029", "\r\n\t"])
def test_control_characters_are_blanks(sign):
    assert ink(f"grey{sign}fox") == ink("grey fox")


def test_a_row_without_pictures_and_notes_have_their_room():
    plain = contact_sheet("species", rows([picture(RED)]))
    more = contact_sheet("species", rows([picture(RED)], []), ["a note", "another"])
    assert more.height > plain.height + CELL[1]
    assert more.width == plain.width
    lowest = more.crop((0, more.height - 60, more.width, more.height)).convert("L")
    assert lowest.getextrema()[0] < 160


def test_too_many_pictures_do_not_leave_the_sheet():
    many = [picture(RED)] * PICTURES_A_ROW + [picture(BLUE)]
    sheet = contact_sheet("species", rows(many))
    with pytest.raises(AssertionError):
        box(sheet, BLUE)
    assert box(sheet, RED)[2] < sheet.width


@pytest.mark.parametrize("size", [(2000, 1500), (300, 3000), (20, 10)])
def test_a_thumbnail_fits_its_place_and_keeps_its_shape(size):
    small = thumbnail(encoded(picture(RED, size)))
    assert small.width <= CELL[0]
    assert small.height <= CELL[1]
    assert small.width / small.height == pytest.approx(size[0] / size[1], rel=0.1)
    assert small.getpixel((0, 0)) == RED


def test_what_is_no_picture_has_no_thumbnail():
    with pytest.raises(UnreadablePicture):
        thumbnail(b"nothing")


def test_panes_fill_rows_and_notes_stand_below():
    colours = [RED] * PICTURES_A_ROW + [BLUE]
    panes = [Pane(picture(colour, (PANE, PANE)), "species=lion") for colour in colours]
    sheet = pane_sheet("first batch", panes)
    red, blue = box(sheet, RED), box(sheet, BLUE)
    assert blue[:1] + blue[2:3] == (red[0], red[0] + PANE)
    assert blue[1] >= red[3]
    assert pane_sheet("first batch", panes, ["a note"]).height > sheet.height


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((32, 16), (6 * 32, 6 * 16)),  # every pixel is a square of pixels
        ((PANE - 1, 20), (PANE - 1, 20)),
        ((2 * PANE, PANE), (PANE, PANE // 2)),
    ],
)
def test_a_pane_enlarges_by_whole_factors_and_shrinks_what_is_too_large(size, shown):
    left, top, right, bottom = box(pane_sheet("", [Pane(picture(RED, size), "")]), RED)
    assert (right - left, bottom - top) == shown


def test_the_caption_of_a_pane_stays_below_it_and_within_its_width():
    long = Pane(picture(RED, (PANE, PANE)), "species=supercalifragilistic count=2 " * 20)
    sheet = pane_sheet("", [long, Pane(picture(BLUE, (PANE, PANE)), "")])
    left, _, right, bottom = box(sheet, RED)
    beside = sheet.crop((right + 1, bottom, sheet.width, sheet.height)).convert("L")
    below = sheet.crop((left, bottom, right, sheet.height)).convert("L")
    assert beside.getextrema() == (255, 255)
    assert below.getextrema()[0] < 100
    assert below.crop((0, below.height - 8, *below.size)).getextrema() == (255, 255)
