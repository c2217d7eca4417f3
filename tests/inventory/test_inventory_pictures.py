import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ctc import storage
from ctc.inventory.checks.pictures import look_at_pictures
from ctc.inventory.findings import Finding
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams
from ctc.storage import states

TEXT = pa.string()
NOBODY = 65534

Rows = list[tuple[str, list[str], str | None]]  # capture, pictures, species


def jpeg(grey: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 30), (grey,) * 3).save(target, "JPEG")
    return target.getvalue()


def noise() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "JPEG")
    return target.getvalue()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with good pictures, some of them the same, and bad ones."""
    folder = tmp_path / "pictures"
    (folder / "folder.jpg").mkdir(parents=True)
    for name, grey in {"1": 10, "2": 20, "3": 30, "1again": 10, "2again": 20}.items():
        (folder / f"{name}.jpg").write_bytes(jpeg(grey))
    (folder / "empty.jpg").touch()
    (folder / "half.jpg").write_bytes(noise()[:-400])
    (folder / "page.jpg").write_text("<html>not found</html>")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return folder


def inventory(root: Path | str, rows: Rows) -> Inventory:
    ids, images, species = zip(*rows, strict=True)
    columns = {
        "capture_id": pa.array(ids, TEXT),
        "images": pa.array(images, pa.list_(TEXT)),
        "species": pa.array(species, TEXT),
    }
    places = np.arange(1, len(rows) + 1)
    return Inventory(pa.table(columns), ("species",), "t.csv", str(root), places=places)


def look(given: Inventory, check: str = "exists") -> tuple[Finding, ...]:
    return look_at_pictures(given, InventoryParams(check=check, workers=1)).findings


def listed(findings: tuple[Finding, ...]) -> dict[str, list[str]]:
    return {finding.what: [str(case) for case in finding.cases] for finding in findings}


BAD: Rows = [
    ("a", ["1.jpg", "none.jpg"], "lion"),
    ("a", ["1.jpg", "none.jpg"], "gnu"),
    ("b", ["empty.jpg", "2.jpg"], "lion"),
    ("c", [], "lion"),
    ("d", ["folder.jpg", "dangling.jpg", "1.jpg/2.jpg"], None),
    ("e", ["pipe.jpg", f"{'x' * 300}.jpg", "nul\0.jpg", "http://x.org/1.jpg"], "lion"),
]


# --- that they exist ---


def test_every_picture_that_is_not_there_is_listed_with_its_place(pictures):
    assert listed(look(inventory(pictures, BAD))) == {
        "pictures that do not exist": [
            "none.jpg (data row 1; capture a)",
            "dangling.jpg (data row 5; capture d)",
            "1.jpg/2.jpg (data row 5; capture d)",
        ],
        "pictures that are empty files (zero bytes)": ["empty.jpg (data row 3; capture b)"],
        "pictures that are folders": ["folder.jpg (data row 5; capture d)"],
        "pictures that cannot be read": [
            "pipe.jpg (data row 6; capture e: not a file)",
            f"{'x' * 300}.jpg (data row 6; capture e: file name too long)",
            "nul\0.jpg (data row 6; capture e: its name cannot be that of a file)",
        ],
    }


def test_good_pictures_give_no_finding(pictures):
    absolute = [str(pictures / "2.jpg"), (pictures / "3.jpg").as_uri()]
    assert look(inventory(pictures, [("a", ["1.jpg", *absolute], "lion")])) == ()
    assert look(inventory(pictures.as_uri(), [("a", ["1.jpg", *absolute], "lion")])) == ()


def test_what_was_noticed_before_stays(pictures):
    before = Finding("rows dropped", 1, "data row 3")
    given = inventory(pictures, BAD)
    given = Inventory(given.table, given.labels, given.source, given.root, (before,))
    assert look(given)[-1] == before
    assert len(look(given)) == 5


def test_nothing_is_looked_at_if_not_asked_for(tmp_path):
    given = inventory(tmp_path / "nowhere", BAD)
    assert look(given, "none") == ()
    assert look_at_pictures(given, InventoryParams(check="none")) is given


def test_a_root_that_holds_none_of_the_pictures_is_doubted(tmp_path):
    given = inventory(tmp_path, [("a", [], None), ("b", ["x/1.jpg"], None), ("c", ["2.jpg"], None)])
    (finding,) = look(given)
    assert finding.what == "pictures that do not exist (all of them; is image_root right?)"
    assert [str(case) for case in finding.cases] == [
        "x/1.jpg (data row 2; capture b)",
        "2.jpg (data row 3; capture c)",
    ]


def test_an_inventory_without_pictures_is_fine(tmp_path):
    assert look(inventory(tmp_path, [("a", [], None)]), "decode") == ()


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """A folder that all may enter, with a picture that nobody but its owner may read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "open.jpg").write_bytes(jpeg(1))
        (folder / "closed.jpg").write_bytes(jpeg(1))
        (folder / "closed.jpg").chmod(0o000)
        (folder / "room").mkdir(mode=0o000)
        user = os.geteuid()
        if user == 0:  # whom no permission stops
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(user)
            (folder / "room").chmod(0o700)


def test_pictures_that_may_not_be_read_are_listed(forbidden):
    given = inventory(forbidden, [("a", ["open.jpg", "closed.jpg", "room/1.jpg"], None)])
    assert listed(look(given)) == {
        "pictures that may not be read": [
            "closed.jpg (data row 1; capture a)",
            "room/1.jpg (data row 1; capture a)",
        ]
    }


def test_a_slow_disk_is_asked_by_several_threads_with_the_same_answers(pictures, monkeypatch):
    names = [name for _, images, _ in BAD for name in images[:3]] * 50
    quick = list(storage.file_states(str(pictures), names, len(names)))
    monkeypatch.setattr(states, "SLOW_S", 0)
    monkeypatch.setattr(states, "BLOCK", 100)
    assert list(storage.file_states(str(pictures), iter(names), len(names))) == quick
    assert {storage.FINE, storage.MISSING, storage.EMPTY, storage.FOLDER} < set(quick)


# --- on S3 ---


@pytest.fixture
def on_s3(bucket: str) -> str:
    for name, data in {"1.jpg": jpeg(1), "deep/2.jpg": jpeg(2), "empty.jpg": b""}.items():
        storage.write_bytes(storage.join(bucket, "root", name), data)
    storage.write_bytes(storage.join(bucket, "beside.jpg"), jpeg(3))
    return storage.join(bucket, "root")


@pytest.mark.parametrize("listed_from", [1, 1_000])
def test_pictures_on_s3_are_listed_or_asked_for(on_s3, bucket, pictures, monkeypatch, listed_from):
    monkeypatch.setattr(states, "A_PAGE", listed_from)
    elsewhere = [f"{bucket}/beside.jpg", f"{bucket}/none.jpg", str(pictures / "1.jpg")]
    names = ["1.jpg", "none.jpg", "deep/2.jpg", "empty.jpg", "1", f"{on_s3}/1.jpg", *elsewhere]
    fine, missing = storage.FINE, storage.MISSING
    assert list(storage.file_states(on_s3, names, len(names))) == [
        fine,
        missing,
        fine,
        storage.EMPTY,
        missing,
        fine,
        fine,
        missing,
        fine,
    ]


def test_pictures_on_s3_are_decoded(on_s3):
    rows: Rows = [("a", ["1.jpg", "empty.jpg"], "lion"), ("b", ["deep/2.jpg", "no.jpg"], None)]
    assert listed(look(inventory(on_s3, rows), "decode")) == {
        "pictures that do not exist": ["no.jpg (data row 2; capture b)"],
        "pictures that are empty files (zero bytes)": ["empty.jpg (data row 1; capture a)"],
    }


# --- that they can be decoded, and are there once ---


def test_pictures_that_cannot_be_decoded_are_listed_with_the_reason(pictures):
    rows: Rows = [
        *BAD,
        ("f", ["half.jpg", "3.jpg"], None),
        ("g", ["page.jpg"], None),
        ("h", ["half.jpg"], None),
    ]
    findings = listed(look(inventory(pictures, rows), "decode"))
    assert findings["pictures that cannot be decoded"] == [
        "half.jpg (data row 7; capture f: image file is truncated)",
        "page.jpg (data row 8; capture g: not a picture that can be read: a web page)",
        "half.jpg (data row 9; capture h: image file is truncated)",
    ]
    assert len(findings["pictures that do not exist"]) == 3


def test_pictures_with_the_same_content_are_listed(pictures):
    rows: Rows = [
        ("a", ["1.jpg", "3.jpg"], "lion"),
        ("b", ["2.jpg"], "gnu"),
        ("b", ["2.jpg"], "lion"),
        ("c", ["1again.jpg"], "lion"),
        ("d", ["2again.jpg", "2.jpg"], "gnu"),
        ("e", ["1again.jpg"], None),
    ]
    assert listed(look(inventory(pictures, rows), "decode")) == {
        "pictures with the same content in several captures": [
            "1again.jpg (data row 4; capture c: the same as 1.jpg of capture a)",
            "1again.jpg (data row 6; capture e: the same as 1.jpg of capture a)",
        ],
        "pictures with the same content in several captures whose labels differ": [
            "2again.jpg (data row 5; capture d: the same as 2.jpg of capture b; "
            "species is gnu here and gnu and lion there)",
            "2.jpg (data row 5; capture d: the same as 2.jpg of capture b; "
            "species is gnu here and gnu and lion there)",
        ],
    }


def test_the_same_picture_twice_in_a_capture_is_a_finding_of_its_own(pictures):
    given = inventory(pictures, [("a", ["1.jpg", "2.jpg", "1again.jpg"], "lion")])
    assert listed(look(given, "decode")) == {
        "pictures with the same content twice in a capture": [
            "1again.jpg (data row 1; capture a: the same as 1.jpg)"
        ]
    }


def test_a_process_that_looks_at_pictures_loads_no_tables():
    code = (
        "import sys; import ctc.pictures.looking, ctc.tasks; "
        "print(*{'pandas', 'pyarrow', 'boto3', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
