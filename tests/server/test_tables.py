"""A database with the tables of another version of MLflow's."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import empty_store

from ctc.server.ports import free_ports

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_tables_of_another_version_are_named_and_the_command_ends(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(empty_store(), folder / "mlflow.db")
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.execute("update alembic_version set version_num = '75868b020152'")
    done = subprocess.run(
        [sys.executable, "-m", "entrypoints.server", f"--folder={folder}",
         f"--port={free_ports(1)[0]}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Error: the tracking server ended while it was started: " in done.stderr
    assert "Detected out-of-date database schema (found version 75868b020152" in done.stderr
    assert f"(all of it: {folder}/tracking.log)" in done.stderr
    assert done.stdout.endswith("server: stopped\n")
