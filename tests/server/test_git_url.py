"""docs/ec2.md: the project is run from a Git URL, without a clone of one's own."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from conftest import empty_store

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "ec2.md").read_text()


def address_and_version() -> tuple[str, str]:
    (command,) = re.findall(r"^mlflow run https.*?[^\\]$", DOCUMENT, re.MULTILINE | re.DOTALL)
    words = shlex.split(command.replace("\\\n", " "))
    return words[2], words[words.index("--version") + 1]


@pytest.mark.slow
def test_the_project_runs_from_a_git_url_and_notes_its_commit(tmp_path):
    address, version = address_and_version()
    repository = tmp_path / "ctc.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, repository], check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(["git", "branch", "--force", version, head], cwd=repository, check=True)
    store = f"sqlite:///{shutil.copy(empty_store(), tmp_path)}"
    output = tmp_path / "sample"
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "run", address, "--version", version, "-e", "sample",
         "--env-manager", "local", "-P", "captures=10", "-P", "size=64", "-P", f"output={output}"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MLFLOW_TRACKING_URI": store,
            # That address is the copy here, for git alone.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": address,
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (output / "table.csv").is_file()
    (run,) = mlflow.MlflowClient(store).search_runs(["0"])
    assert run.data.tags["mlflow.source.git.commit"] == head
    assert run.data.tags["mlflow.source.name"] == address
