import io

import numpy as np
import pytest
from PIL import Image

from ctc.pictures.taken import taken_at

ORIGINAL, DIGITIZED, SUB_SECOND, OF_FILE = 0x9003, 0x9004, 0x9291, 0x0132


def with_exif(tags: dict[int, str], of_file: str | None = None, kind: str = "JPEG") -> bytes:
    exif, target = Image.Exif(), io.BytesIO()
    if of_file:
        exif[OF_FILE] = of_file
    exif.get_ifd(0x8769).update(tags)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(
        target, kind, exif=exif
    )
    return target.getvalue()


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({ORIGINAL: "2024:05:03 07:15:00"}, "2024-05-03T07:15:00"),
        ({ORIGINAL: "2024:05:03 07:15:00", SUB_SECOND: "25"}, "2024-05-03T07:15:00.25"),
        ({ORIGINAL: "2024:05:03 07:15:00 ", SUB_SECOND: "  "}, "2024-05-03T07:15:00"),
        ({ORIGINAL: "2024:05:03 07:15:00", SUB_SECOND: "x"}, "2024-05-03T07:15:00"),
        ({ORIGINAL: "0000:00:00 00:00:00"}, None),
        ({ORIGINAL: "    :  :     :  :  "}, None),
        ({ORIGINAL: "yesterday"}, None),
        ({DIGITIZED: "2024:05:03 07:15:00", SUB_SECOND: "25"}, None),
        ({}, None),
    ],
)
def test_the_time_is_that_of_the_camera(tags: dict[int, str], found: str | None) -> None:
    assert taken_at(with_exif(tags, of_file="2020:01:01 00:00:00")) == found
    assert taken_at(with_exif(tags, of_file="2020:01:01 00:00:00", kind="PNG")) == found


def test_the_first_part_of_a_file_is_enough_and_a_broken_one_has_no_time() -> None:
    data = with_exif({ORIGINAL: "2024:05:03 07:15:00"})
    assert taken_at(data[: len(data) // 2]) == "2024-05-03T07:15:00"
    for broken in (b"", b"card full", data[:40]):
        assert taken_at(broken) is None
