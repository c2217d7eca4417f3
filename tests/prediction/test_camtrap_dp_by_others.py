"""The Camtrap DP package, read by packages that know the standard and cannot be installed here."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_judged import ASKED, TAXONOMY, written
from test_camtrap_dp_format import ABOUT, DEPLOYMENTS, OF_ANSWERS

from ctc.prediction.meaning.taxonomy import read_taxonomy
from ctc.prediction.photos.survey import read_survey

pytestmark = pytest.mark.slow  # they are fetched from the package index


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("survey")
    (root / "deployments.csv").write_text(DEPLOYMENTS)
    (root / "datapackage.json").write_text(json.dumps(ABOUT))
    (root / "taxonomy.csv").write_text(TAXONOMY)
    survey = read_survey(str(root), "x", OF_ANSWERS)
    taxonomy = read_taxonomy(str(root / "taxonomy.csv"), ASKED.labels)
    few = {"empty": ("empty", "species")}
    asked = replace(ASKED, survey=survey, taxonomy=taxonomy, allowed=few)
    return written("camtrap_dp", root, asked)


def python_of_trap_schema() -> str | None:
    """A Python from 3.12 on, which the package needs, if there is one."""
    command = ["uv", "python", "find", "--no-project", "--offline", ">=3.12"]
    found = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else None


READ = "import sys, trap_schema as t; print(len(t.Dataset.load(sys.argv[1]).observations.rows))"


def test_trap_schema_reads_every_row(package: Path, tmp_path: Path) -> None:
    python = python_of_trap_schema()
    if python is None:
        pytest.skip("trap-schema needs Python 3.12, which is not here")
    environment = tmp_path / "environment"
    subprocess.run([python, "-m", "venv", str(environment)], check=True)
    own = str(environment / "bin" / "python")
    subprocess.run([own, "-m", "pip", "install", "-q", "trap-schema==0.2.2"], check=True)
    done = subprocess.run([own, "-c", READ, str(package)], capture_output=True, text=True)
    assert done.stdout.strip() == "10", done.stderr[-3000:]
    media = package / "media.csv"
    whole = media.read_text(encoding="utf-8")
    media.write_text(whole.replace("image/jpeg", "jpeg", 1), encoding="utf-8")
    damaged = subprocess.run([own, "-c", READ, str(package)], capture_output=True, text=True)
    media.write_text(whole, encoding="utf-8")
    assert "fileMediatype" in damaged.stderr


def test_camtrapdp_reads_every_row(package: Path, tmp_path: Path) -> None:
    """It needs an older pandas, of which it uses nothing here: what it needs is left out."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*pip, "camtrapdp==0.1.0"], check=True)
    code = (
        "import sys; from camtrapdp import Deployment, Media, Observation as O; at = sys.argv[1]; "
        "seen = O.from_csv(at + '/observations.csv'); "
        "print(len(Deployment.from_csv(at + '/deployments.csv')), "
        "len(Media.from_csv(at + '/media.csv')), len(seen), "
        "{O.ObservationType(one.observationType).value for one in seen} >= {'animal', 'blank'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(package)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["3", "6", "10", "True"], done.stderr[-3000:]
    with (package / "observations.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 11
