"""What `images` may be: each kind of source gives the same captures of the same photos."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from s3_server import S3Server

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.params import InventoryParams, PredictParams
from ctc.prediction.photos.captures import Captures
from ctc.prediction.photos.sources import captures_of, kind_of

NAMES = tuple(f"{site}/{number}.jpg" for site in ("a", "b") for number in range(3))
ORIGINAL, SUB_SECOND = 0x9003, 0x9291


def photo(number: int, time: str | None = None, fraction: str | None = None) -> bytes:
    exif, target = Image.Exif(), io.BytesIO()
    exif[0x0110] = "a camera"
    tags = {ORIGINAL: time, SUB_SECOND: fraction}
    exif.get_ifd(0x8769).update({tag: text for tag, text in tags.items() if text})
    pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(target, "JPEG", exif=exif)
    return target.getvalue()


def lay_out(root: Path) -> Path:
    """Write two bursts of three photos, a second apart, in a folder each."""
    for number, name in enumerate(NAMES):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(photo(number, f"2024:05:03 07:15:0{number % 3}"))
    return root


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `lay_out` writes; read only."""
    return lay_out(tmp_path_factory.mktemp("photos"))


def found(images: object, **asked: object) -> Captures:
    return captures_of(PredictParams(images=str(images), **asked))  # type: ignore[arg-type]


def bursts(captures: Captures) -> list[tuple[str, ...]]:
    return [capture.images for capture in captures]


def camtrap_dp(folder: Path) -> Path:
    media = [
        f"m{n},{name[0]},2024-05-03T07:15:0{n % 3}Z,{name},image/jpeg,true\n"
        for n, name in enumerate(NAMES)
    ]
    events = [
        f"o{site},{site},,e{site},2024-05-03T07:15:00Z,2024-05-03T07:15:02Z,event,unclassified\n"
        for site in "ab"
    ]
    tables = {
        "deployments": "deploymentID,locationID\na,hill\nb,dale\n",
        "media": "mediaID,deploymentID,timestamp,filePath,fileMediatype,filePublic\n"
        + "".join(media),
        "observations": "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,"
        "observationLevel,observationType\n" + "".join(events),
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    resources = [{"name": name, "path": f"{name}.csv"} for name in tables]
    (folder / "datapackage.json").write_text(json.dumps({"resources": resources}))
    return folder


def coco(path: Path) -> Path:
    images = [
        {"id": name, "file_name": name, "seq_id": name[0], "frame_num": n, "location": name[0]}
        for n, name in enumerate(NAMES)
    ]
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    return path


def table(path: Path) -> Path:
    rows = [",".join((site, *(n for n in NAMES if n[0] == site))) for site in "ab"]
    path.write_text("\n".join(("capture_id,first,second,third", *rows)))
    return path


def test_every_source_gives_the_same_photos(photos: Path, tmp_path: Path) -> None:
    at = str(photos)
    expected = [tuple(f"{at}/{name}" for name in NAMES if name[0] == site) for site in "ab"]
    columns = ("first", "second", "third")
    by_table = found(table(tmp_path / "t.csv"), image_columns=columns, image_root=at)
    package = found(camtrap_dp(tmp_path), image_root=at)
    sequences = found(coco(tmp_path / "images.json"), image_root=at)
    folder = found(photos, capture_gap="1s")
    for one in (by_table, package, sequences, folder):
        assert bursts(one) == expected, one.kind
        assert [capture.names for capture in one] == [NAMES[:3], NAMES[3:]]
        assert (len(one), one.pictures, one.root) == (2, 6, at)
    kinds = ("csv", "camtrap_dp", "coco", "folders")
    assert tuple(one.kind for one in (by_table, package, sequences, folder)) == kinds
    assert [one.metadata["location"] for one in package] == ["hill", "dale"]
    assert [one.metadata["location"] for one in sequences] == ["a", "b"]
    assert [one.metadata["timestamp"] for one in folder] == ["2024-05-03T07:15:00"] * 2
    assert [one.capture_id for one in folder] == ["a/0.jpg", "b/0.jpg"]


def test_an_inventory_keeps_its_metadata_and_leaves_its_labels(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "capture_id,dir,species,location\na,1.jpg,lion,A\na,1.jpg,zebra,A\nb,2.jpg,lion,\n"
    )
    path = tmp_path / "inventory.parquet"
    take_inventory(InventoryParams(path=str(tmp_path / "t.csv"))).write(str(path))
    first, second = found(path)
    assert (first.metadata, second.metadata) == ({"location": "A"}, {})
    assert first.truth == {}


def test_a_csv_keeps_location_and_time_from_columns_of_any_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("capture_id,dir,Site,When\na,1.jpg,hill,2024-05-03 10:00\n")
    (one,) = found(tmp_path / "t.csv", location="Site", timestamp="When")
    assert one.metadata == {"location": "hill", "timestamp": "2024-05-03 10:00"}


def test_results_of_megadetector_and_a_2019_inventory_are_sources_too(tmp_path: Path) -> None:
    content = {"images": [{"file": "1.jpg", "detections": []}], "detection_categories": {"1": "x"}}
    (tmp_path / "md.json").write_text(json.dumps(content))
    (tmp_path / "old.json").write_text(json.dumps({"c": {"images": ["1.jpg"], "labels": [{}]}}))
    for name, kind in (("md.json", "megadetector"), ("old.json", "json")):
        captures = found(tmp_path / name)
        assert (captures.kind, bursts(captures)) == (kind, [(str(tmp_path / "1.jpg"),)])


def test_pictures_within_the_gap_are_one_capture_and_the_others_are_counted(tmp_path: Path) -> None:
    times = {
        "a/1.jpg": ("10:00:00", "50"),
        "a/2.jpg": ("10:00:01", "25"),  # 0.75 s after the first
        "a/3.jpg": ("10:00:02", None),  # 0.75 s after that: a chain
        "a/4.jpg": ("10:00:03", None),
        "a/none.jpg": (None, None),
        "a/nil.jpg": (None, None),
        "a/0.jpg": ("10:00:03", "50"),  # named first, taken last
        "b/1.jpg": ("10:00:00", "50"),
    }
    for number, (name, (clock, fraction)) in enumerate(times.items()):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        time = f"2024:05:03 {clock}" if clock else None
        (tmp_path / name).write_bytes(photo(number, time, fraction))
    (tmp_path / "a" / "broken.jpg").write_bytes(b"")
    captures = found(tmp_path, capture_gap="0.9s")
    assert [one.names for one in captures] == [
        ("a/1.jpg", "a/2.jpg", "a/3.jpg"),
        ("a/4.jpg", "a/0.jpg"),
        ("a/broken.jpg",),
        ("a/nil.jpg",),
        ("a/none.jpg",),
        ("b/1.jpg",),
    ]
    (finding,) = captures.findings
    assert (finding.count, finding.what.split(" that ")[0]) == (3, "pictures")
    assert len(found(tmp_path, capture_gap="0s")) == len(found(tmp_path)) == 9
    assert len(found(tmp_path, capture_gap="1m")) == 5


def test_a_folder_in_a_store_is_a_source(photos: Path, bucket: str, s3_store: S3Server) -> None:
    for name in NAMES:
        storage.put_file(photos / name, f"{bucket}/{name}")
    storage.write_bytes(f"{bucket}/b/9.jpg", b"")
    captures = found(bucket, capture_gap="2s")
    assert bursts(captures) == [
        tuple(f"{bucket}/a/{n}.jpg" for n in range(3)),
        tuple(f"{bucket}/b/{n}.jpg" for n in range(3)),
        (f"{bucket}/b/9.jpg",),
    ]


@pytest.mark.parametrize("gap", ["60", "s", "-1s", "2 days", "9000h"])
def test_a_gap_is_a_time_with_its_unit(gap: str) -> None:
    from ctc.parameter import build

    with pytest.raises(BadInput, match="capture_gap: found"):
        build(PredictParams, {"capture_gap": gap})


def test_where_captures_are_named_there_is_no_gap(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="capture_gap: found 60s with source=csv"):
        found(table(tmp_path / "t.csv"), image_columns=("first",), capture_gap="60s")


def test_the_kind_may_be_said(photos: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(photos, tmp_path / "both")
    camtrap_dp(folder)
    assert kind_of(str(folder)) == "camtrap_dp"
    assert len(found(folder, source="folders")) == 6
    shutil.copy(table(tmp_path / "t.csv"), tmp_path / "t.txt")
    assert len(found(tmp_path / "t.txt", image_columns=("first",))) == 2
    with pytest.raises(BadInput, match=r"is not JSON"):
        found(tmp_path / "t.txt", source="coco")
