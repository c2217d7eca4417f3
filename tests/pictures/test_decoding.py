import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from ctc.pictures.decoding import StoredForm, UnreadablePicture, shrunk, to_jpeg, to_pixels

ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F
RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def stored(data: bytes, max_side: int, quality: int = 85, min_side: int | None = None) -> bytes:
    return to_jpeg(shrunk(data, StoredForm(max_side, quality, min_side)), quality)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def halves(size: tuple[int, int] = (64, 48), left=RED, right=BLUE) -> Image.Image:
    """A picture whose left half is of one colour and its right half of another."""
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, *size))
    return image


def colour(pixels: np.ndarray, across: float, down: float) -> tuple[int, ...]:
    height, width = pixels.shape[:2]
    return tuple(int(value) for value in pixels[int(height * down), int(width * across)])


def is_near(found: tuple[int, ...], wanted: tuple[int, ...], levels: int = 12) -> bool:
    return all(abs(one - other) <= levels for one, other in zip(found, wanted, strict=True))


def grey16(low: int = 51, high: int = 204) -> Image.Image:
    values = np.full((48, 64), low * 257, np.uint16)
    values[:, 32:] = high * 257
    return Image.fromarray(values)


def palette() -> Image.Image:
    return halves().quantize(8)


def see_through() -> Image.Image:
    image = halves().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


GREY = ((76,) * 3, (46,) * 3)


def enough(height, width):
    return lambda *of_the_picture: (height, width)


PICTURES = {
    "JPEG": (encoded(halves(), "JPEG", quality=95), (RED, BLUE)),
    "PNG": (encoded(halves(), "PNG"), (RED, BLUE)),
    "BMP": (encoded(halves(), "BMP"), (RED, BLUE)),
    "WebP": (encoded(halves(), "WEBP", lossless=True), (RED, BLUE)),
    "GIF": (encoded(halves(), "GIF"), (RED, BLUE)),
    "TIFF": (encoded(halves(), "TIFF"), (RED, BLUE)),
    "palette": (encoded(palette(), "PNG"), (RED, BLUE)),
    "palette with alpha": (
        encoded(palette(), "PNG", transparency=bytes(range(8))),
        (RED, BLUE),
    ),
    "alpha": (encoded(see_through(), "PNG"), (RED, BLUE)),
    "CMYK": (encoded(halves().convert("CMYK"), "JPEG", quality=95), (RED, BLUE)),
    "grey": (
        encoded(halves(left=GREY[0], right=GREY[1]).convert("L"), "JPEG", quality=95),
        GREY,
    ),
    "grey with alpha": (encoded(Image.new("LA", (64, 48), (90, 9)), "PNG"), ((90,) * 3,) * 2),
    "black and white": (
        encoded(halves(left=(255,) * 3, right=(0,) * 3).convert("1"), "PNG"),
        ((255,) * 3, (0,) * 3),
    ),
    "16 bits PNG": (encoded(grey16(), "PNG"), ((51,) * 3, (204,) * 3)),
    "16 bits TIFF": (encoded(grey16(), "TIFF"), ((51,) * 3, (204,) * 3)),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_of_any_kind_is_read_in_its_colours(kind):
    data, (left, right) = PICTURES[kind]
    found = opened(stored(data, 64, 95))
    assert (found.format, found.mode, found.size) == ("JPEG", "RGB", (64, 48))
    pixels = to_pixels(data, enough(48, 64))
    assert (pixels.dtype, pixels.shape) == (np.uint8, (48, 64, 3))
    for seen in (np.asarray(found), pixels):
        assert is_near(colour(seen, 0.2, 0.5), left)
        assert is_near(colour(seen, 0.8, 0.5), right)


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [
        (1, (0.2, 0.5)),
        (2, (0.8, 0.5)),
        (3, (0.8, 0.5)),
        (4, (0.2, 0.5)),
        (5, (0.5, 0.2)),
        (6, (0.5, 0.2)),
        (7, (0.5, 0.8)),
        (8, (0.5, 0.8)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_turned_upright(kind, orientation, red_at):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(halves((160, 80)), kind, exif=exif)
    shape = (80, 160, 3) if orientation < 5 else (160, 80, 3)
    upright = np.asarray(opened(stored(data, 160, 95)))
    for found in (upright, to_pixels(data, enough(10, 10))):
        assert found.shape[0] * shape[1] == found.shape[1] * shape[0]
        assert is_near(colour(found, *red_at), RED)
        assert is_near(colour(found, 1 - red_at[0], 1 - red_at[1]), BLUE)
    assert upright.shape == shape
    assert ORIENTATION not in opened(stored(data, 160, 95)).getexif()


@pytest.mark.parametrize(
    ("size", "max_side", "wanted"),
    [
        ((64, 48), 500, (64, 48)),
        ((64, 48), 64, (64, 48)),
        ((64, 48), 32, (32, 24)),
        ((48, 64), 32, (24, 32)),
        ((2000, 1000), 500, (500, 250)),
        ((1999, 1001), 500, (500, 250)),
        ((3000, 30), 100, (100, 1)),
        ((1000, 1), 100, (100, 1)),
        ((1, 1), 16, (1, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_stored_picture_keeps_its_shape_and_is_no_larger_than_asked(kind, size, max_side, wanted):
    data = encoded(Image.new("RGB", size, GREEN), kind)
    found = opened(stored(data, max_side, 90))
    assert found.size == wanted
    assert is_near(colour(np.asarray(found), 0.5, 0.5), GREEN)


@pytest.mark.parametrize(
    ("size", "min_side", "wanted"),
    [
        ((64, 48), 48, (64, 48)),
        ((64, 48), 100, (64, 48)),
        ((64, 48), 24, (32, 24)),
        ((48, 64), 24, (24, 32)),
        ((2048, 1536), 300, (400, 300)),
        ((3000, 30), 30, (3000, 30)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_may_be_stored_by_its_shorter_side(kind, size, min_side, wanted):
    data = encoded(Image.new("RGB", size, GREEN), kind)
    assert opened(stored(data, 16, min_side=min_side)).size == wanted


def test_a_picture_stays_sharp_when_it_is_stored():
    """Stripes of 8 pixels, stored at a quarter, are still stripes of 2."""
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, np.arange(640) % 16 < 8] = 255
    found = np.asarray(opened(stored(encoded(Image.fromarray(stripes), "JPEG"), 160, 95)))
    assert found.shape == (120, 160, 3)
    assert found.reshape(120, 40, 4, 3).mean((0, 1, 3)).tolist() == pytest.approx(
        [255, 255, 0, 0], abs=20
    )


def test_a_lower_quality_is_a_smaller_file():
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    data = encoded(Image.fromarray(noise), "PNG")
    sizes = [len(stored(data, 100, quality)) for quality in (10, 50, 90)]
    assert sizes == sorted(set(sizes))


def test_a_stored_picture_holds_nothing_but_pixels():
    exif = Image.Exif()
    exif[MAKER] = "secret maker"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (1.0, 2.0, 3.0)
    options = {"exif": exif, "comment": b"secret comment", "icc_profile": b"secret profile"}
    data = encoded(halves(), "JPEG", xmp=b"secret xmp", **options)
    assert GPS in opened(data).getexif()
    assert data.count(b"secret") == 4
    found = stored(data, 64)
    assert b"secret" not in found
    assert dict(opened(found).getexif()) == {}
    assert set(opened(found).info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("size", "at_least"),
    [
        ((1600, 1200), (100, 100)),
        ((1600, 1200), (299, 224)),
        ((1600, 400), (100, 400)),
        ((1600, 400), (400, 100)),
        ((400, 1600), (50, 400)),
        ((300, 200), (200, 200)),
    ],
)
def test_pixels_are_at_least_as_many_as_asked_for(size, at_least, turned):
    exif = Image.Exif()
    exif[ORIENTATION] = 6 if turned else 1
    whole = size if turned else size[::-1]
    found = to_pixels(encoded(Image.new("RGB", size), "JPEG", exif=exif), enough(*at_least)).shape
    for side in (0, 1):
        assert min(at_least[side], whole[side]) <= found[side] <= whole[side]


def test_a_large_jpeg_is_decoded_small():
    data = encoded(Image.new("RGB", (1600, 1200)), "JPEG")
    assert to_pixels(data, enough(150, 150)).shape == (150, 200, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_how_many_pixels_are_enough_is_asked_of_the_upright_picture(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(Image.new("RGB", (1600, 400)), "JPEG", exif=exif)
    asked = []

    def a_quarter(height, width):
        asked.append((height, width))
        return height // 4, width // 4

    found = to_pixels(data, a_quarter)
    upright = (400, 1600) if orientation < 5 else (1600, 400)
    assert asked == [upright]
    assert found.shape == (upright[0] // 4, upright[1] // 4, 3)


def bomb() -> bytes:
    """A PNG of some 70 bytes that says it has 30,000 x 30,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = (header, data, b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def photo() -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    return encoded(Image.fromarray(noise), "JPEG")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "^empty file$", id="empty"),
        pytest.param(b"<!DOCTYPE html><html></html>", "^not a picture", id="html"),
        pytest.param(b"\x00" * 5000, "^not a picture", id="zeros"),
        pytest.param(b"\xff\xd8\xff", "^not a picture", id="first bytes of a JPEG"),
        pytest.param(
            photo()[: len(photo()) // 2], "^cannot be decoded: .*truncated", id="cut JPEG"
        ),
        pytest.param(encoded(grey16(), "PNG")[:-40], "^cannot be decoded: ", id="cut PNG"),
        pytest.param(
            encoded(Image.fromarray(np.eye(200) > 0), "GIF")[:-60],
            "^cannot be decoded: ",
            id="cut GIF",
        ),
        pytest.param(bomb(), "^too many pixels$", id="bomb"),
    ],
)
def test_a_file_that_is_no_whole_picture_is_unreadable(data, reason):
    with pytest.raises(UnreadablePicture, match=reason):
        stored(data, 64, 85)
    with pytest.raises(UnreadablePicture, match=reason):
        to_pixels(data, enough(32, 32))


def test_it_stays_so_where_another_package_lets_pillow_fill_up_what_is_missing(monkeypatch):
    half = photo()[: len(photo()) // 2]
    for read in (lambda: stored(half, 64, 85), lambda: to_pixels(half, enough(32, 32))):
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        with pytest.raises(UnreadablePicture, match="truncated"):
            read()


def test_a_large_picture_of_a_camera_is_no_bomb():
    """Pillow warns beyond 89 million pixels and refuses beyond 179 million."""
    data = encoded(Image.new("1", (12_000, 10_000)), "PNG")
    assert opened(stored(data, 100, 85)).size == (100, 83)
