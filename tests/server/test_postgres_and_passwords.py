"""The server with PostgreSQL and passwords: the line on it, what shows, backups, what is deleted.

Commands and code of docs/server.md are run as they stand there.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from conftest import tracked_at
from made_up_server import Command, server_command
from mlflow.exceptions import MlflowException
from postgres_server import PASSWORD, Postgres, postgres_server
from test_team_server import ROOT, SECRETS, Client, line_and_transfer, processes, weights

from ctc.server.credentials import credentials_of
from ctc.server.database import VARIABLE
from ctc.server.ports import free_ports
from ctc.storage import sha256
from ctc.tracking import Standing, promote

pytestmark = pytest.mark.slow
DOCUMENT = (ROOT / "docs" / "server.md").read_text()
ANN = ("ann", "a long password of hers")
BEN = ("ben", "another long password")


def block(start: str) -> str:
    """The block of the document that begins with a text."""
    blocks = re.findall(r"```(?:sh|python)\n(.*?)```", DOCUMENT, re.DOTALL)
    (found,) = (one for one in blocks if one.startswith(start))
    return found


def login(name: str, password: str) -> dict[str, str]:
    return {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password}


class Kept:
    """A server whose runs are in PostgreSQL, and its administrator."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder, self.postgres = folder, postgres
        self.port = free_ports(1)[0]
        self.programs = f"{Path(sys.executable).parent}{os.pathsep}{postgres.programs}"

    def started(self, log: str, *options: str, **environment: str):
        options = ("--auth=yes", f"--port={self.port}", *options)
        return server_command(self.folder / "server", self.folder / log, *options, **environment)

    def shell(self, text: str, **environment: str) -> str:
        """Run a block of the document as the administrator's shell would."""
        done = subprocess.run(
            ["bash", "-eu", "-c", text],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
                "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.port}",
                **self.postgres.variables,
                **environment,
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def administrator(self) -> dict[str, str]:
        return login("admin", credentials_of(self.folder / "server").password)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with postgres_server() as postgres:
        yield Kept(tmp_path_factory.mktemp("kept"), postgres)


@pytest.fixture(scope="module")
def running(kept: Kept) -> Iterator[Command]:
    with kept.started("said.log", **{VARIABLE: kept.postgres.uri}) as command:
        yield command


@pytest.fixture(scope="module")
def client(kept: Kept, running: Command) -> Client:
    """Ann after the whole line, from whose champion Ben has made version 2."""
    text = block("import os")
    add = f'python -c \'{text}users.create_user("{BEN[0]}", "{BEN[1]}")\''
    kept.shell(f". server/login.sh\n{add}")
    ann = Client(running.uri, kept.folder / "ann", **login(*ANN))
    line_and_transfer(ann, Client(running.uri, kept.folder / "ben", **login(*BEN)))
    return ann


@pytest.fixture
def as_administrator(kept: Kept, client: Client, monkeypatch: pytest.MonkeyPatch):
    for name, value in kept.administrator.items():
        monkeypatch.setenv(name, value)


def test_the_whole_line_and_a_transfer_are_kept_in_postgresql(kept, running, as_administrator):
    registry = mlflow.MlflowClient(running.uri)
    assert {run.info.status for run in registry.search_runs(["0"])} == {"FINISHED"}
    child = registry.get_run(registry.get_model_version("species", "2").run_id)
    assert child.data.tags["parent_resolved"] == "models:/species/1"
    query = "select count(*) from model_versions"
    assert kept.postgres.call("psql", "-d", "postgres", "-Atc", query) == b"2\n"
    assert not (kept.folder / "server" / "mlflow.db").exists()


def test_who_has_no_password_or_a_wrong_one_is_not_let_in(running, client, monkeypatch):
    for name, value in login(ANN[0], "a wrong password").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MlflowException, match="not authenticated"):
        mlflow.MlflowClient(running.uri).search_runs(["0"])


def test_members_promote_the_models_of_others_and_do_not_delete_their_runs(
    running, client, monkeypatch
):
    for name, value in login(*BEN).items():
        monkeypatch.setenv(name, value)
    registry = mlflow.MlflowClient(running.uri)
    of_ann, of_ben = (registry.get_model_version("species", one).run_id for one in "12")
    with tracked_at(running.uri):
        promote(Standing("species", "champion", "2", "1"), of_ben)
        assert registry.get_registered_model("species").aliases["previous"] == "1"
        promote(Standing("species", "best", "2", None), of_ben)
    with pytest.raises(MlflowException, match="Permission denied"):
        registry.delete_run(of_ann)


def test_the_password_of_the_database_stands_nowhere(kept, running, client):
    drawn = credentials_of(kept.folder / "server")
    secrets = [PASSWORD, *(getattr(drawn, name) for name in SECRETS), ANN[1], BEN[1]]
    words = [" ".join(process.cmdline()) for process in processes(running)]
    logs = [running.said, *(path.read_text() for path in (kept.folder / "server").glob("*.log"))]
    rows = kept.postgres.call("pg_dump", "--format=plain", "postgres").decode()
    assert len(logs) == 3
    assert "best_model" in rows
    assert not [text[:80] for text in (*words, *logs, rows) for one in secrets if one in text]


def test_what_was_deleted_is_removed_for_good(kept, running, as_administrator):
    registry = mlflow.MlflowClient(running.uri)
    (run,) = registry.search_runs(["0"], "tags.step = 'predict'")
    names = [one.path for one in registry.list_artifacts(run.info.run_id) if not one.is_dir]
    assert names
    registry.delete_run(run.info.run_id)
    text = block("mlflow gc").replace("30d", "0s")
    kept.shell(f". server/login.sh\n{with_address(text, kept.postgres)}")
    with pytest.raises(MlflowException, match="not found"):
        registry.get_run(run.info.run_id)
    place = run.info.artifact_uri
    left = mlflow.artifacts.list_artifacts(artifact_uri=place, tracking_uri=running.uri)
    assert not {*names} & {one.path for one in left}


def with_address(text: str, postgres: Postgres) -> str:
    assert "sqlite:///server/mlflow.db" in text
    return text.replace("sqlite:///server/mlflow.db", postgres.address)


def test_a_backup_brings_everything_back(kept, running, client, monkeypatch):
    """The last test: what was there is removed."""
    trained = sha256(client.folder / "line" / "classifier" / "model.keras")
    runs = "select count(*) from runs"
    before = kept.postgres.call("psql", "-d", "postgres", "-Atc", runs)
    running.stop(signal.SIGTERM)
    kept.shell(block("umask 077\ntar --create"))
    kept.shell(block("umask 077\npg_dump"))
    for name in ("server.tar", "runs.dump"):
        assert (kept.folder / name).stat().st_mode & 0o777 == 0o600
    shutil.rmtree(kept.folder / "server")
    kept.postgres.call("dropdb", "--maintenance-db=template1", "postgres")
    kept.postgres.call("createdb", "--maintenance-db=template1", "postgres")
    kept.shell(block("tar --extract"))
    kept.shell(with_address(block("mlflow db upgrade"), kept.postgres))
    address = kept.postgres.address.replace("+psycopg2", "")
    with kept.started("again.log", f"--database={address}", PGPASSWORD=PASSWORD) as again:
        assert kept.postgres.call("psql", "-d", "postgres", "-Atc", runs) == before
        for name, value in login(*ANN).items():
            monkeypatch.setenv(name, value)
        assert weights(again, kept.folder / "got") == trained
