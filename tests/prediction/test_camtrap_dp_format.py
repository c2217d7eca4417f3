"""A Camtrap DP package of predictions, as others' code reads it."""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest
from frictionless import Package
from made_up_judged import A_LION, ANSWERS, ASKED, EMPTY, SPECIES, TAXONOMY, answer, judged, written

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.labels import Label
from ctc.params import InventoryParams
from ctc.prediction.formats import check_outputs, write_all
from ctc.prediction.meaning.judged import Asked
from ctc.prediction.meaning.taxonomy import read_taxonomy
from ctc.prediction.photos.captures import Captures
from ctc.prediction.photos.survey import Survey, instant, read_survey
from ctc.prediction.plan import remarks_of

DEPLOYMENTS = """\
deploymentID,locationID,locationName,latitude,longitude,deploymentStart,deploymentEnd,cameraID
d1,A,Old oak,51.5,4.75,2024-05-01T00:00:00+02:00,2024-06-01T00:00:00+02:00,7
d2,B,"Brook, north",51.25,5.5,2024-05-01T00:00:00Z,2024-05-20T12:00:00Z,
d3,B,"Brook, north",51.25,5.5,2024-05-20T12:00:00Z,2024-06-20T00:00:00Z,
"""
ABOUT = {
    "title": "Two places",
    "contributors": [{"title": "Ana", "role": "contact"}],
    "licenses": [{"name": "CC0-1.0", "scope": "data"}, {"name": "CC0-1.0", "scope": "media"}],
    "sources": [{"title": "Agouti", "version": "3"}],
    "project": {
        "title": "Meadows",
        "samplingDesign": "simpleRandom",
        "captureMethod": ["timeLapse"],
        "individualAnimals": False,
        "observationLevel": ["media"],
    },
    "resources": [{"name": "deployments", "path": "deployments.csv"}],
}


def captures(*metadata: dict[str, str], kind: str = "csv") -> Captures:
    names = sorted({name for one in metadata for name in one})
    columns = {name: pa.array([one.get(name) for one in metadata], pa.string()) for name in names}
    ids = [str(number) for number in range(len(metadata))]
    pictures = pa.array([["a.jpg"]] * len(metadata), pa.list_(pa.string()))
    table = pa.table({"capture_id": ids, "images": pictures, **columns})
    return Captures(Inventory(table, (), "x", "pictures"), kind)


OF_ANSWERS = captures({"location": "A"}, {"location": "B"})


@pytest.fixture
def deployments(tmp_path: Path) -> Path:
    path = tmp_path / "given" / "deployments.csv"
    path.parent.mkdir()
    path.write_text(DEPLOYMENTS)
    return path


@pytest.fixture
def asked(deployments: Path) -> Asked:
    """With a whole package of the survey."""
    (deployments.parent / "datapackage.json").write_text(json.dumps(ABOUT))
    return replace(ASKED, survey=read_survey(str(deployments.parent), "x", OF_ANSWERS))


def with_names(asked: Asked, tmp_path: Path) -> Asked:
    (tmp_path / "taxonomy.csv").write_text(TAXONOMY)
    return replace(asked, taxonomy=read_taxonomy(str(tmp_path / "taxonomy.csv"), asked.labels))


def rows_of(folder: Path, table: str = "observations") -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def events(folder: Path) -> dict[str, dict[str, str]]:
    rows = rows_of(folder)
    return {row["eventID"]: row for row in rows if row["observationLevel"] == "event"}


# --- by others' code ---

# The foreign keys of the standard, for where its schemas are not at hand.
KEYS = {
    "deployments": [],
    "media": [("deploymentID", "deployments")],
    "observations": [("deploymentID", "deployments"), ("mediaID", "media")],
}


def schema_of(table: str, header: list[str]) -> dict:
    """The standard's own schema where CAMTRAP_DP_SCHEMAS says where it lies, else its keys."""
    if folder := os.environ.get("CAMTRAP_DP_SCHEMAS"):
        return json.loads((Path(folder) / f"{table}-table-schema.json").read_text())
    keys = [
        {"fields": name, "reference": {"resource": other, "fields": name}}
        for name, other in KEYS[table]
    ]
    fields = [{"name": name, "type": "any"} for name in header]
    return {"fields": fields, "primaryKey": f"{table.removesuffix('s')}ID", "foreignKeys": keys}


def check(folder: Path) -> dict:
    """Validate a package with frictionless, and its description with the standard's profile."""
    about = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    local = json.loads(json.dumps(about))
    del local["profile"]
    for resource in local["resources"]:
        with (folder / resource["path"]).open(newline="", encoding="utf-8") as file:
            resource["schema"] = schema_of(resource["name"], next(csv.reader(file)))
    report = Package.from_descriptor(local, basepath=str(folder)).validate()
    assert report.valid, report.flatten(["type", "fieldName", "rowNumber", "message"])
    if schemas := os.environ.get("CAMTRAP_DP_SCHEMAS"):
        profile = json.loads((Path(schemas) / "camtrap-dp-profile.json").read_text())
        own = profile["allOf"][1] | {"$defs": profile["$defs"]}  # the others stand elsewhere
        own["properties"]["spatial"].pop("$ref")
        jsonschema.validate(about, own)
    return about


def test_frictionless_finds_nothing_wrong(tmp_path: Path, asked: Asked) -> None:
    check(written("camtrap_dp", tmp_path, asked))
    check(written("camtrap_dp", tmp_path, with_names(asked, tmp_path)))
    check(written("camtrap_dp", tmp_path, replace(asked, calibration=None), answers=()))


def test_frictionless_finds_something_wrong_in_a_damaged_one(tmp_path: Path, asked: Asked) -> None:
    folder = written("camtrap_dp", tmp_path, asked)
    text = (folder / "media.csv").read_text(encoding="utf-8")
    (folder / "media.csv").write_text(text.replace(",d1,", ",d9,", 1), encoding="utf-8")
    with pytest.raises(AssertionError, match="foreign-key"):
        check(folder)


# --- what it says ---


def test_an_event_has_what_is_said_of_the_capture(tmp_path: Path, asked: Asked) -> None:
    row = events(written("camtrap_dp", tmp_path, asked))["s1"]
    assert row["observationID"] == "s1:event"
    assert (row["deploymentID"], row["mediaID"]) == ("d1", "")
    assert (row["eventStart"], row["eventEnd"]) == ("2024-05-03T07:15:00+02:00",) * 2
    assert (row["observationType"], row["scientificName"]) == ("animal", "lion")
    assert (row["classificationMethod"], row["classifiedBy"]) == ("machine", "models:/species/3")
    assert row["classificationProbability"] == "0.900000"
    assert row["classificationTimestamp"].endswith("Z")
    assert row["observationTags"] == "accepted:true"


def test_every_picture_has_an_observation_of_its_own(tmp_path: Path, asked: Asked) -> None:
    folder = written("camtrap_dp", tmp_path, asked)
    rows = {row["observationID"]: row for row in rows_of(folder)}
    assert len(rows) == 4 + 6
    first, second = rows["s3:1"], rows["s3:2"]
    assert (first["observationType"], first["observationComments"]) == (
        "unclassified",
        "no such file",
    )
    assert (first["classificationMethod"], first["classificationProbability"]) == ("", "")
    assert second["observationType"] == "blank"
    assert second["classificationProbability"] == "0.970000"
    assert (second["scientificName"], second["eventID"]) == ("", "s3")
    media = {row["mediaID"]: row for row in rows_of(folder, "media")}
    assert media["s1:2"]["filePath"] == "s1/2.jpg"
    assert media["ö, 2:1"]["filePath"] == "süd/ö 2.jpg"
    assert media["ö, 2:1"]["fileMediatype"] == "image/jpeg"
    failed = events(folder)["s4"]
    assert (failed["observationType"], failed["observationComments"]) == (
        "unclassified", "not a picture that can be read"
    )  # fmt: skip


def test_animals_have_scientific_names_and_the_rank_of_a_group(
    tmp_path: Path, asked: Asked
) -> None:
    folder = written("camtrap_dp", tmp_path, with_names(asked, tmp_path))
    found = events(folder)
    assert found["s1"]["scientificName"] == "Panthera leo"
    assert found["ö, 2"]["scientificName"] == "Equus"
    assert found["ö, 2"]["classificationProbability"] == "0.950000"
    assert found["ö, 2"]["observationTags"] == "rank:genus | accepted:false"
    about = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    assert about["taxonomic"] == [
        {"scientificName": "Equus", "taxonRank": "genus"},
        {"scientificName": "Panthera leo", "taxonRank": "species"},
    ]


def test_other_labels_have_their_columns_or_are_tags(tmp_path: Path, asked: Asked) -> None:
    import numpy as np

    from ctc.prediction.answers import Answer

    labels = (
        SPECIES, EMPTY, Label("count", ("1", "2-5")), Label("sex", ("female", "male")),
        Label("resting", ("no", "yes|lying")),
    )  # fmt: skip
    said = {"species": A_LION, "empty": [0.1, 0.8, 0.1], "count": [0.9, 0.1]}
    said |= {"sex": [0.2, 0.8], "resting": [0.1, 0.9]}
    shares = {name: np.array([value]) for name, value in said.items()}
    one = Answer("1", shares, ("a.jpg",), (None,), {}, {"location": "A"})
    many = replace(one, capture_id="2", probabilities=shares | {"count": np.array([[0.1, 0.9]])})
    asked = replace(asked, labels=labels, calibration=None)
    found = events(written("camtrap_dp", tmp_path, asked, [one, many]))
    assert (found["1"]["count"], found["1"]["sex"]) == ("1", "male")
    assert found["1"]["observationTags"] == "count:1 | sex:male | resting:yes/lying"
    assert (found["2"]["count"], found["2"]["observationTags"][:9]) == ("", "count:2-5")


def test_humans_vehicles_and_the_unknown_have_their_type(tmp_path: Path, asked: Asked) -> None:
    empty = Label("empty", ("empty", "human", "vehicle", "Unknown"))
    labels = (empty, SPECIES)

    def said(name: str, place: int):
        shares = [0.9 if place == one else 0.1 / 3 for one in range(4)]
        one = answer(name, [A_LION], [[0, 0, 0]], location="A")
        import numpy as np

        return replace(one, probabilities=one.probabilities | {"empty": np.array([shares])})

    answers = [said(name, place) for place, name in enumerate(("b", "h", "v", "u"))]
    found = events(
        written("camtrap_dp", tmp_path, replace(asked, labels=labels, calibration=None), answers)
    )
    kinds = {name: row["observationType"] for name, row in found.items()}
    assert kinds == {"b": "blank", "h": "human", "v": "vehicle", "u": "unknown"}
    assert found["h"]["scientificName"] == ""
    assert found["h"]["classificationProbability"] == "0.900000"


def test_a_picture_without_a_time_is_marked_as_the_standard_has_it(
    tmp_path: Path, asked: Asked
) -> None:
    untimed = answer("1", [A_LION], location="A")
    timed = replace(
        answer("2", [A_LION, A_LION], location="B"),
        taken=("2024-05-03T07:15:00.25", "2024-05-03T07:15:09"),
    )
    folder = written("camtrap_dp", tmp_path, asked, [untimed, timed])
    check(folder)
    media = {row["mediaID"]: row for row in rows_of(folder, "media")}
    assert media["1:1"]["timestamp"] == "2024-05-01T00:00:00+02:00"
    assert media["1:1"]["mediaComments"] == "time not known: that of the deployment's start"
    assert (media["2:1"]["timestamp"], media["2:1"]["mediaComments"]) == (
        "2024-05-03T07:15:00Z",
        "",
    )
    issues = {row["deploymentID"]: row["timestampIssues"] for row in rows_of(folder, "deployments")}
    assert issues == {"d1": "true", "d2": "", "d3": ""}
    event = events(folder)["2"]
    assert (event["eventStart"], event["eventEnd"]) == (
        "2024-05-03T07:15:00Z", "2024-05-03T07:15:09Z"
    )  # fmt: skip


def test_paths_that_a_package_may_not_have_become_urls(tmp_path: Path, asked: Asked) -> None:
    names = ["/a b/ö.jpg", "../up.jpg", ".hidden.jpg", "s3://bucket/x..jpg", "a\\b.JPG"]
    odd = answer("1", [A_LION] * 5, images=names, location="A")
    folder = written("camtrap_dp", tmp_path, replace(asked, root="/root"), [odd])
    check(folder)
    assert [row["filePath"] for row in rows_of(folder, "media")] == [
        "file:///a%20b/%C3%B6.jpg",
        "file:///root/%2E%2E/up.jpg",
        "file:///root/.hidden.jpg",
        "s3://bucket/x%2E%2Ejpg",
        "a/b.JPG",
    ]


def test_the_package_says_what_the_survey_says_and_who_classified(
    tmp_path: Path, asked: Asked
) -> None:
    about = check(written("camtrap_dp", tmp_path, asked, allowed={"species": ("lion", "zebra")}))
    assert about["contributors"] == ABOUT["contributors"]
    assert about["project"]["samplingDesign"] == "simpleRandom"
    assert about["project"]["observationLevel"] == ["event", "media"]
    assert about["temporal"] == {"start": "2024-05-01", "end": "2024-06-20"}
    assert about["spatial"]["coordinates"][0][0] == [4.75, 51.25]
    agouti, own = about["sources"]
    assert agouti["title"] == "Agouti"
    assert (own["classifier"], own["allowedClasses"]) == (
        "models:/species/3", {"species": ["lion", "zebra"]}
    )  # fmt: skip
    assert remarks_of(asked)[0].startswith("camtrap_dp: scientificName holds the names of classes")


def test_what_nobody_has_said_is_filled_in_and_told(tmp_path: Path, deployments: Path) -> None:
    asked = replace(ASKED, survey=read_survey(str(deployments), "x", OF_ANSWERS))
    about = check(written("camtrap_dp", tmp_path, asked))
    assert about["project"]["samplingDesign"] == "opportunistic"
    (first, _) = remarks_of(asked)
    assert first == (
        "camtrap_dp: filled in, for the package does not say it: contributors, "
        "project.title=unknown, project.samplingDesign=opportunistic, "
        "project.captureMethod=['activityDetection'], project.individualAnimals=False"
    )
    assert remarks_of(ASKED) == ()


# --- where cameras stood ---


def test_a_capture_belongs_to_the_deployment_of_its_place_and_time(deployments: Path) -> None:
    survey = read_survey(str(deployments), "x", OF_ANSWERS)

    def name(metadata: dict[str, str], time: str | None = None) -> str | None:
        found = survey.deployment_of(metadata, time)
        return found and found.name

    assert name({"deployment": "d3", "location": "A"}) == "d3"
    assert name({"location": "Old oak"}) == "d1"
    assert name({"location": "B"}, "2024-05-19 08:00:00") == "d2"
    assert name({"location": "Brook, north"}, "2024-06-01T08:00:00") == "d3"
    assert name({"location": "B"}, "2025-01-01 00:00:00") == "d3"
    assert name({"location": "B"}, "2020-01-01 00:00:00") == "d2"
    assert name({"location": "B"}) == "d2"
    assert name({"location": "C"}) is None
    assert name({}) is None
    alone = Survey({"d1": survey.deployments["d1"]}, {})
    assert alone.deployment_of({}, None) == survey.deployments["d1"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-05-03 07:15:00", "2024-05-03T07:15:00+02:00"),
        ("2024-05-03T07:15:00Z", "2024-05-03T07:15:00+00:00"),
        ("2024-05-03T07:15:00-05:00", "2024-05-03T07:15:00-05:00"),
        ("2024:05:03 07:15:00", "2024-05-03T07:15:00+02:00"),
        ("2024:05:03 07:15:00+01:00", "2024-05-03T06:15:00+00:00"),
        ("03-May-2024 07:15:00", "2024-05-03T07:15:00+02:00"),
    ],
)
def test_a_time_without_a_zone_is_in_that_of_the_camera(text: str, found: str) -> None:
    from datetime import datetime

    zone = datetime.fromisoformat("2024-05-01T00:00:00+02:00").tzinfo
    assert instant(text, zone) == datetime.fromisoformat(found)
    assert instant("in spring", zone) is None
    assert instant(None, zone) is None


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({"location": "C"}, "capture '1' (location 'C') is of no deployment in"),
        ({}, "capture '1' (without location) is of no deployment in"),
    ],
)
def test_captures_of_no_deployment_are_refused(
    deployments: Path, metadata: dict[str, str], sentence: str
) -> None:
    with pytest.raises(BadInput) as refused:
        read_survey(str(deployments), "x", captures({"location": "A"}, metadata))
    assert sentence in str(refused.value)


def test_without_deployments_there_is_no_package() -> None:
    with pytest.raises(BadInput, match="when cameras stood is not known; allowed: package"):
        read_survey(None, "photos.csv", OF_ANSWERS)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("51.5,", "91,", "data row 1: found the latitude '91'; allowed: degrees from -90 to 90"),
        ("4.75,", "x,", "found the longitude 'x'; allowed: degrees from -180 to 180"),
        (
            "2024-05-01T00:00:00+02:00",
            "2024-05-01",
            "found the deploymentStart '2024-05-01'",
        ),
        ("d2,", "d1,", "data row 2: found the deploymentID 'd1'; allowed: each once"),
        ("deploymentID", "id", "has no column 'deploymentID', as Camtrap DP 1.0 has"),
    ],
)
def test_deployments_that_lack_what_the_standard_requires_are_refused(
    deployments: Path, old: str, new: str, sentence: str
) -> None:
    deployments.write_text(DEPLOYMENTS.replace(old, new, 1))
    with pytest.raises(BadInput) as refused:
        read_survey(str(deployments), "x", OF_ANSWERS)
    assert sentence in str(refused.value)


# --- from package to package ---


def test_it_is_read_back_as_a_source_of_captures(tmp_path: Path, asked: Asked) -> None:
    folder = written("camtrap_dp", tmp_path, with_names(asked, tmp_path))
    inventory = take_inventory(InventoryParams(path=str(folder), source="camtrap_dp"))
    rows = {row["capture_id"]: row for row in inventory.table.to_pylist()}
    assert {name: (row["empty"], row["species"]) for name, row in rows.items()} == {
        "s1": ("species", "Panthera leo"),
        "ö, 2": ("species", "Equus"),
        "s3": ("empty", None),
        "s4": (None, None),
    }
    assert rows["s1"]["images"] == ["s1/1.jpg", "s1/2.jpg"]
    assert (rows["s1"]["location"], rows["s3"]["location"]) == ("A", "B")


def test_deployments_and_media_are_those_of_the_package_that_captures_come_from(
    tmp_path: Path, asked: Asked
) -> None:
    first = written("camtrap_dp", tmp_path, asked)
    found = take_inventory(InventoryParams(path=str(first), source="camtrap_dp"))
    source = Captures.of(found, "camtrap_dp")
    survey = read_survey(None, str(first), source)
    again = [
        replace(one, metadata=capture.metadata)
        for one, capture in zip(ANSWERS, source, strict=True)
        if one.capture_id == capture.capture_id
    ]
    (tmp_path / "second").mkdir()
    second = written("camtrap_dp", tmp_path / "second", replace(asked, survey=survey), again)
    check(second)
    for name in ("media.csv", "deployments.csv"):
        assert (second / name).read_bytes() == (first / name).read_bytes()
    links = {row["observationID"]: row["mediaID"] for row in rows_of(second)}
    assert links["s1:2"] == "s1:2"
    about = json.loads((second / "datapackage.json").read_text(encoding="utf-8"))
    assert [one["title"] for one in about["sources"]] == ["Agouti", "ctc"]


# --- where it goes ---


def test_a_package_is_replaced_and_any_other_folder_is_not(tmp_path: Path, asked: Asked) -> None:
    folder = written("camtrap_dp", tmp_path, asked)
    check_outputs({"camtrap_dp": str(folder)}, asked)
    written("camtrap_dp", tmp_path, asked, ANSWERS[:1])
    assert len(rows_of(folder)) == 3
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="exists and holds more than predictions; name a new one"):
        check_outputs({"camtrap_dp": str(folder)}, asked)
    with pytest.raises(BadInput, match="holds more than predictions"):
        check_outputs({"camtrap_dp": str(tmp_path / "given")}, asked)
    (tmp_path / "empty").mkdir()
    check_outputs({"camtrap_dp": str(tmp_path / "empty")}, asked)


def test_what_breaks_off_leaves_nothing(tmp_path: Path, asked: Asked) -> None:
    def broken():
        yield judged(asked)[0]
        raise RuntimeError("power cut")

    before = set(tmp_path.iterdir())
    with pytest.raises(RuntimeError, match="power cut"):
        list(write_all(broken(), {"camtrap_dp": str(tmp_path / "out")}, asked))
    assert set(tmp_path.iterdir()) == before


def test_a_package_in_a_store(bucket: str, asked: Asked) -> None:
    uri = f"{bucket}/package"
    assert len(list(write_all(judged(asked), {"camtrap_dp": uri}, asked))) == 4
    assert set(storage.list_files(uri)) == {
        "datapackage.json", "deployments.csv", "media.csv", "observations.csv"
    }  # fmt: skip
    check_outputs({"camtrap_dp": uri}, asked)
    pictures = f"{bucket}/pictures"
    storage.write_bytes(f"{pictures}/1.jpg", b"mine")
    storage.write_bytes(f"{uri}/notes.txt", b"mine")
    for other in (pictures, bucket):
        with pytest.raises(BadInput, match="holds more than predictions"):
            check_outputs({"camtrap_dp": other}, asked)
    with pytest.raises(BadInput, match="holds more than predictions"):
        check_outputs({"camtrap_dp": uri}, asked)
