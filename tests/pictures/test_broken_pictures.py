"""What cameras, card faults, copies and people leave behind: read, or skipped with a reason."""

import io
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctc.dataset.records import read_records
from ctc.dataset.reports import finish_shard, read_report
from ctc.dataset.shards import Capture, ShardTask, write_shard
from ctc.pictures.decoding import StoredForm, UnreadablePicture
from ctc.pictures.files import picture_bytes
from ctc.tasks import run_tasks

ROOT = Path(__file__).parent.parent.parent
FORM = StoredForm(64, 85)
READ = ""  # instead of a reason


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def photo(width: int = 320, height: int = 240) -> Image.Image:
    light = np.add.outer(np.arange(height), np.arange(width))[:, :, None] * [1, 0.5, 0.25] % 200
    noise = np.random.default_rng(0).integers(0, 40, (height, width, 3))
    return Image.fromarray((light + noise).astype(np.uint8))


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def bomb() -> bytes:
    """A PNG of some 70 bytes that says it has 30,000 x 30,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(b""), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def grey16() -> bytes:
    return encoded(
        Image.fromarray(np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype("<u2")), "PNG"
    )


def moving(kind: str) -> bytes:
    frames = [photo(64, 48), photo(64, 48).rotate(180)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def broken_exif() -> bytes:
    return encoded(photo(), "JPEG", exif=b"Exif\0\0nothing that has tags")


JPEG, PNG, TIFF = (encoded(photo(), kind) for kind in ("JPEG", "PNG", "TIFF"))
PACKED_TIFF = encoded(photo(), "TIFF", compression="tiff_lzw")
NO_PICTURE = "not a picture that can be read"
CUT = "cannot be decoded: image file is truncated"
# file -> (content, what is to be: `READ`, or the reason it is skipped for, as a pattern)
FILES: dict[str, tuple[bytes, str]] = {
    "whole.jpg": (JPEG, READ),
    "cut in its header.jpg": (JPEG[:20], NO_PICTURE),
    "cut at a tenth.jpg": (cut(JPEG, 0.1), CUT),
    "cut at a half.jpg": (cut(JPEG, 0.5), CUT),
    "cut at its last byte.jpg": (JPEG[:-1], CUT),
    "cut progressive.jpg": (cut(encoded(photo(), "JPEG", progressive=True), 0.6), CUT),
    "cut.png": (cut(PNG, 0.7), CUT),
    "cut.tif": (cut(TIFF, 0.7), "cannot be decoded: .+"),
    "damaged packed.tif": (PACKED_TIFF[:900] + bytes(400) + PACKED_TIFF[1300:], "cannot be .+"),
    "cut.webp": (cut(encoded(photo(), "WEBP"), 0.7), NO_PICTURE),
    "cut.gif": (cut(encoded(photo(), "GIF"), 0.7), CUT),
    "cut.bmp": (cut(encoded(photo(), "BMP"), 0.7), CUT),
    "damaged.png": (PNG[:5000] + bytes(100) + PNG[5100:], "cannot be decoded: .+"),
    "first bytes.jpg": (b"\xff\xd8\xff", NO_PICTURE),
    "empty.jpg": (b"", "empty file"),
    "zeros.jpg": (bytes(5000), f"{NO_PICTURE}: nothing but zero bytes"),
    "noise.jpg": (np.random.default_rng(1).bytes(5000), NO_PICTURE),
    "page.jpg": (b"\n<!DOCTYPE html><html>404</html>", f"{NO_PICTURE}: a web page"),
    "text.jpg": (b"no picture", NO_PICTURE),
    "video.jpg": (b"\0\0\0\x18ftypmp42" + bytes(range(200)), NO_PICTURE),
    "program.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", NO_PICTURE),
    "wrong ending.jpg": (PNG, READ),
    "wrong ending.png": (JPEG, READ),
    "no ending": (JPEG, READ),
    "more behind.jpg": (JPEG + b"and more" * 99, READ),
    "one pixel.png": (encoded(Image.new("RGB", (1, 1)), "PNG"), READ),
    "one pixel.jpg": (encoded(Image.new("RGB", (1, 1)), "JPEG"), READ),
    "a line.png": (encoded(Image.new("RGB", (30_000, 2)), "PNG"), READ),
    "a line.jpg": (encoded(Image.new("RGB", (30_000, 2)), "JPEG"), READ),
    "bomb.png": (bomb(), "too many pixels"),
    "moving.gif": (moving("GIF"), READ),
    "moving.webp": (moving("WEBP"), READ),
    "two in one.mpo": (moving("MPO"), READ),
    "16 bits.png": (grey16(), READ),
    "cmyk.jpg": (encoded(photo().convert("CMYK"), "JPEG"), READ),
    "broken EXIF.jpg": (broken_exif(), READ),
    "\N{ZEBRA FACE} \u0644\u0628\u0624\u0629.jpg": (JPEG, READ),
    "a\nb.jpg": (JPEG, READ),
    "L" * 251 + ".jpg": (JPEG, READ),
    "L" * 300 + ".jpg": (JPEG, "file name too long"),
    os.fsdecode(b"caf\xe9.jpg"): (JPEG, READ),
    "half a pair \ud800.jpg": (b"", "its name cannot be that of a file"),
    "zero\0byte.jpg": (b"", "its name cannot be that of a file"),
    "http://example.org/a.jpg": (b"", "named by a URL; local files and s3:// can be read"),
    "https://example.org/a.jpg": (b"", "named by a URL; local files and s3:// can be read"),
    "none.jpg": (b"", "no such file"),
}


def folder_there(path: Path) -> None:
    path.mkdir()


def link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def good_link(path: Path) -> None:
    path.with_name("target").write_bytes(JPEG)
    path.symlink_to("target")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def below_a_file(path: Path) -> None:
    path.with_name("file").touch()
    path.symlink_to("file/below")


THINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "folder.jpg": (folder_there, "is a directory"),
    "dangling.jpg": (link_to_nothing, "no such file"),
    "circle.jpg": (link_to_itself, "too many levels of symbolic links"),
    "link.jpg": (good_link, READ),
    "pipe.jpg": (pipe, "not a file"),
    "below a file.jpg": (below_a_file, "not a directory"),
}
NOT_MADE = ("none.jpg", "http")
EXPECTED = {name: reason for name, (_, reason) in {**FILES, **THINGS}.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """All of them, where a file system can hold them."""
    folder = tmp_path_factory.mktemp("broken")
    for name, (data, _) in FILES.items():
        if not name.startswith(NOT_MADE) and "\0" not in name and len(name) < 256:
            write(folder, name, data)
    for name, (make, _) in THINGS.items():
        make(folder / name)
    return folder


def write(folder: Path, name: str, data: bytes) -> None:
    try:
        (folder / name).write_bytes(data)
    except ValueError:
        assert "\ud800" in name


def task(folder: Path, names: tuple[str, ...], out: Path) -> ShardTask:
    captures = tuple(Capture(name, (name,), {"name": name}, {"name": name}) for name in names)
    return ShardTask(out / "dataset" / "x.tfrecord", "x", captures, FORM, str(folder))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_file_is_read_or_skipped_with_its_reason(folder, tmp_path, name):
    written = write_shard(task(folder, (name,), tmp_path))
    reason = EXPECTED[name]
    if reason == READ:
        assert written.skips == ()
        (record,) = read_records(tmp_path / "dataset" / "x.tfrecord")
        with Image.open(io.BytesIO(record.images[0])) as image:
            assert max(image.size) == min(64, max(image.size))
            image.load()
    else:
        picture, capture = written.skips
        assert re.fullmatch(reason, picture.reason)
        assert (picture.image, capture.reason) == (name, "none of its pictures can be read")
        assert written.shard.captures == 0


def test_there_are_many_kinds():
    assert sum(reason != READ for reason in EXPECTED.values()) > 25


def test_a_worker_outlives_them_all_and_reports_on_each(folder, tmp_path):
    asked = task(folder, tuple(EXPECTED), tmp_path)
    ((_, kept),) = run_tasks(finish_shard, [asked], 1)
    assert not kept
    written = read_report(asked.path)
    readable = [name for name, reason in EXPECTED.items() if reason == READ]
    assert [picture.image for picture in written.pictures] == readable
    assert written.shard.captures == len(readable)
    assert {skip.capture_id for skip in written.skips} == {*EXPECTED} - {*readable}
    shard = asked.path.read_bytes()
    assert finish_shard(asked)  # which looks at all that were skipped again
    assert asked.path.read_bytes() == shard
    assert write_shard(asked) == written


def test_a_capture_without_a_picture_is_skipped_as_such(tmp_path):
    asked = ShardTask(tmp_path / "x.tfrecord", "x", (Capture("a", (), {}, {}),), FORM)
    (skip,) = write_shard(asked).skips
    assert (skip.capture_id, skip.image, skip.reason) == ("a", "", "it has no picture")


@contextmanager
def nobody() -> Iterator[None]:
    """Root may read everything: be someone else for a moment."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(mine)


def test_a_file_that_may_not_be_read_is_skipped(tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "a.jpg").chmod(0)
    with nobody(), pytest.raises(UnreadablePicture, match=r"^permission denied$"):
        picture_bytes(str(tmp_path), "a.jpg")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    skip = write_shard(task(tmp_path, ("a.jpg",), tmp_path)).skips[0]
    assert skip.reason == "file too large"


SCRIPT = """
import sys
from pathlib import Path
from ctc.pictures.decoding import *

for path in Path(sys.argv[1]).glob("*.*"):
    if path.is_file():
        try:
            to_pixels(path.read_bytes(), lambda *_: (32, 32))
            to_jpeg(shrunk(path.read_bytes(), StoredForm(64, 85)), 85)
        except UnreadablePicture:
            pass
print("done")
"""


def test_nothing_about_them_reaches_the_screen(folder):
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", SCRIPT, folder],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
