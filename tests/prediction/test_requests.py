"""What a model may be asked, and what is refused with a sentence."""

import base64
import io
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from ctc.errors import BadInput
from ctc.prediction.served.requests import ALLOWED, OF_A_SERVICE, Folders, pictures_of


def jpeg(width: int = 8, height: int = 6) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(target, "JPEG")
    return target.getvalue()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


PICTURE = jpeg()
NOWHERE = Folders()
SMALL = replace(OF_A_SERVICE, pictures=3, bytes=1600, picture_bytes=1500, pixels=1000, side=50)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """One folder that may be read, with a picture; beside it one that may not."""
    for name in ("open/north", "closed", "open too"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "open/north/one.jpg").write_bytes(PICTURE)
    (tmp_path / "closed/two.jpg").write_bytes(jpeg(4, 4))
    (tmp_path / "open/linked.jpg").symlink_to(tmp_path / "closed/two.jpg")
    (tmp_path / "open/inside.jpg").symlink_to(tmp_path / "open/north/one.jpg")
    (tmp_path / "open/away").symlink_to(tmp_path / "closed")
    (tmp_path / "open/round.jpg").symlink_to(tmp_path / "open/round.jpg")
    os.mkfifo(tmp_path / "open/pipe.jpg")
    return Folders((tmp_path / "open",))


@pytest.mark.parametrize(
    "asked",
    [
        [PICTURE],
        [bytearray(PICTURE)],
        (PICTURE,),
        [text(PICTURE)],
        [base64.encodebytes(PICTURE).decode()],  # in lines, as MLflow writes it
        pd.DataFrame({"picture": [PICTURE]}),
        pd.DataFrame({"picture": [text(PICTURE)]}),
    ],
)
def test_a_picture_is_taken_as_bytes_or_base64_in_a_list_or_a_column(asked):
    for limits in (None, OF_A_SERVICE):
        assert pictures_of(asked, NOWHERE, limits) == [PICTURE]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ([], "found 0 pictures; allowed: 1 to 3"),
        ([PICTURE] * 4, "found 4 pictures; allowed: 1 to 3"),
        ([PICTURE] * 3, "too many bytes; allowed: 0 MiB of pictures together"),
        ([PICTURE, b"x" * 1501], "picture 2: too many bytes; allowed: 0 MiB"),
        (["A" * 4000], "picture 1: too many bytes; allowed: 0 MiB"),
        ([jpeg(40, 30)], "picture 1: found 40 x 30 pixels; allowed: 1,000 in all, 50 a side"),
        ([jpeg(60, 2)], "picture 1: found 60 x 2 pixels; allowed: 1,000 in all, 50 a side"),
        ([PICTURE, "AAA"], "picture 2: found a text that is not base64"),
        (["zürich"], "picture 1: found a text that is not base64"),
        ([None], "picture 1: found NoneType; allowed: a picture's bytes, base64"),
        ([[PICTURE]], "picture 1: found list; allowed: a picture's bytes, base64"),
        (text(PICTURE), "found str; allowed: a list of pictures"),
        ({"inputs": [PICTURE]}, "found dict; allowed: a list of pictures"),
        (pd.DataFrame({"a": [1], "b": [2]}), "found a table of 2 columns; allowed: one, of pic"),
        (["photo.jpg"], f"paths are allowed below the folders that {ALLOWED} names"),
        (["http://example.org/photo.jpg"], "found a path or a text that is not base64"),
    ],
)
def test_what_is_no_picture_or_too_much_is_refused(asked, sentence):
    with pytest.raises(BadInput) as refused:
        pictures_of(asked, NOWHERE, SMALL)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_program_that_loads_the_model_has_no_limits():
    many = [*[PICTURE] * 70, b"", b"broken"]
    assert pictures_of(many, NOWHERE) == many
    assert pictures_of([], NOWHERE) == []


def test_a_picture_that_cannot_be_read_is_not_a_matter_of_the_request():
    broken = [b"", b"\0" * 50, PICTURE[:100]]
    assert pictures_of(broken, NOWHERE, SMALL) == broken


def test_files_below_an_allowed_folder_are_read(folders, tmp_path):
    names = ["north/one.jpg", f"{tmp_path}/open/north/one.jpg", "inside.jpg", "./north/./one.jpg"]
    assert pictures_of([*names, PICTURE], folders) == [PICTURE] * 5


@pytest.mark.parametrize(
    "name",
    [
        "two.jpg",
        "../closed/two.jpg",
        "north/../../closed/two.jpg",
        "linked.jpg",
        "away/two.jpg",
        "round.jpg",
        "pipe.jpg",
        ".",
        "..",
        "../open too/../closed/two.jpg",
        "one.jpg\0",
        "a" * 5000 + ".jpg",
        "file://north/one.jpg",
        "http://127.0.0.1/one.jpg",
        "s3://bucket/one.jpg",
        "~/one.jpg",
        "/etc/./passwd",
    ],
)
def test_nothing_else_is(folders, name, tmp_path):
    asked = [name, f"{tmp_path}/{name}", f"{tmp_path}/closed/two.jpg"]
    for one in asked:
        with pytest.raises(BadInput) as refused:
            pictures_of([one], folders)
        assert str(refused.value) == (
            "picture 1: found no such file below the folders that are allowed"
        )


def test_a_file_that_is_too_large_is_not_read(folders):
    with pytest.raises(BadInput, match="picture 1: file too large"):
        pictures_of(["north/one.jpg"], folders, replace(SMALL, picture_bytes=100))


def test_folders_are_named_by_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv(ALLOWED, raising=False)
    assert Folders.of_environment() == NOWHERE
    (tmp_path / "one").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    monkeypatch.setenv(ALLOWED, f"{tmp_path}{os.pathsep}{tmp_path}/link")
    assert Folders.of_environment().allowed == (tmp_path, tmp_path / "one")
    monkeypatch.setenv(ALLOWED, f"{tmp_path}/none")
    with pytest.raises(BadInput, match=f"{ALLOWED}: found '.*none'; allowed: folders that exist"):
        Folders.of_environment()
