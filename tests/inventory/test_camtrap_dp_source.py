import csv
import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

SITE = {"deploymentID": "d1", "locationID": "l1", "locationName": "hill", "latitude": "51.0"}
DEPLOYMENTS = (SITE, {"deploymentID": "d2", "locationName": "dale"}, {"deploymentID": "d3"})
MEDIA = ("mediaID", "deploymentID", "timestamp", "filePath", "fileName", "fileMediatype")
OBSERVATIONS = (
    "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd",
    "observationLevel", "observationType", "scientificName", "count", "lifeStage", "sex",
    "behavior",
)  # fmt: skip
BY_URL = "media named by a URL that cannot be read (left out of the pictures)"
BY_NAME = "media named by a URL (read from the file of their name)"
NO_PICTURE = "media that are no pictures (left out of the pictures)"
NO_MEDIA = "events without media"
SEVERAL = "captures with several observations (a dataset leaves them out)"
REPEATED = "observations with the labels of another of their capture (kept once)"


def medium(name: str, minute: int = 0, site: str = "d1", **more: str) -> dict[str, str]:
    found = {"mediaID": name, "deploymentID": site, "filePath": f"{name}.jpg"}
    return found | {
        "timestamp": f"2020-05-30T10:{minute:02d}:00Z",
        "fileMediatype": "image/jpeg",
    } | more  # fmt: skip


def of_medium(name: str, media: str, kind: str = "animal", **more: str) -> dict[str, str]:
    return {
        "observationID": name,
        "deploymentID": "d1",
        "mediaID": media,
        "eventStart": "2020-05-30T10:00:00Z",
        "eventEnd": "2020-05-30T10:00:00Z",
        "observationLevel": "media",
        "observationType": kind,
    } | more


def of_event(name: str, first: int, last: int, kind: str = "animal", **more: str) -> dict[str, str]:
    return {
        "observationID": f"o-{name}",
        "deploymentID": "d1",
        "eventID": name,
        "eventStart": f"2020-05-30T10:{first:02d}:00Z",
        "eventEnd": f"2020-05-30T10:{last:02d}:00Z",
        "observationLevel": "event",
        "observationType": kind,
    } | more


def table(rows: Sequence[dict], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, dict.fromkeys([*columns, *(key for row in rows for key in row)]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def package(media: Sequence[dict], observations: Sequence[dict], **paths: str) -> dict[str, bytes]:
    """The files of a package by their path."""
    tables = {
        "deployments": table(DEPLOYMENTS, SITE),
        "media": table(media, MEDIA),
        "observations": table(observations, OBSERVATIONS),
    }
    at = {name: paths.get(name, f"{name}.csv") for name in tables}
    resources = [{"name": name, "path": path} for name, path in at.items()]
    files = {at[name]: data for name, data in tables.items()}
    return files | {"datapackage.json": json.dumps({"resources": resources}).encode()}


def write(folder: Path | str, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        storage.write_bytes(storage.join(str(folder), name), data)


def zipped(files: dict[str, bytes], folder: str = "") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return data.getvalue()


def take_from(path: Path | str, **given) -> Inventory:
    given = {"few_captures": 0, **given}
    return take_inventory(InventoryParams(source="camtrap_dp", path=str(path), **given))


@pytest.fixture
def take(tmp_path: Path):
    def take(media: Sequence[dict], observations: Sequence[dict], **given) -> Inventory:
        write(tmp_path / "p", package(media, observations))
        return take_from(tmp_path / "p", **given)

    return take


def rows(inventory: Inventory, *columns: str) -> list[tuple]:
    return [tuple(row[name] for name in columns) for row in inventory.table.to_pylist()]


def listed(inventory: Inventory) -> dict[str, list[str]]:
    found = {one.what: [str(case) for case in one.cases] for one in inventory.findings}
    quiet = ("one class", "without any value")
    return {what: them for what, them in found.items() if not any(text in what for text in quiet)}


CAPTURES = ("capture_id", "images", "species")
LION = {"scientificName": "Panthera leo"}
EQUUS = {"scientificName": "Equus"}


def test_observations_of_media_are_observations_of_captures_of_one_medium(take, tmp_path):
    observations = [
        of_medium("o1", "m2", **LION, count="2"),
        of_medium("o2", "m1", **EQUUS),
        of_medium("o3", "m2", **EQUUS, count="1"),
    ]
    found = take([medium("m1"), medium("m2", 1, "d2")], observations)
    assert found.labels == ("empty", "species", "count")
    assert rows(found, *CAPTURES, "count") == [
        ("m1", ["m1.jpg"], "Equus", None),
        ("m2", ["m2.jpg"], "Panthera leo", "2"),
        ("m2", ["m2.jpg"], "Equus", "1"),
    ]
    assert rows(found, "location", "deployment", "timestamp")[:2] == [
        ("l1", "d1", "2020-05-30T10:00:00Z"),
        ("dale", "d2", "2020-05-30T10:01:00Z"),
    ]
    several = {SEVERAL: ["m2 (data row 2 of media.csv; 2 observations)"]}
    assert (found.root, listed(found)) == (str(tmp_path / "p"), several)
    assert found.place_of(2) == "data row 2 of media.csv"


@pytest.mark.parametrize(
    ("kind", "empty", "species"),
    [
        ("blank", "empty", None),
        ("animal", "species", "x"),
        ("human", "human", "x"),
        ("vehicle", "vehicle", "x"),
        ("unknown", "unknown", "x"),
        ("unclassified", None, "x"),
    ],
)
def test_the_type_of_an_observation_is_the_class_of_empty(take, kind, empty, species):
    found = take([medium("m1")], [of_medium("o1", "m1", kind, scientificName="x")])
    labels = ("empty", "species")
    read = take_from(found.source, labels=labels)
    assert rows(read, *labels) == [(empty, species)]


@pytest.mark.parametrize("missing", ["", "NA", "NaN", "nan"])
def test_what_the_standard_takes_as_missing_is(take, missing):
    known = {"scientificName": missing, "count": missing, "sex": "male"}
    found = take([medium("m1")], [of_medium("o1", "m1", **known)], labels=("species", "sex"))
    assert rows(found, "species", "sex") == [(None, "male")]


def test_labels_and_metadata_are_taken_as_asked_for_and_coordinates_only_then(take):
    known = {"lifeStage": "adult", "sex": "female", "behavior": "foraging"}
    media = [medium("m1"), medium("m3", site="d3")]
    observations = [of_medium("o1", "m1", **LION, **known)]
    found = take(media, observations)
    assert found.labels == ("empty", "species")
    assert found.metadata == ("location", "deployment", "timestamp")
    asked = take(media, observations, labels=tuple(known), metadata=("latitude", "location"))
    assert rows(asked, *known, "latitude", "location") == [
        ("adult", "female", "foraging", "51.0", "l1"),
        (None, None, None, None, "d3"),
    ]
    with pytest.raises(BadInput, match="offers no 'age'; it offers: empty, species, count, lifeSt"):
        take(media, observations, labels=("age",))
    with pytest.raises(BadInput, match="'x'; it offers: location, deployment, timestamp, deploy"):
        take(media, observations, metadata=("x",))


EVENT_MEDIA = [medium("m1", 0), medium("m2", 5), medium("m3", 6), medium("m4", 5, "d2")]


def test_an_event_has_the_media_of_its_deployment_from_start_to_end(take):
    observations = [of_event("e1", 0, 5, **LION), of_event("e2", 6, 9, "blank")]
    found = take(EVENT_MEDIA, observations)
    assert rows(found, "capture_id", "images", "empty", "species") == [
        ("e1", ["m1.jpg", "m2.jpg"], "species", "Panthera leo"),
        ("e2", ["m3.jpg"], "empty", None),
        ("m4", ["m4.jpg"], None, None),
    ]
    assert listed(found) == {"captures without any label": ["m4 (data row 4 of media.csv)"]}
    assert found.place_of(1) == "data row 3 of media.csv"


def test_instants_are_compared_whatever_their_time_zone(take):
    media = [medium("m1", timestamp="2020-05-30T12:00:00+02:00")]
    media += [medium("m2", timestamp="2020-05-30T10:00:00+02:00")]
    media += [medium("m3", timestamp="2020-05-30T09:30:00-0030")]
    found = take(media, [of_event("e1", 0, 0)])
    assert rows(found, "capture_id", "images") == [("e1", ["m1.jpg", "m3.jpg"]), ("m2", ["m2.jpg"])]
    assert rows(found, "timestamp")[0] == ("2020-05-30T12:00:00+02:00",)


def test_media_that_an_observation_names_with_the_event_belong_to_it(take):
    observations = [of_event("e1", 1, 2, **LION), of_medium("o2", "m3", eventID="e1", **EQUUS)]
    found = take([medium("m3", 50), medium("m1", 1), medium("m2", 3)], observations)
    assert rows(found, *CAPTURES) == [
        ("e1", ["m1.jpg", "m3.jpg"], "Panthera leo"),
        ("m2", ["m2.jpg"], None),
    ]
    (other,) = [one for one in found.findings if "not read" in one.what]
    assert other.what == "observations of single media (not read; level=media reads them)"
    assert (other.count, other.example) == (1, "o2 (data row 2 of observations.csv)")


def test_several_observations_of_an_event_stay_and_equal_ones_are_listed(take):
    male, female = ({"sex": sex, **LION} for sex in ("male", "female"))
    observations = [of_event("e1", 0, 9, **male), of_event("e1", 0, 9, **EQUUS)]
    observations += [of_event("e1", 0, 9, observationID="o9", **female)]
    observations[1]["observationID"] = "o8"
    found = take([medium("m1")], observations)
    assert rows(found, *CAPTURES) == [
        ("e1", ["m1.jpg"], "Panthera leo"),
        ("e1", ["m1.jpg"], "Equus"),
    ]
    assert listed(found) == {
        REPEATED: ["e1 (data row 3 of observations.csv)"],
        SEVERAL: ["e1 (data row 1 of media.csv; 2 observations)"],
    }
    assert len(rows(take([medium("m1")], observations, labels=("species", "sex")), "sex")) == 3


def test_an_event_without_media_stays_and_is_listed(take):
    found = take([medium("m1", 9)], [of_event("e1", 0, 5, **LION), of_event("e2", 6, 9, **EQUUS)])
    assert rows(found, *CAPTURES) == [("e1", [], "Panthera leo"), ("e2", ["m1.jpg"], "Equus")]
    assert rows(found, "timestamp")[0] == ("2020-05-30T10:00:00Z",)
    assert listed(found)[NO_MEDIA] == ["e1 (data row 1 of observations.csv)"]
    assert found.place_of(0) == ""


def test_an_event_without_an_id_is_named_by_its_observation(take):
    observations = [of_event("e1", 0, 0), of_event("", 1, 1, observationID="o2")]
    observations += [of_event("", 2, 2, observationID="e1")]
    media = [medium("m1", 0), medium("m2", 1), medium("m3", 2), medium("e1", 3)]
    found = take(media, observations)
    assert rows(found, "capture_id", "images") == [
        ("e1", ["m1.jpg"]),
        ("o2", ["m2.jpg"]),
        ("observation-e1", ["m3.jpg"]),
        ("medium-e1", ["e1.jpg"]),
    ]


BOTH = [of_event("e1", 0, 5, **LION), of_medium("o2", "m1", **EQUUS)]


@pytest.mark.parametrize(
    ("level", "minute", "captures"),
    [
        ("auto", 0, ["e1"]),  # an event has media
        ("auto", 9, ["m1"]),
        ("event", 9, ["e1", "m1"]),
        ("media", 0, ["m1"]),
    ],
)
def test_one_level_is_read_by_auto_that_of_events_with_media(take, level, minute, captures):
    found = take([medium("m1", minute)], BOTH, level=level)
    assert [name for (name,) in rows(found, "capture_id")] == captures
    counted = [one.count for one in found.findings if "not read" in one.what]
    assert counted == [1]


def test_events_without_any_media_are_read_where_there_is_nothing_else(take):
    found = take([medium("m1", 9)], BOTH[:1])
    assert [name for (name,) in rows(found, "capture_id")] == ["e1", "m1"]


def test_a_package_without_observations_has_captures_without_labels(take):
    found = take([medium("m1")], [])
    assert rows(found, "capture_id", "empty") == [("m1", None)]


@pytest.mark.parametrize(("level", "other"), [("event", "media"), ("media", "event")])
def test_a_level_that_is_not_there_is_refused(take, tmp_path, level, other):
    with pytest.raises(BadInput) as refused:
        take([medium("m1")], BOTH[:1] if level == "media" else BOTH[1:], level=level)
    assert str(refused.value) == (
        f"'{tmp_path / 'p'}' holds no observation at level={level}; allowed: level={other}"
    )


@pytest.mark.parametrize("kind", ["video/mp4", "audio/wav", ""])
def test_videos_and_sounds_are_left_out_and_listed(take, kind):
    video = medium("m1", filePath="m1.mp4", fileMediatype=kind)
    found = take([video], [of_medium("o1", "m1", **LION)])
    assert rows(found, *CAPTURES) == [("m1", [], "Panthera leo")]
    detail = f"; {kind}" if kind else ""
    assert listed(found)[NO_PICTURE] == [f"m1 (data row 1 of media.csv{detail})"]


def test_a_medium_without_a_path_is_listed(take):
    found = take([medium("m1", filePath="")], [of_medium("o1", "m1")])
    assert rows(found, "images") == [([],)]
    what = "media without a file path (left out of the pictures)"
    assert listed(found)[what] == ["m1 (data row 1 of media.csv)"]


@pytest.mark.parametrize("where", ["local", "s3"])
def test_a_medium_named_by_a_url_is_read_by_its_name_where_that_is_there(request, tmp_path, where):
    folder = request.getfixturevalue("bucket") if where == "s3" else str(tmp_path)
    url = "https://example.org/{}"
    names = ("there.jpg", "gone.jpg", "../up.jpg", "")
    media = [medium(f"m{n}", filePath=url.format(n), fileName=name) for n, name in enumerate(names)]
    media += [medium("s", filePath="s3://bucket/x.jpg")]
    write(folder, package(media, []) | {"there.jpg": b"x", "sub/gone.jpg": b"x"})
    found = take_from(folder)
    paths = [images for (images,) in rows(found, "images")]
    assert paths == [["there.jpg"], [], [], [], ["s3://bucket/x.jpg"]]
    assert listed(found)[BY_NAME] == ["m0 (data row 1 of media.csv; https://example.org/0)"]
    assert len(listed(found)[BY_URL]) == 3


def test_pictures_are_looked_for_in_the_root_that_is_given(take, tmp_path):
    write(tmp_path / "pictures", {"1.jpg": b"x"})
    url = medium("m1", filePath="http://example.org/1", fileName="1.jpg")
    assert rows(take([url], []), "images") == [([],)]
    found = take([url], [], image_root=str(tmp_path / "pictures"))
    assert (rows(found, "images"), found.root) == ([(["1.jpg"],)], str(tmp_path / "pictures"))


FILES = package([medium("m1")], [of_medium("o1", "m1", **LION)])


@pytest.mark.parametrize("name", ["", "datapackage.json"])
@pytest.mark.parametrize("where", ["local", "s3"])
def test_a_package_is_a_folder_or_its_description(request, tmp_path, where, name):
    folder = request.getfixturevalue("bucket") if where == "s3" else str(tmp_path)
    write(folder, FILES)
    found = take_from(storage.join(folder, name))
    assert (rows(found, *CAPTURES), found.root) == ([("m1", ["m1.jpg"], "Panthera leo")], folder)


@pytest.mark.parametrize("folder", ["", "site 1/"])
@pytest.mark.parametrize("where", ["local", "s3"])
def test_a_package_may_be_zipped(request, tmp_path, where, folder):
    root = request.getfixturevalue("bucket") if where == "s3" else str(tmp_path)
    write(root, {"p.zip": zipped(FILES, folder)})
    found = take_from(storage.join(root, "p.zip"))
    assert rows(found, *CAPTURES) == [("m1", ["m1.jpg"], "Panthera leo")]
    assert found.root == storage.join(root, folder.rstrip("/"))


def test_pictures_inside_a_zip_are_listed_until_it_is_unpacked(tmp_path):
    write(tmp_path, {"p.zip": zipped(FILES | {"m1.jpg": b"x"}, "sub/")})
    found = take_from(tmp_path / "p.zip")
    assert rows(found, *CAPTURES) == [("m1", [], "Panthera leo")]
    what = "media inside the zip, where they cannot be read (left out of the pictures; unpack the "
    what += "zip and give the folder)"
    assert listed(found)[what] == ["m1 (data row 1 of media.csv; m1.jpg)"]
    elsewhere = take_from(tmp_path / "p.zip", image_root=str(tmp_path))
    assert rows(elsewhere, "images") == [(["m1.jpg"],)]
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        archive.extractall(tmp_path)
    assert rows(take_from(tmp_path / "p.zip"), "images") == [(["m1.jpg"],)]


@pytest.mark.parametrize("path", ["tables/m.csv", "m.csv.gz", ["media.csv"]])
def test_tables_lie_where_the_description_says(tmp_path, path):
    files = package([medium("m1")], [])
    described = json.loads(files["datapackage.json"])
    described["resources"][1]["path"] = path
    data = files.pop("media.csv")
    name = path[0] if isinstance(path, list) else path
    files[name] = gzip.compress(data) if name.endswith(".gz") else data
    write(tmp_path, files | {"datapackage.json": json.dumps(described).encode()})
    found = take_from(tmp_path)
    assert rows(found, "images") == [(["m1.jpg"],)]
    assert found.place_of(0) == f"data row 1 of {Path(name).name}"


def test_rows_that_end_before_their_last_columns_are_read_and_listed(tmp_path):
    files = package([medium("m1")], [])
    files["deployments.csv"] = b'deploymentID,locationID,habitat\nd1,"a\nb"\nd2,l2,wood\n'
    write(tmp_path, files)
    found = take_from(tmp_path, metadata=("location", "habitat"))
    assert rows(found, "location", "habitat") == [("a\nb", None)]
    what = "rows with fewer values than the header (the last are missing)"
    assert listed(found)[what] == ["deployments.csv (data row 1; 2 of 3 values)"]


def test_the_description_of_a_zip_is_the_one_that_lies_least_deep(tmp_path):
    inner = {f"a/old/{name}": b"{}" for name in FILES}
    write(tmp_path, {"p.zip": zipped(inner | {f"b/{name}": data for name, data in FILES.items()})})
    assert rows(take_from(tmp_path / "p.zip"), *CAPTURES) == [("m1", ["m1.jpg"], "Panthera leo")]


# --- a table in other ways than as one plain CSV ---

FOUR = [medium(f"m{number}", number, deploymentID="d1") for number in range(4)]
SEEN = [of_medium(f"o{number}", f"m{number}", **LION) for number in range(4)]


def take_described(folder: Path, media: dict, files: dict[str, bytes]) -> Inventory:
    """The package of `FOUR` and `SEEN` with another description of its media."""
    found = package(FOUR, SEEN)
    about = json.loads(found["datapackage.json"])
    (place,) = [n for n, one in enumerate(about["resources"]) if one["name"] == "media"]
    about["resources"][place] = {"name": "media"} | media
    del found["media.csv"]
    write(folder, found | files | {"datapackage.json": json.dumps(about).encode()})
    return take_from(folder)


@pytest.fixture
def plain(tmp_path: Path) -> Inventory:
    write(tmp_path / "plain", package(FOUR, SEEN))
    return take_from(tmp_path / "plain")


@pytest.mark.parametrize("header_in_each", [True, False])
@pytest.mark.parametrize("end", [b"\r\n", b"\n\n", b""])
def test_a_table_may_be_in_several_files(tmp_path, plain, header_in_each, end):
    header, *lines = table(FOUR, MEDIA).splitlines()
    first = b"\n".join([header, *lines[:1]]) + end
    second = b"\n".join([header] * header_in_each + lines[1:3]) + end
    third = gzip.compress(b"\xef\xbb\xbf" + b"\n".join([header] * header_in_each + lines[3:]))
    files = {"a.csv": first, "b/b.csv": second, "c.csv.gz": third}
    found = take_described(tmp_path / "p", {"path": list(files)}, files)
    assert found.table.equals(plain.table)
    assert found.place_of(3) == "data row 4 of a.csv (and 2 more)"


def test_a_table_may_stand_in_the_description(tmp_path, plain):
    with_gaps = [{k: v for k, v in one.items() if v} | {"exifData": None} for one in FOUR]
    as_lists = [list(FOUR[0]), *(list(one.values()) for one in FOUR)]
    for name, data in enumerate([with_gaps, as_lists, table(FOUR, MEDIA).decode()]):
        found = take_described(tmp_path / str(name), {"data": data}, {})
        assert found.table.equals(plain.table)
        assert found.place_of(3) == "data row 4 of datapackage.json (data of 'media')"


@pytest.mark.parametrize(
    ("dialect", "own"),
    [
        ({"delimiter": ",", "lineTerminator": "\r\n", "header": True, "doubleQuote": True}, {}),
        ({"delimiter": ";", "skipInitialSpace": False, "escapeChar": None}, {"delimiter": ";"}),
        ({"delimiter": "~", "quoteChar": "'"}, {"delimiter": "~", "quotechar": "'"}),
        (
            {"escapeChar": "\\", "doubleQuote": False},
            {"escapechar": "\\", "doublequote": False, "quoting": csv.QUOTE_ALL},
        ),
    ],
)
def test_a_table_may_have_a_dialect_of_its_own(tmp_path, plain, dialect, own):
    text = io.StringIO()
    columns = [*FOUR[0], "mediaComments"]
    rows = [[*one.values(), "a 'b' \"c\", d; e ~"] for one in FOUR]
    csv.writer(text, **own).writerows([columns, *rows])
    media = {"path": "media.csv", "dialect": dialect}
    found = take_described(tmp_path / "p", media, {"media.csv": text.getvalue().encode()})
    assert found.table.equals(plain.table)
