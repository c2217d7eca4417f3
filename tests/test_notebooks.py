"""The notebooks: as they lie in the repository, and run from top to bottom behind the line."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from test_mlflow_run import Clone, clone

__all__ = ["clone"]  # a fixture
NAMES = ("compare_runs", "inventory", "one_evaluation")
# What the first cell with code sets.
KNOBS = {
    "compare_runs": {"tracking_uri", "experiment", "run_id", "metric", "label"},
    "inventory": {"tracking_uri", "experiment", "run_id", "label"},
    "one_evaluation": {"tracking_uri", "experiment", "run_id", "label", "by"},
}


def read(name: str, root: Path = ROOT) -> NotebookNode:
    notebook = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def traces(notebook: NotebookNode) -> list[str]:
    """What is left of having been run."""
    cells = code_of(notebook)
    return [
        *(f"{cell.id}: outputs" for cell in cells if cell.outputs),
        *(f"{cell.id}: execution count" for cell in cells if cell.execution_count is not None),
        *(f"{cell.id}: metadata" for cell in notebook.cells if {*cell.metadata} - {"tags"}),
    ]


def test_every_notebook_is_tested_here():
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_the_repository_tells_that_a_notebook_was_run(name):
    notebook = read(name)
    assert traces(notebook) == []
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="a")]
    notebook.cells[-1].execution_count = 1
    notebook.cells[0].metadata["collapsed"] = True
    assert len(traces(notebook)) == 3


@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_set_stands_in_the_first_cell_with_code(name):
    first = code_of(read(name))[0]
    assert first.metadata.tags == ["parameters"]
    found: dict[str, object] = {}
    exec(first.source, found)
    assert {*found} - {"__builtins__"} == KNOBS[name]
    assert found["run_id"] is None


def test_ruff_finds_nothing_in_the_notebooks_and_reads_them(tmp_path):
    ruff = Path(sys.executable).with_name("ruff")
    for command in ("check", "format --check"):
        done = subprocess.run(
            [ruff, *command.split(), "notebooks"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
    notebook = read(NAMES[0])
    notebook.cells[-1].source += "\nnot_there"
    nbformat.write(notebook, tmp_path / "faulty.ipynb")
    config = ["--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run([ruff, "check", *config, tmp_path], capture_output=True, text=True)
    assert "F821" in done.stdout


# --- run, after the line ---


@pytest.fixture(scope="module")
def line(clone: Clone) -> Clone:
    """A clone after a small demo and one training more."""
    small = {"captures": 60, "size": 96, "image_size": 32}
    for step, params in {
        "main": {**small, "epochs": 2},
        "train": {"labels": "empty species", "image_size": 32, "epochs": 1, "output": "other"},
    }.items():
        done = clone.run(step, **params)
        assert done.returncode == 0, f"{step}: {done.stderr[-3000:]}"
    return clone


@pytest.fixture
def run(line: Clone, monkeypatch):
    """Run a notebook of the clone in its folder, as JupyterLab does, with parameters set."""
    monkeypatch.setenv("PYTHONPATH", str(line.folder))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)

    def execute(name: str, **params: object) -> NotebookNode:
        notebook = read(name, line.folder)
        code_of(notebook)[0].source += "".join(f"\n{k} = {v!r}" for k, v in params.items())
        where = {"metadata": {"path": str(line.folder / "notebooks")}}
        return NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources=where
        ).execute()

    return execute


def output_of(notebook: NotebookNode, cell: str) -> str:
    """What a reader sees below a cell, by its id; of a picture its kind."""
    (found,) = (one for one in notebook.cells if one.id == cell)
    return "\n".join(
        output.get("text", "") or "\n".join([*output.data.values(), *output.data])
        for output in found.outputs
    )


def warnings_of(notebook: NotebookNode) -> list[str]:
    outputs = [output for cell in code_of(notebook) for output in cell.outputs]
    return [output.text for output in outputs if output.get("name") == "stderr"]


@pytest.mark.slow
def test_runs_are_compared_with_all_that_judged_the_same_captures(line: Clone, run):
    done = run("compare_runs")
    assert warnings_of(done) == []
    (trained, _), (judged,) = line.runs("train"), line.runs("evaluate")
    compared = output_of(done, "which-table")
    assert trained.info.run_id in compared
    assert judged.info.run_id in compared
    figures = output_of(done, "figures-table")
    for found in (trained, judged):
        assert f"{found.data.metrics['test/species/accuracy']:.3f}" in figures
    for cell in ("figures-plot", "classes-plot"):
        assert "image/png" in output_of(done, cell)
    settings = output_of(done, "settings-table")
    assert "epochs" in settings
    assert "batch_size" not in settings  # is the same
    assert "only the first" in output_of(done, "captures-table")


@pytest.mark.slow
def test_one_evaluation_is_looked_into(line: Clone, run):
    done = run("one_evaluation")
    assert warnings_of(done) == []
    latest = line.runs("train")[0]
    assert latest.info.run_id in output_of(done, "setup")
    accuracy = f"{latest.data.metrics['test/species/accuracy']:.3f}"
    assert accuracy in output_of(done, "figures-table")
    for cell in ("confusions-plot", "sureness-plot", "effort-plot"):
        assert "image/png" in output_of(done, cell)
    assert "unseen" in output_of(done, "places-table")
    assert "Answers that differ from their labels" in output_of(done, "gallery-page")


@pytest.mark.slow
def test_another_run_label_and_column_may_be_chosen(line: Clone, run):
    (judged,) = line.runs("evaluate")
    done = run("one_evaluation", run_id=judged.info.run_id, label="empty", by="survey")
    assert f"empty in test of dataset {judged.inputs.dataset_inputs[0].dataset.digest}" in (
        output_of(done, "setup")
    )
    assert "image/png" in output_of(done, "empties-plot")
    assert "sample" in output_of(done, "groups-table")


@pytest.mark.slow
def test_the_inventory_is_looked_at(run):
    done = run("inventory")
    assert warnings_of(done) == []
    assert "60" in output_of(done, "setup")
    assert "written anew" not in output_of(done, "setup")
    for cell in ("classes-plot", "locations-plot"):
        assert "image/png" in output_of(done, cell)
    assert "image/jpeg" in output_of(done, "pictures-sheet")
    assert "elephant" in output_of(done, "spread-table")


@pytest.mark.slow
def test_a_notebook_says_in_a_sentence_that_there_are_no_runs(run):
    with pytest.raises(CellExecutionError, match="no runs are kept at 'sqlite:///elsewhere'"):
        run("inventory", tracking_uri="sqlite:///elsewhere")
