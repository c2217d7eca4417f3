"""Documents and packages that cannot be used: one sentence each, and exit code 2."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from ctc.inventory.sources import take_inventory
from ctc.params import InventoryParams
from entrypoints.command import step_command


@step_command(InventoryParams)
def inventory(params: InventoryParams) -> None:
    """What the entry point does first."""
    take_inventory(params)


def refusal(source: str, path: Path) -> str:
    """What the command says before it ends with 2, its path as P."""
    result = CliRunner().invoke(inventory, ["--source", source, "--path", str(path)])
    assert result.exit_code == 2, result.exception or result.output
    assert result.output.startswith("Error: ")
    (sentence,) = result.output.splitlines()
    return sentence.removeprefix("Error: ").replace(str(path), "P")


DOCUMENTS = ("json", "coco", "megadetector")


@pytest.mark.parametrize("source", DOCUMENTS)
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "'P' is empty; a JSON file is allowed"),
        (b" \n", "'P' is empty; a JSON file is allowed"),
        (b"capture_id,dir\na,1\n", "'P' is not JSON: expecting value at line 1, column 1"),
        (b'{"images": [', "'P' is not JSON: expecting value at line 1, column 13"),
        (b'{"a": 1} {}', "'P' is not JSON: extra data at line 1, column 10"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "'P' is not JSON: its bytes are not text in UTF-8"),
        (b"[]", "'P': found a list; allowed: a JSON object"),
        (b"null", "'P': found null; allowed: a JSON object"),
        (b'"text"', "'P': found a text; allowed: a JSON object"),
        (b"[" * 100_000, "'P' cannot be read as JSON: "),
    ],
    ids=range(10),
)
def test_what_is_no_json_object_is_refused(tmp_path, source, content, sentence):
    path = tmp_path / "d.json"
    path.write_bytes(content)
    assert refusal(source, path).startswith(sentence)


@pytest.mark.parametrize("source", DOCUMENTS)
def test_a_document_that_is_not_there_or_a_folder_is_refused(tmp_path, source):
    assert refusal(source, tmp_path / "none.json") == "no file at 'P'"
    assert refusal(source, tmp_path) == "'P' is a folder; a JSON file is allowed"


@pytest.mark.parametrize(("source", "empty"), [
    ("json", {}),
    ("coco", {"images": [], "annotations": [], "categories": []}),
    ("megadetector", {"images": [], "detection_categories": {"1": "animal"}}),
])  # fmt: skip
def test_a_document_without_captures_is_refused(tmp_path, source, empty):
    path = tmp_path / "d.json"
    path.write_text(json.dumps(empty))
    assert refusal(source, path) == "'P' holds no captures"


def nested(key: str, value: object) -> dict:
    """A capture with one other key."""
    return {"images": "1.jpg", "labels": {"species": "cat"}} | {key: value}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"a": [1]}, "capture 'a': found a list; allowed: an object that has both"),
        ({"a": None}, "capture 'a': found null; allowed: an object that has both"),
        (
            {"a": {"images": []}},
            "capture 'a': found no 'images' and 'labels'; allowed: an object that has both",
        ),
        ({"": nested("x", 1)}, "capture 1: found no name; allowed: a name for each capture"),
        (
            {"a": nested("images", {"1": "x"})},
            "capture 'a': found an object as 'images'; allowed: a path or a list of them",
        ),
        (
            {"a": nested("images", ["1", None])},
            "capture 'a': found a list of other than texts as 'images'; allowed: a path or a "
            "list of them",
        ),
        (
            {"a": nested("labels", "cat")},
            "capture 'a': found a text among 'labels'; allowed: an object of labels",
        ),
        (
            {"a": nested("labels", [{"species": "cat"}, "dog"])},
            "capture 'a': found a text among 'labels'; allowed: an object of labels",
        ),
        (
            {"a": nested("labels", {"species": {"cat": 1}})},
            "capture 'a', label 'species': found an object; allowed: one text or number",
        ),
        (
            {"a": nested("labels", {"species": ["cat", "dog", "cow"], "count": ["1", "2"]})},
            "capture 'a': found 2 values of 'count' and 3 of another label; allowed: as many of "
            "each, or one",
        ),
        (
            {"a": nested("meta_data", "north")},
            "capture 'a': found a text as 'meta_data'; allowed: an object",
        ),
        (
            {"a": nested("meta_data", {"location": {"x": 1}})},
            "capture 'a', 'location': found an object; allowed: one text or number",
        ),
    ],
)
def test_a_bad_inventory_of_the_2019_tool_is_refused(tmp_path, content, sentence):
    path = tmp_path / "i.json"
    path.write_text(json.dumps(content))
    assert refusal("json", path) == f"'P', {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "'P' cannot be read as JSON: 'a' stands twice in one object"),
        (
            '{"a": {"images": "1", "labels": {"species": "\\ud83d"}}}',
            "'P' holds text that is not Unicode: '\\ud83d'",
        ),
        (
            '{"a": {"images": "1", "labels": []}}',
            "'P' holds no label of any capture; at least one is needed",
        ),
        (
            '{"a": {"images": "1", "labels": {"a/b": "1"}}}',
            "label 'a/b': a label's name starts with a letter or digit and holds letters, digits, "
            "'_', '-' and '.' only; rename the column",
        ),
        (
            '{"a": {"images": "1", "labels": {"images": "1"}}}',
            "column 'images' cannot be kept: each of labels and metadata stands once, and none is "
            "called capture_id or images",
        ),
    ],
)
def test_a_text_that_no_inventory_can_hold_is_refused(tmp_path, text, sentence):
    path = tmp_path / "i.json"
    path.write_text(text)
    assert refusal("json", path) == sentence


COCO = {
    "images": [{"id": 1, "file_name": "1.jpg"}, {"id": 2, "file_name": "2.jpg"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 7}],
    "categories": [{"id": 7, "name": "cat"}],
}


def with_(content: dict, name: str, number: int, /, **fields: object) -> dict:
    """A copy with other fields in one object of a list; ... takes a field away."""
    copy = json.loads(json.dumps(content))
    one = copy[name][number]
    one |= {key: value for key, value in fields.items() if value is not ...}
    for key in [key for key, value in fields.items() if value is ...]:
        del one[key]
    return copy


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "'P': found no 'images'; allowed: a list"),
        ({"images": []}, "'P': found no 'annotations'; allowed: a list"),
        (COCO | {"images": {}}, "'P': found an object as 'images'; allowed: a list"),
        (COCO | {"categories": None}, "'P': found null as 'categories'; allowed: a list"),
        (COCO | {"images": ["1.jpg"]}, "'P', images[0]: found a text; allowed: an object"),
        (COCO | {"annotations": [None]}, "'P', annotations[0]: found null; allowed: an object"),
        (
            with_(COCO, "images", 1, id=...),
            "'P', images[1]: found no 'id'; allowed: a text or a number",
        ),
        (
            with_(COCO, "images", 1, id=[2]),
            "'P', images[1]: found a list as 'id'; allowed: a text or a number",
        ),
        (
            with_(COCO, "images", 1, id="1"),
            "'P', images[1]: the id '1' is that of images[0] too; allowed: each id once",
        ),
        (
            with_(COCO, "images", 1, file_name=...),
            "'P', images[1]: found no 'file_name'; allowed: a text or a number",
        ),
        (
            with_(COCO, "images", 0, file_name=""),
            "'P', images[0]: found an empty text as 'file_name'; allowed: a text or a number",
        ),
        (
            with_(with_(COCO, "images", 0, location="n"), "images", 1, location={"x": 1}),
            "'P', images[1], 'location': found an object; allowed: one text or number",
        ),
        (
            with_(COCO, "annotations", 0, image_id=...),
            "'P', annotations[0]: found no 'image_id'; allowed: a text or a number",
        ),
        (
            with_(COCO, "annotations", 0, image_id=3),
            "'P', annotations[0]: no image has the id '3'; allowed: those that do",
        ),
        (
            with_(COCO, "annotations", 0, category_id=8),
            "'P', annotations[0]: no category has the id '8'; allowed: 7",
        ),
        (
            with_(COCO, "annotations", 0, category_id=None),
            "'P', annotations[0]: found null as 'category_id'; allowed: a text or a number",
        ),
        (
            with_(COCO, "categories", 0, name=...),
            "'P', categories[0]: found no 'name'; allowed: a text or a number",
        ),
        (
            COCO | {"categories": COCO["categories"] * 2},
            "'P', categories[1]: the id '7' is that of categories[0] too; allowed: each id once",
        ),
    ],
)
def test_bad_annotations_are_refused(tmp_path, content, sentence):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(content))
    assert refusal("coco", path) == sentence


MD = {
    "info": {"format_version": "1.4"},
    "detection_categories": {"1": "animal"},
    "images": [{"file": "1.jpg", "detections": [{"category": "1", "conf": 0.9}]}],
}


def detecting(*detections: object) -> dict:
    return MD | {"images": [{"file": "1.jpg", "detections": [*detections]}]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "'P': found no 'images'; allowed: a list"),
        (COCO, "'P' has no 'detection_categories'; allowed: results of MegaDetector"),
        (
            MD | {"detection_categories": ["animal"]},
            "'P', 'detection_categories': found a list; allowed: an object",
        ),
        (
            MD | {"detection_categories": {"1": None}},
            "'P', detection_categories: found null as '1'; allowed: a text or a number",
        ),
        (MD | {"info": "1.4"}, "'P', 'info': found a text; allowed: an object"),
        (
            MD | {"info": {"detector_metadata": {"typical_detection_threshold": "high"}}},
            "'P', info, 'typical_detection_threshold': found a text; allowed: a number from 0 to 1",
        ),
        (
            MD | {"info": {"detector_metadata": {"typical_detection_threshold": 20}}},
            "'P', info, 'typical_detection_threshold': found 20; allowed: a number from 0 to 1",
        ),
        (MD | {"images": [1]}, "'P', images[0]: found a number; allowed: an object"),
        (
            MD | {"images": [{"detections": []}]},
            "'P', images[0]: found no 'file'; allowed: a text or a number",
        ),
        (
            MD | {"images": [{"file": "a/1"}, {"file": "a\\1"}]},
            "'P', images[1]: 'a/1' is images[0] too; allowed: each file once",
        ),
        (
            MD | {"images": [{"file": "1", "detections": {}}]},
            "'P', images[0]: found an object as 'detections'; allowed: a list",
        ),
        (
            detecting([]),
            "'P', images[0].detections[0]: found no 'conf'; allowed: an object that has it",
        ),
        (
            detecting({"category": "1", "confidence": 0.9}),
            "'P', images[0].detections[0]: found no 'conf'; allowed: an object that has it",
        ),
        (
            detecting({"category": "1", "conf": "0.9"}),
            "'P', images[0].detections[0]: found a text; allowed: a number from 0 to 1",
        ),
        (
            detecting({"category": "1", "conf": 0.9}, {"conf": 0.9}),
            "'P', images[0].detections[1]: found no 'category'; allowed: a text or a number",
        ),
    ],
)
def test_bad_results_of_megadetector_are_refused(tmp_path, content, sentence):
    path = tmp_path / "md.json"
    path.write_text(json.dumps(content))
    assert refusal("megadetector", path) == sentence


@pytest.mark.parametrize("source", ["coco", "megadetector"])
def test_paths_that_climb_out_of_the_root_are_refused_with_their_place(tmp_path, source):
    path = tmp_path / "d.json"
    content = {"coco": with_(COCO, "images", 1, file_name="a/../../2.jpg")}
    content["megadetector"] = with_(MD, "images", 0, file="a\\..\\..\\2.jpg")
    path.write_text(json.dumps(content[source]))
    place = "images[1]" if source == "coco" else "images[0]"
    assert refusal(source, path).startswith(f"'P', {place}: picture 'a/../../2.jpg' climbs out")


TABLES = {
    "deployments.csv": "deploymentID,locationID\nd1,l1\n",
    "media.csv": "mediaID,deploymentID,timestamp,filePath\n"
    "m1,d1,2020-05-30T04:57:37Z,1.jpg\nm2,d1,2020-05-30T04:57:38Z,2.jpg\n",
    "observations.csv": "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,"
    "observationLevel,observationType\n"
    "o1,d1,,e1,2020-05-30T04:57:37Z,2020-05-30T04:57:38Z,event,animal\n"
    "o2,d1,m1,e1,2020-05-30T04:57:37Z,2020-05-30T04:57:37Z,media,animal\n",
}
RESOURCES = [{"name": name.removesuffix(".csv"), "path": name} for name in TABLES]
PACKAGE = TABLES | {"datapackage.json": json.dumps({"resources": RESOURCES})}


def replaced(file: str, old: str, new: str) -> dict[str, str]:
    assert old in PACKAGE[file]
    return PACKAGE | {file: PACKAGE[file].replace(old, new, 1)}


def described(number: int, /, **fields: object) -> dict[str, str]:
    """The package with another description of one resource."""
    resources = with_({"resources": RESOURCES}, "resources", number, **fields)
    return PACKAGE | {"datapackage.json": json.dumps(resources)}


def without(file: str) -> dict[str, str]:
    return {name: text for name, text in PACKAGE.items() if name != file}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (without("datapackage.json"), "no file at 'P/datapackage.json'"),
        (PACKAGE | {"datapackage.json": "{"}, "'P/datapackage.json' is not JSON: expecting"),
        (
            PACKAGE | {"datapackage.json": "{}"},
            "'P/datapackage.json': found no 'resources'; allowed: a list",
        ),
        (
            PACKAGE | {"datapackage.json": json.dumps({"resources": RESOURCES[:1]})},
            "'P/datapackage.json' has the resource 'media' nowhere; it has: deployments",
        ),
        (
            described(2, name="media"),
            "'P/datapackage.json' has the resource 'media' twice; it has: deployments, media",
        ),
        (
            described(1, path=...),
            "'P/datapackage.json', resource 'media': found no 'path'; allowed: the path of a CSV",
        ),
        (
            described(1, path=["media.csv", "more.csv"]),
            "'P/datapackage.json', resource 'media': there is no file 'more.csv'; allowed: a file",
        ),
        (
            described(1, path=[]),
            "'P/datapackage.json', resource 'media': found a list as 'path'; allowed: the path of",
        ),
        (
            described(1, path=["media.csv", 7]),
            "'P/datapackage.json', resource 'media': found a list as 'path'; allowed: the path of",
        ),
        (
            described(1, path=["media.csv", "../more.csv"]),
            "'P/datapackage.json', resource 'media': found the path '../more.csv'; allowed: a path",
        ),
        (
            described(1, path=..., data={"mediaID": ["m1"]}),
            "'P/datapackage.json', resource 'media': found an object as 'data'; allowed: rows, all",
        ),
        (
            described(1, path=..., data=[["mediaID"], {"mediaID": "m1"}]),
            "'P/datapackage.json', resource 'media': found a list as 'data'; allowed: rows, all",
        ),
        (
            described(1, path=..., data=["m1", "m2"]),
            "'P/datapackage.json', resource 'media': found a text as a row; allowed: an object or",
        ),
        (
            described(1, path=..., data=[{"mediaID": ["m1"]}]),
            "'P/datapackage.json', resource 'media': found a list as a value; allowed: a text or",
        ),
        (
            described(1, path=..., data=[{"mediaID": "m1"}]),
            "'P/datapackage.json (data of 'media')' has no column 'deploymentID', as Camtrap DP",
        ),
        (
            described(1, dialect="dialect.json"),
            "'P/datapackage.json', resource 'media': found a text as 'dialect'; allowed: an object",
        ),
        (
            described(1, dialect={"header": False}),
            "'P/datapackage.json', resource 'media': found header='false' in the dialect; allowed:",
        ),
        (
            described(1, dialect={"commentChar": "#"}),
            "'P/datapackage.json', resource 'media': found commentChar='#' in the dialect; ",
        ),
        (
            described(1, dialect={"delimiter": ";;"}),
            "'P/datapackage.json', resource 'media': its dialect does not fit: \"delimiter\" must",
        ),
        (
            described(1, path="../media.csv"),
            "'P/datapackage.json', resource 'media': found the path '../media.csv'; allowed: a",
        ),
        (
            described(1, path="/etc/passwd"),
            "'P/datapackage.json', resource 'media': found the path '/etc/passwd'; allowed: a path",
        ),
        (
            described(1, path="https://example.org/media.csv"),
            "'P/datapackage.json', resource 'media': found the path 'https://example.org/media.csv'",
        ),
        (
            without("media.csv"),
            "'P/datapackage.json', resource 'media': there is no file 'media.csv'; allowed: a file",
        ),
        (
            described(1, path="media.csv.gz") | {"media.csv.gz": "mediaID\n"},
            "'P/datapackage.json', resource 'media': 'media.csv.gz' cannot be read: not a gzipped",
        ),
        (
            described(1, encoding="utf-99"),
            "'P/datapackage.json', resource 'media': found the encoding 'utf-99'; allowed: one",
        ),
        (PACKAGE | {"media.csv": ""}, "'P/media.csv': found no header; allowed: a header of"),
        (PACKAGE | {"media.csv": "\x00\x01\x02"}, "'P/media.csv' holds zero bytes"),
        (
            replaced("media.csv", "filePath", "path"),
            "'P/media.csv' has no column 'filePath', as Camtrap DP 1.0 has; it has: mediaID, deplo",
        ),
        (
            replaced("observations.csv", "observationLevel", "level"),
            "'P/observations.csv' has no column 'observationLevel', as Camtrap DP 1.0 has; it has:",
        ),
        (
            replaced("media.csv", "2.jpg", "2.jpg,more"),
            "'P/media.csv': data row 2 has 5 values; allowed: 4, as the header has",
        ),
        (
            replaced("media.csv", "m2,", ","),
            "'P/media.csv', data row 2: found no mediaID; allowed: one in each row",
        ),
        (
            replaced("media.csv", "m2,", "m1,"),
            "'P/media.csv', data row 2: the mediaID 'm1' is that of data row 1 too; allowed: each",
        ),
        (
            replaced("media.csv", "m2,d1", "m2,d9"),
            "'P/media.csv', data row 2: found the deploymentID 'd9', which no row of its table",
        ),
        (
            replaced("observations.csv", "o2,d1,m1", "o2,d1,m9"),
            "'P/observations.csv', data row 2: found the mediaID 'm9', which no row of its table",
        ),
        (
            replaced("observations.csv", "o2,d1,m1", "o2,d1,"),
            "'P/observations.csv', data row 2: found no mediaID; allowed: one at the level",
        ),
        (
            replaced("observations.csv", "o2,", "o1,"),
            "'P/observations.csv', data row 2: the observationID 'o1' is that of data row 1 too;",
        ),
        (
            replaced("observations.csv", ",event,", ",sequence,"),
            "'P/observations.csv', data row 1: found the observationLevel 'sequence'; allowed: ",
        ),
        (
            replaced("observations.csv", ",event,animal", ",event,beast"),
            "'P/observations.csv', data row 1: found the observationType 'beast'; allowed: blank",
        ),
        (
            replaced("observations.csv", "e1,2020-05-30T04:57:37Z", "e1,30/05/2020"),
            "'P/observations.csv', data row 1: found the eventStart '30/05/2020'; allowed: a time",
        ),
        (
            replaced("observations.csv", "2020-05-30T04:57:38Z,event", ",event"),
            "'P/observations.csv', data row 1: found the eventEnd ''; allowed: a time such as 2020",
        ),
        (
            replaced("media.csv", "2020-05-30T04:57:38Z", "yesterday"),
            "'P/media.csv', data row 2: found the timestamp 'yesterday'; allowed: a time such",
        ),
        (
            replaced("media.csv", "2.jpg", "../2.jpg"),
            "'P', data row 1 of media.csv: picture '../2.jpg' climbs out of the image root",
        ),
        (
            PACKAGE | {"media.csv": PACKAGE["media.csv"].split("\n")[0] + "\n"}
            | {"observations.csv": PACKAGE["observations.csv"].split("\n")[0] + "\n"},
            "'P' holds no captures",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_bad_packages_are_refused(tmp_path, files, sentence, form):
    path = tmp_path / "p.zip" if form == "zip" else tmp_path / "p"
    if form == "zip":
        path.write_bytes(zipped(files))
        sentence = sentence.replace("no file at 'P/datapackage.json'", "'P' holds no datapackage")
    else:
        for name, text in files.items():
            path.mkdir(exist_ok=True)
            (path / name).write_text(text)
    assert refusal("camtrap_dp", path).startswith(sentence)


def zipped(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


def damaged(data: bytes, within: bytes) -> bytes:
    """Turn bytes of one member, behind its name, into others."""
    place = data.index(within) + len(within)
    return data[:place] + b"\xff" * 20 + data[place + 20 :]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "'P' is no data package; allowed: a folder, its datapackage.json or a zip of it"),
        (b"PK\x03\x04 cut", "'P' is no data package; allowed: a folder, its datapackage.json or"),
        (zipped(PACKAGE)[:-30], "'P' is no data package; allowed: a folder, its datapackage.json"),
        (zipped({}), "'P' holds no datapackage.json; allowed: the zip of a data package"),
        (
            damaged(zipped(PACKAGE), b"datapackage.json"),
            "'P': datapackage.json cannot be read: ",
        ),
        (
            damaged(zipped(PACKAGE), b"media.csv"),
            "'P/datapackage.json', resource 'media': 'media.csv' cannot be read: ",
        ),
    ],
    ids=range(6),
)
def test_broken_zips_are_refused(tmp_path, data, sentence):
    path = tmp_path / "p.zip"
    path.write_bytes(data)
    assert refusal("camtrap_dp", path).startswith(sentence)


def test_a_package_that_is_not_there_is_refused(tmp_path):
    assert refusal("camtrap_dp", tmp_path / "none.zip") == "no package at 'P'"
    assert refusal("camtrap_dp", tmp_path / "none.json") == "no file at 'P'"
