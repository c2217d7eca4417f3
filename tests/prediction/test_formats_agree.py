"""Every format says the same of real answers, and nobody is left out of any."""

import csv
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from megadetector_tools import validate_batch_results
from test_agreement import labelled

from ctc.prediction.formats import FORMATS

DEPLOYMENTS = (
    "deploymentID,latitude,longitude,deploymentStart,deploymentEnd\n"
    "d1,51.5,4.75,2024-05-01T00:00:00Z,2024-06-01T00:00:00Z\n"
)


@pytest.fixture(scope="module")
def outputs(small_classifier: Path, small_survey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All formats, written in one pass; read only."""
    folder = tmp_path_factory.mktemp("formats")
    (folder / "deployments.csv").write_text(DEPLOYMENTS)
    labelled(
        small_classifier,
        small_survey.table.parent,
        folder / "out.csv",
        source="folders",
        format=tuple(FORMATS),
        classes=("lion", "zebra", "giraffe"),
        package=str(folder / "deployments.csv"),
    )
    return folder


@pytest.fixture(scope="module")
def rows(outputs: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of the CSV."""
    with (outputs / "out.csv").open(newline="", encoding="utf-8") as file:
        return {(row["id"], row["label"]): row for row in csv.DictReader(file)}


def test_tables_have_the_same_rows(outputs: Path, rows) -> None:
    table = pq.read_table(outputs / "out.parquet").to_pylist()
    assert [(one["capture_id"], one["label"]) for one in table] == [*rows]
    for one in table:
        row = rows[one["capture_id"], one["label"]]
        shares = json.loads(row["probabilities"])
        assert (one["prediction"] or "") == row["prediction"]
        assert dict(one["probabilities"]) == pytest.approx(shares, abs=1e-6)
    content = json.loads((outputs / "out.json").read_text(encoding="utf-8"))
    assert [*content] == [*dict.fromkeys(name for name, _ in rows)]
    for (name, label), row in rows.items():
        assert (content[name]["predictions"][label]["prediction"] or "") == row["prediction"]
        assert content[name]["predictions_top"].get(label, "") == row["prediction_top"]


def test_results_and_the_package_have_every_picture(outputs: Path, rows) -> None:
    names = {name for name, _ in rows}  # each picture is a capture
    failed = {name for (name, label), row in rows.items() if not row["prediction"]}
    assert len(failed) >= 1
    content = json.loads((outputs / "out.megadetector.json").read_text(encoding="utf-8"))
    assert not validate_batch_results(content)["validation_results"]["errors"]
    assert {one["file"] for one in content["images"]} == names
    assert {one["file"] for one in content["images"] if "failure" in one} == failed
    seen = pd.read_csv(outputs / "out_camtrap_dp" / "observations.csv", keep_default_na=False)
    events = seen[seen["observationLevel"] == "event"].set_index("eventID")
    assert set(events.index) == names
    for name, event in events.iterrows():
        if event["observationType"] == "animal":
            assert event["scientificName"] == rows[name, "species"]["prediction"]
        else:
            assert event["observationType"] == ("unclassified" if name in failed else "blank")


def test_folders_hold_every_picture_below_its_class(outputs: Path, rows) -> None:
    folder = outputs / "out_folders"
    links = [one.relative_to(folder) for one in folder.rglob("*") if one.is_symlink()]
    for link in links:
        label, prediction, *image = link.parts
        if label != "_unreadable":
            assert rows["/".join(image), label]["prediction"] == prediction
    found = {"/".join(link.parts[2:]) for link in links if link.parts[0] == "empty"}
    assert found == {name for (name, _), row in rows.items() if row["prediction"]}
