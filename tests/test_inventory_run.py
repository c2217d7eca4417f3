"""What a run of the step `inventory` shows."""

import csv
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run
from PIL import Image

from ctc.errors import BadInput
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams
from ctc.sample import Survey
from entrypoints.command import MOST_FINDINGS
from entrypoints.inventory import run

LABELS = ("empty", "species", "count")


def artifacts(run_id: str, folder: str | None = None) -> Iterator[str]:
    for one in mlflow.MlflowClient().list_artifacts(run_id, folder):
        yield from artifacts(run_id, one.path) if one.is_dir else [one.path]


def only_run() -> Run:
    (found,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    return found


def file_of(found: Run, name: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(run_id=found.info.run_id, artifact_path=name))


def test_a_run_shows_counts_plots_pictures_and_findings(store, small_survey: Survey, tmp_path):
    output = str(tmp_path / "inventory.parquet")
    path = str(small_survey.table)
    run(InventoryParams(path=path, output=output, labels=LABELS, check="decode", workers=1))
    found = only_run()
    written = Inventory.read(output)
    assert written.counts.items() <= found.data.metrics.items()
    assert set(artifacts(found.info.run_id)) == {
        "classes.json", "locations.json", "findings.json", "findings.csv", "plots/locations.png",
        *(f"plots/classes_{label}.png" for label in LABELS),
        *(f"sheets/{label}.jpg" for label in LABELS),
    }  # fmt: skip
    with file_of(found, "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(finding.count for finding in written.findings) == len(rows)
    bad = [row for row in rows if row["what"] == "pictures that cannot be decoded"]
    assert len(bad) == 3
    assert all(row["place"].startswith("data row ") for row in bad)
    with Image.open(file_of(found, "sheets/species.jpg")) as sheet:
        assert sheet.width > 1000


def write_table(folder: Path, rows: int) -> str:
    """A table of pictures, with a class a row under many labels."""
    for number in range(rows):
        Image.new("RGB", (40, 30)).save(folder / f"{number}.jpg")
    labels = [f"label{number}" for number in range(2 * MOST_FINDINGS)]
    # The font of the plots has no such letters.
    lines = [f"c{n},{n}.jpg" + f",斑马 {n}" * len(labels) for n in range(rows)]
    (folder / "table.csv").write_text("\n".join(["capture_id,dir," + ",".join(labels), *lines]))
    return str(folder / "table.csv")


def many(folder: Path, **given) -> InventoryParams:
    labels = tuple(f"label{number}" for number in range(2 * MOST_FINDINGS))
    output = str(folder / "inventory.parquet")
    path = write_table(folder, 3)
    return InventoryParams(path=path, output=output, labels=labels, metadata=(), **given)


def test_the_printed_summary_stays_short(store, tmp_path, capsys):
    run(many(tmp_path, check="none"))
    first, *lines = capsys.readouterr().out.splitlines()[-MOST_FINDINGS - 2 :]
    assert first.startswith("inventory: 3 captures, 3 images, 3 observations; labels: label0, ")
    assert lines[0].endswith("captures: 3, such as 斑马 0 (data row 1; 1 capture)")
    assert all(line.startswith("  note: ") for line in lines[:-1])
    assert lines[-1] == f"  and {MOST_FINDINGS} more in findings.csv"
    assert not [name for name in artifacts(only_run().info.run_id) if name.startswith("sheets")]


def test_a_table_whose_pictures_are_elsewhere_becomes_an_inventory_all_the_same(
    store, tmp_path, capsys
):
    run(many(tmp_path, image_root="nowhere"))
    assert "pictures that do not exist (all of them; is image_root right?): 3" in (
        capsys.readouterr().out
    )
    assert Inventory.read(str(tmp_path / "inventory.parquet")).root == str(
        Path("nowhere").absolute()
    )


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("table.csv", "output: '.*table.csv' exists and is no inventory; name a new file"),
        ("", "is a folder; name a file"),
        ("table.csv/i.parquet", "cannot be written, for '.*table.csv' is a file"),
    ],
)
def test_an_output_that_is_something_else_is_refused_and_stays(tmp_path, output, sentence):
    table = tmp_path / "table.csv"
    table.write_text("capture_id,dir,species\na,1.jpg,lion\n")
    with pytest.raises(BadInput, match=sentence):
        run(InventoryParams(path=str(table), output=str(tmp_path / output)))
    assert table.read_text().startswith("capture_id,dir")


def test_a_former_inventory_is_replaced(store, tmp_path):
    table, output = tmp_path / "table.csv", tmp_path / "i.parquet"
    for species in ("lion", "zebra"):
        table.write_text(f"capture_id,dir,species\na,1.jpg,{species}\n")
        run(InventoryParams(path=str(table), output=str(output)))
    assert Inventory.read(str(output)).class_counts("species") == {"zebra": 1}


def test_times_that_cannot_be_read_are_told(store, tmp_path, capsys):
    table, output = tmp_path / "table.csv", tmp_path / "i.parquet"
    table.write_text("capture_id,dir,species,timestamp\na,1.jpg,lion,at dawn\nb,2.jpg,gnu,\n")
    run(InventoryParams(path=str(table), output=str(output), check="none"))
    assert "times that cannot be read: 1, such as at dawn (data row 1; capture a)" in (
        capsys.readouterr().out
    )
