"""Results in the format of MegaDetector, as others' code reads them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_judged import (
    A_LION,
    A_ZEBRA,
    ASKED,
    EMPTY,
    NOTHING,
    SPECIES,
    TAXONOMY,
    answer,
    judged,
    written,
)
from megadetector_tools import generate_csv_report, load_api_results, validate_batch_results

from ctc.inventory.sources import take_inventory
from ctc.labels import Label
from ctc.params import InventoryParams
from ctc.prediction.answers import Answer
from ctc.prediction.formats import check_outputs
from ctc.prediction.meaning.judged import Asked, judge
from ctc.prediction.meaning.kinds import Questions, kind_said, questions_of, shares_of
from ctc.prediction.meaning.taxonomy import read_taxonomy


def valid(path: Path) -> dict:
    """The content of a file that the validator finds nothing wrong with."""
    found = validate_batch_results(str(path))["validation_results"]
    assert (found["errors"], found["warnings"]) == ([], [])
    return json.loads(path.read_text(encoding="utf-8"))


def by_file(content: dict) -> dict[str, dict]:
    return {image["file"]: image for image in content["images"]}


@pytest.fixture
def taxonomy(tmp_path: Path):
    (tmp_path / "taxonomy.csv").write_text(TAXONOMY)
    return read_taxonomy(str(tmp_path / "taxonomy.csv"), ASKED.labels)


def test_the_validator_finds_nothing_wrong(tmp_path: Path, taxonomy) -> None:
    for changed in ({}, {"taxonomy": taxonomy}, {"allowed": {"species": ("lion", "zebra")}}):
        valid(written("megadetector", tmp_path, **changed))
    valid(written("megadetector", tmp_path, answers=()))


def test_every_picture_has_what_is_said_of_itself(tmp_path: Path) -> None:
    content = valid(written("megadetector", tmp_path))
    images = by_file(content)
    assert list(images) == [
        "s1/1.jpg",
        "s1/2.jpg",
        "süd/ö 2.jpg",
        "s3/1.jpg",
        "s3/2.jpg",
        "s4/1.jpg",
    ]
    animal, person = images["s1/1.jpg"]["detections"]
    names = content["classification_categories"]
    assert (content["detection_categories"][animal["category"]], animal["conf"]) == ("animal", 0.9)
    assert (content["detection_categories"][person["category"]], person["conf"]) == ("person", 0.05)
    assert animal["bbox"] == [0, 0, 1, 1]
    assert [(names[key], value) for key, value in animal["classifications"]] == [
        ("lion", 0.9), ("zebra", 0.04), ("plains zebra", 0.03), ("ostrich", 0.03)
    ]  # fmt: skip
    assert "classifications" not in person
    (weak,) = [one for one in images["s3/2.jpg"]["detections"] if one["category"] == "1"]
    assert weak["conf"] == 0.02


def test_a_picture_that_failed_says_why(tmp_path: Path) -> None:
    images = by_file(valid(written("megadetector", tmp_path)))
    assert images["s3/1.jpg"] == {
        "file": "s3/1.jpg", "detections": None, "failure": "no such file"
    }  # fmt: skip


def test_paths_have_forward_slashes(tmp_path: Path) -> None:
    odd = answer("1", [A_LION], images=["DCIM\\100\\Löwe.JPG"])
    images = by_file(valid(written("megadetector", tmp_path, answers=[odd])))
    assert list(images) == ["DCIM/100/Löwe.JPG"]


def test_a_group_that_is_sure_is_named_first_and_described(tmp_path: Path, taxonomy) -> None:
    content = valid(written("megadetector", tmp_path, taxonomy=taxonomy))
    names = content["classification_categories"]
    first, second, *_ = by_file(content)["süd/ö 2.jpg"]["detections"][0]["classifications"]
    assert [(names[key], value) for key, value in (first, second)] == [
        ("Equus", 0.95), ("plains zebra", 0.5)
    ]  # fmt: skip
    described = content["classification_category_descriptions"]
    assert described[first[0]] == "perissodactyla;equidae;equus"
    assert described[second[0]] == "perissodactyla;equidae;equus;plains zebra"
    assert {*described} == {*names}


def test_classes_that_there_cannot_be_are_no_categories(tmp_path: Path) -> None:
    few = {"species": ("lion", "ostrich")}
    content = valid(written("megadetector", tmp_path, allowed=few))
    assert list(content["classification_categories"].values()) == ["lion", "ostrich"]
    assert content["info"]["classifier_metadata"]["allowed_classes"] == {
        "species": ["lion", "ostrich"]
    }
    assert content["info"]["classifier"] == "models:/species/3"


def test_the_tools_of_megadetector_open_it(tmp_path: Path) -> None:
    path = written("megadetector", tmp_path)
    table, about = load_api_results(str(path))
    assert list(table["file"])[2] == "süd/ö 2.jpg"
    assert about["info"]["detector_metadata"]["typical_detection_threshold"] == 0.5
    generate_csv_report(str(path), str(tmp_path / "report.csv"), verbose=False)
    report = pd.read_csv(tmp_path / "report.csv")
    rows = {(row.filename, row.detection_category) for row in report.itertuples()}
    assert ("s1/1.jpg", "animal") in rows
    assert ("s4/1.jpg", "error") in rows
    assert ("s3/2.jpg", "empty") in rows
    (lion,) = report[report.filename == "s1/1.jpg"].itertuples()
    assert (lion.classification_category, lion.max_classification_confidence) == ("lion", 0.9)


def test_it_is_read_back_as_a_source_of_captures(tmp_path: Path) -> None:
    path = written("megadetector", tmp_path)
    inventory = take_inventory(InventoryParams(path=str(path), source="megadetector"))
    rows = {row["capture_id"]: row["empty"] for row in inventory.table.to_pylist()}
    assert rows == {
        "s1/1.jpg": "animal", "s1/2.jpg": "animal", "süd/ö 2.jpg": "animal",
        "s3/1.jpg": None, "s3/2.jpg": "empty", "s4/1.jpg": None,
    }  # fmt: skip


def test_results_of_a_detector_are_not_replaced(tmp_path: Path) -> None:
    path = written("megadetector", tmp_path)
    check_outputs({"megadetector": str(path)}, ASKED)
    path.write_text(
        '{"info": {"format_version": "1.6", "detector": "md_v5a.0.0.pt"}, "images": []}'
    )
    with pytest.raises(ValueError, match="exists and holds no predictions"):
        check_outputs({"megadetector": str(path)}, ASKED)


# --- which label says what ---

COUNT = Label("count", ("1", "2"))


@pytest.mark.parametrize(
    ("labels", "presence", "identity"),
    [
        ((EMPTY, SPECIES, COUNT), "empty", "species"),
        ((SPECIES, COUNT), None, "species"),
        ((EMPTY, COUNT), "empty", None),
        ((COUNT, Label("species_panthera", ("leopard", "tiger"))), None, "species_panthera"),
        ((Label("kind", ("blank", "cat", "dog")),), "kind", "kind"),
        ((Label("species", ("Blank", "cat", "Person")),), "species", "species"),
        ((Label("species", ("cat", "dog", "misfire")), COUNT), "species", "species"),
        ((Label("species", ("cat", "None")),), "species", "species"),
        ((Label("empty", ("none", "animal")), SPECIES), "empty", "species"),
        ((SPECIES, Label("behaviour", ("none", "flying"))), None, "species"),
        ((COUNT,), None, None),
    ],
)
def test_labels_say_what_is_there_and_what_it_is(
    labels: tuple[Label, ...], presence: str | None, identity: str | None
) -> None:
    assert questions_of(labels) == Questions(presence, identity)


def rows_of(labels: tuple[Label, ...], said: dict[str, list[float]]):
    shares = {name: np.array([value]) for name, value in said.items()}
    one = Answer("1", shares, ("a.jpg",), (None,), {}, {})
    return judge(one, Asked(labels, "mean")).rows


def test_a_second_label_divides_what_the_first_leaves() -> None:
    labels = (Label("empty", ("empty", "not_empty")), Label("species", ("lion", "human")))
    rows = rows_of(labels, {"empty": [0.2, 0.8], "species": [0.25, 0.75]})
    shares = shares_of(rows, questions_of(labels))
    assert shares == pytest.approx({"blank": 0.2, "animal": 0.2, "human": 0.6})
    assert kind_said(rows, questions_of(labels)) == "human"


def test_without_a_class_for_nothing_something_is_there() -> None:
    rows = rows_of((SPECIES,), {"species": A_ZEBRA})
    assert shares_of(rows, questions_of((SPECIES,))) == pytest.approx({"animal": 1.0})
    assert kind_said(rows, questions_of((SPECIES,))) == "animal"
    counted = rows_of((COUNT,), {"count": [0.5, 0.5]})
    assert shares_of(counted, questions_of((COUNT,))) == {}
    assert kind_said(counted, questions_of((COUNT,))) is None


def test_nothing_is_said_of_what_could_not_be_read() -> None:
    *_, failed = judged()
    assert shares_of(failed.rows, questions_of(ASKED.labels)) == {}
    assert kind_said(failed.rows, questions_of(ASKED.labels)) is None
    empty = judge(answer("1", [A_LION], [NOTHING]), ASKED)
    assert kind_said(empty.rows, questions_of(ASKED.labels)) == "blank"


@given(
    st.lists(st.floats(0.001, 1), min_size=3, max_size=3),
    st.lists(st.floats(0.001, 1), min_size=4, max_size=4),
)
def test_what_is_there_adds_up_to_one(empty: list[float], species: list[float]) -> None:
    labels = (EMPTY, replace(SPECIES, classes=("empty", "lion", "human", "vehicle")))
    said = {"empty": empty, "species": species}
    rows = rows_of(labels, {name: [v / sum(vs) for v in vs] for name, vs in said.items()})
    shares = shares_of(rows, questions_of(labels))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["blank"] == pytest.approx(empty[0] / sum(empty))
