"""Tables and JSON of predictions, and where each goes."""

import ast
import csv
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_up_judged import A_LION, ASKED, SPECIES, TAXONOMY, answer, judged, written

from ctc.errors import BadInput
from ctc.params import judging
from ctc.prediction.formats import FORMATS, check_outputs, outputs_of, write_all
from ctc.prediction.formats.writing import whole_folder
from ctc.prediction.meaning.taxonomy import read_taxonomy

OF_2019 = ["id", "label", "prediction_top", "confidence_top", "predictions_all"]
OWN = [
    "capture_id", "prediction", "confidence", "accepted", "probabilities", "images", "failure",
    "location", "timestamp",
]  # fmt: skip


@pytest.fixture
def taxonomy(tmp_path: Path):
    (tmp_path / "taxonomy.csv").write_text(TAXONOMY)
    return read_taxonomy(str(tmp_path / "taxonomy.csv"), ASKED.labels)


def rows_of(path: Path, label: str = "species") -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file) if row["label"] == label}


def test_the_formats_are_those_that_the_parameter_names() -> None:
    assert tuple(FORMATS) == judging.FORMATS


# --- csv ---


def test_a_csv_has_the_columns_of_2019_first_and_ours_behind_them(tmp_path: Path) -> None:
    path = written("csv", tmp_path)
    table = pd.read_csv(path)
    assert list(table.columns) == [*OF_2019, *OWN]
    assert list(table["id"]) == [one for one in ("s1", "ö, 2", "s3", "s4") for _ in range(2)]
    assert (table["id"] == table["capture_id"]).all()
    assert list(table["label"][:2]) == ["empty", "species"]
    assert b"\r" not in path.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_what_the_2019_tool_wrote_is_read_as_its_users_read_it(tmp_path: Path) -> None:
    row = rows_of(written("csv", tmp_path))["s1"]
    assert (row["prediction_top"], row["confidence_top"]) == ("lion", "0.9000")
    shares = ast.literal_eval(row["predictions_all"])
    assert shares == {
        "lion": "0.9000",
        "zebra": "0.0400",
        "plains zebra": "0.0300",
        "ostrich": "0.0300",
    }


def test_our_columns_say_what_they_said_before(tmp_path: Path) -> None:
    rows = rows_of(written("csv", tmp_path))
    row = rows["s1"]
    assert (row["capture_id"], row["prediction"], row["confidence"]) == ("s1", "lion", "0.900000")
    assert (row["accepted"], row["images"], row["failure"]) == ("True", "2", "")
    assert json.loads(row["probabilities"])["lion"] == 0.9
    assert (row["location"], row["timestamp"]) == ("A", "2024-05-03 07:15:00")
    assert (rows["s3"]["images"], rows["s3"]["failure"]) == ("1", "no such file")
    assert rows["ö, 2"]["accepted"] == "False"


def test_a_capture_that_failed_is_a_row(tmp_path: Path) -> None:
    row = rows_of(written("csv", tmp_path))["s4"]
    assert [row[name] for name in OF_2019] == ["s4", "species", "", "", "{}"]
    assert (row["prediction"], row["probabilities"], row["images"]) == ("", "{}", "0")
    assert row["failure"] == "not a picture that can be read"


def test_columns_of_what_is_not_known_are_left_out_and_taken_names_are_prefixed(
    tmp_path: Path,
) -> None:
    bare = pd.read_csv(written("csv", tmp_path, calibration=None, metadata=()))
    assert list(bare.columns) == [*OF_2019, *OWN[:3], *OWN[4:7]]
    known = answer("1", [A_LION], id="x", survey="y")
    other = written("csv", tmp_path, replace(ASKED, metadata=("survey", "id")), [known])
    assert list(pd.read_csv(other).columns)[-2:] == ["metadata.id", "survey"]
    assert list(pd.read_csv(other).iloc[0, -2:]) == ["x", "y"]


def test_a_csv_says_what_was_left_out_and_what_was_rolled_up(tmp_path: Path, taxonomy) -> None:
    few = {"species": ("lion", "zebra", "plains zebra")}
    path = written("csv", tmp_path, replace(ASKED, allowed=few, taxonomy=taxonomy))
    names = list(pd.read_csv(path).columns)
    assert names[5:12] == [
        "capture_id", "prediction", "confidence", "rank", "accepted", "probabilities",
        "allowed_share",
    ]  # fmt: skip
    row = rows_of(path)["ö, 2"]
    assert (row["prediction"], row["rank"], row["accepted"]) == ("Equus", "genus", "False")
    assert (row["prediction_top"], row["confidence_top"]) == ("plains zebra", "0.5155")
    assert float(row["confidence"]) == pytest.approx(0.95 / 0.97, abs=1e-6)
    assert float(row["allowed_share"]) == pytest.approx(0.97)
    assert "ostrich" not in json.loads(row["probabilities"])
    of_empty = rows_of(path, "empty")["ö, 2"]
    assert (of_empty["allowed_share"], of_empty["rank"]) == ("", "")


# --- json ---


def test_json_nests_the_pictures_of_a_capture_as_in_2019(tmp_path: Path) -> None:
    path = written("json", tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert list(content) == ["s1", "ö, 2", "s3", "s4"]
    one = content["s1"]
    assert [image["path"] for image in one["images"]] == ["s1/1.jpg", "s1/2.jpg"]
    assert one["images"][0]["predictions"]["species"]["lion"] == "0.9000"
    assert one["aggregated_pred"]["empty"] == {
        "empty": "0.0500",
        "species": "0.9000",
        "human": "0.0500",
    }
    assert one["predictions_top"] == {"empty": "species", "species": "lion"}
    assert one["confidences_top"]["species"] == "0.9000"
    assert one["meta_data"] == {"location": "A", "timestamp": "2024-05-03 07:15:00"}
    assert one["predictions"]["species"] == {
        "prediction": "lion", "confidence": 0.9, "accepted": True
    }  # fmt: skip
    assert "failure" not in one
    assert len(path.read_text(encoding="utf-8").splitlines()) == 6  # a line a capture
    assert "süd/ö 2.jpg" in path.read_text(encoding="utf-8")


def test_json_says_which_picture_failed(tmp_path: Path) -> None:
    content = json.loads(written("json", tmp_path).read_text(encoding="utf-8"))
    bad, good = content["s3"]["images"]
    assert bad == {"path": "s3/1.jpg", "predictions": {}, "failure": "no such file"}
    assert "failure" not in good
    failed = content["s4"]
    assert failed["failure"] == "not a picture that can be read"
    assert failed["aggregated_pred"] == failed["predictions_top"] == {}
    assert failed["predictions"]["species"]["prediction"] is None


def test_json_of_nothing_is_json(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert list(write_all(iter(()), {"json": str(path)}, ASKED)) == []
    assert json.loads(path.read_text()) == {}
    check_outputs({"json": str(path)}, ASKED)


# --- parquet ---


def test_parquet_has_a_type_for_every_column(tmp_path: Path) -> None:
    table = pq.read_table(written("parquet", tmp_path))
    rows = {row["capture_id"]: row for row in table.to_pylist() if row["label"] == "species"}
    assert list(rows) == ["s1", "ö, 2", "s3", "s4"]
    row = rows["s1"]
    assert (row["prediction"], row["accepted"], row["images"]) == ("lion", True, 2)
    assert dict(row["probabilities"]) == pytest.approx(
        {"lion": 0.9, "zebra": 0.04, "plains zebra": 0.03, "ostrich": 0.03}
    )
    assert (row["files"], row["location"]) == (["s1/1.jpg", "s1/2.jpg"], "A")
    assert (rows["s4"]["prediction"], rows["s4"]["confidence"]) == (None, None)
    about = json.loads(table.schema.metadata[b"ctc.predictions"])
    assert about["model"] == "models:/species/3"
    assert about["classes"]["species"] == list(SPECIES.classes)


def test_parquet_keeps_metadata_that_is_named_as_its_own_columns(tmp_path: Path) -> None:
    one = answer("1", [A_LION], files="3", confidence="high")
    asked = replace(ASKED, metadata=("files", "confidence"))
    row = pq.read_table(written("parquet", tmp_path, asked, [one])).to_pylist()[1]
    assert (row["files"], row["metadata.files"]) == (["1/1.jpg"], "3")
    assert (row["confidence"], row["metadata.confidence"]) == (pytest.approx(0.9), "high")


def test_parquet_is_written_as_rows_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctc.prediction.formats.parquet.ROWS", 4)
    path = written("parquet", tmp_path)
    assert pq.ParquetFile(path).num_row_groups == 2
    assert pq.read_table(path).num_rows == 8


# --- where each goes ---


@pytest.mark.parametrize(
    ("formats", "output", "found"),
    [
        (["csv"], "data/out.csv", ["data/out.csv"]),
        (["csv"], "OUT.CSV", ["OUT.CSV"]),
        (["csv"], "s3://bucket/out", ["s3://bucket/out.csv"]),
        (["csv"], "a.b/out.v2", ["a.b/out.v2.csv"]),
        (["parquet"], "data/out.csv", ["data/out.parquet"]),
        (["parquet", "csv"], "out.csv", ["out.parquet", "out.csv"]),
        (["json", "csv"], "out.json", ["out.json", "out.csv"]),
        (["megadetector"], "out.json", ["out.json"]),
        (["json", "megadetector"], "out.json", ["out.json", "out.megadetector.json"]),
        (["camtrap_dp"], "data/package/", ["data/package"]),
        (["camtrap_dp", "folders"], "out.csv", ["out_camtrap_dp", "out_folders"]),
    ],
)
def test_each_format_has_the_name_of_the_output_with_its_ending(
    formats: list[str], output: str, found: list[str]
) -> None:
    assert list(outputs_of(formats, output).values()) == found


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(BadInput, match="unknown format 'xlsx'; allowed: csv, json, parquet"):
        outputs_of(["csv", "xlsx"], "out.csv")
    with pytest.raises(BadInput, match="no format given; allowed: csv"):
        outputs_of([], "out.csv")


STRANGERS = {
    "csv": "capture_id,dir\n1,a.jpg\n",
    "json": '{"1": {"images": ["a.jpg"], "labels": {}}}',
    "parquet": "no parquet",
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_what_was_predicted_is_replaced_and_anything_else_is_not(tmp_path: Path, kind: str) -> None:
    path = written(kind, tmp_path)
    before = path.read_bytes()
    check_outputs({kind: str(path)}, ASKED)
    written(kind, tmp_path)
    assert path.read_bytes() == before
    path.write_text(STRANGERS[kind])
    with pytest.raises(BadInput, match="exists and holds no predictions; name a new one"):
        check_outputs({kind: str(path)}, ASKED)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match="output: found the folder"):
        check_outputs({kind: str(path)}, ASKED)


def test_a_table_of_before_there_were_formats_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("capture_id,label,prediction,confidence\n")
    check_outputs({"csv": str(path)}, ASKED)


def test_a_table_in_a_store_is_written_and_looked_at(bucket: str) -> None:
    from ctc import storage

    outputs = outputs_of(["csv"], f"{bucket}/out")
    check_outputs(outputs, ASKED)
    assert len(list(write_all(iter(judged()), outputs, ASKED))) == 4
    assert storage.read_bytes(f"{bucket}/out.csv").startswith(b"id,label,prediction_top,")
    check_outputs(outputs, ASKED)
    storage.write_bytes(f"{bucket}/out.csv", b"something else")
    with pytest.raises(BadInput, match="holds no predictions"):
        check_outputs(outputs, ASKED)


ALONE = [kind for kind in FORMATS if kind != "camtrap_dp"]  # that one needs a survey


@pytest.mark.parametrize("kind", ALONE)
def test_what_breaks_off_leaves_nothing_and_keeps_what_was_there(tmp_path: Path, kind: str) -> None:
    def broken():
        yield judged()[0]
        raise RuntimeError("power cut")

    path = str(tmp_path / f"out{FORMATS[kind].ending}")
    with pytest.raises(RuntimeError, match="power cut"):
        list(write_all(broken(), {kind: path}, ASKED))
    assert list(tmp_path.iterdir()) == []


def test_several_formats_are_written_from_one_stream(tmp_path: Path) -> None:
    outputs = outputs_of(ALONE, str(tmp_path / "out.csv"))
    stream = iter(judged())
    assert len(list(write_all(stream, outputs, ASKED))) == 4
    assert {Path(uri).name for uri in outputs.values()} == {one.name for one in tmp_path.iterdir()}


@pytest.mark.parametrize("new", [False, True])
def test_a_former_folder_is_there_again_after_a_run_that_was_killed_while_replacing_it(
    tmp_path: Path, new: bool
) -> None:
    target, aside = tmp_path / "out", tmp_path / ".out.former"
    aside.mkdir()
    (aside / "list").write_text("former")
    if new:
        target.mkdir()
        (target / "list").write_text("new")
    with pytest.raises(RuntimeError), whole_folder(str(target), "list", lambda _: True):
        raise RuntimeError("again")
    assert (target / "list").read_text() == ("new" if new else "former")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    with whole_folder(str(target), "list", lambda _: True) as folder:
        (folder / "list").write_text("newest")
    assert (target / "list").read_text() == "newest"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
