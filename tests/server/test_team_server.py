"""The command `server` at work: the line on it, several at once, what is killed, what shows."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import mlflow
import psutil
import pytest
from killing import is_gone
from made_up_server import Command, server_command
from test_mlflow_run import MLFLOW, ROOT

from ctc.server.ports import free_ports
from ctc.storage import sha256

pytestmark = pytest.mark.slow
# Enough to be better than guessing, and so promoted.
LEARNABLE = {"captures": 60, "size": 96, "epochs": 12, "image_size": 32, "bootstrap": 0}
TRANSFER = {"strategy": "transfer", "labels": "species", "epochs": 1, "image_size": 32}
# The fourth, `access_key`, is the name that belongs to `secret_key`: each request tells it.
SECRETS = ("secret_key", "session_key", "password")


class Client:
    """Who works with a server: on a machine that has nothing but its address."""

    def __init__(self, uri: str, folder: Path, **environment: str) -> None:
        (folder / "home").mkdir(parents=True)
        own = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MLFLOW_", "CTC_"))}
        self.folder = folder
        self.environment = {
            **own,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}",
            "HOME": str(folder / "home"),
            "GIT_PYTHON_REFRESH": "quiet",
            "MLFLOW_TRACKING_URI": uri,
            **environment,
        }

    def run(self, step: str, **params: object) -> str:
        """Run a step as users do; return what it prints."""
        given = [text for k, v in params.items() for text in ("-P", f"{k}={v}")]
        return self._done([MLFLOW, "run", str(ROOT), "-e", step, "--env-manager", "local", *given])

    def start(self, step: str, **params: object) -> "subprocess.Popen[str]":
        given = [f"--{k}={v}" for k, v in params.items()]
        return subprocess.Popen(
            [sys.executable, "-m", f"entrypoints.{step}", *given],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, uri: str, photo: Path) -> str:
        """Load a model and ask it about a photo, as in the README."""
        code = (
            "import mlflow, sys; m = mlflow.pyfunc.load_model(sys.argv[1]); "
            "print(m.predict([open(sys.argv[2], 'rb').read()]).to_json())"
        )
        return self._done([sys.executable, "-W", "ignore", "-c", code, uri, str(photo)])

    def _done(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    @property
    def photo(self) -> Path:
        return next((self.folder / "line" / "sample").rglob("*.jpg"))


def line_and_transfer(client: Client, elsewhere: Client) -> None:
    """The whole line by one; then a transfer by another, who has nothing of the first."""
    said = client.run("main", **LEARNABLE, output=str(client.folder / "line"))
    assert "Promoted: models:/species@champion is version 1" in said
    elsewhere.run(
        "train",
        **TRANSFER,
        parent="models:/species@champion",
        dataset=str(client.folder / "line" / "dataset"),
        output=str(elsewhere.folder / "transferred"),
        register="species",
    )


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("team")
    port = f"--port={free_ports(1)[0]}"
    with server_command(folder / "server", folder / "said.log", port) as command:
        yield command


@pytest.fixture(scope="module")
def client(team: Command, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client after the whole line; another one has made version 2 of the first one's champion."""
    folder = tmp_path_factory.mktemp("clients")
    client = Client(team.uri, folder / "one")
    line_and_transfer(client, Client(team.uri, folder / "two"))
    return client


def processes(command: Command) -> list[psutil.Process]:
    """The command and all that it has started."""
    return [command.process, *command.process.children(recursive=True)]


def test_the_whole_line_and_a_transfer_need_nothing_but_its_address(team, client):
    registry = mlflow.MlflowClient(team.uri)
    runs = registry.search_runs(["0"])
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {run.info.artifact_uri.split(":")[0] for run in runs} == {"mlflow-artifacts"}
    assert {*registry.get_registered_model("species").aliases} == {"champion", "candidate"}
    child = registry.get_run(registry.get_model_version("species", "2").run_id)
    assert child.data.tags["parent_resolved"] == "models:/species/1"
    assert "confidence" in client.ask("models:/species@champion", client.photo)


def test_nothing_listens_beyond_this_machine(team, client):
    listening = [
        one.laddr
        for process in processes(team)
        for one in process.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert len(listening) >= 11  # of SeaweedFS ten


def test_no_secret_stands_in_a_command_a_log_or_what_runs_have_left(team, client):
    kept = json.loads((team.folder / "credentials.json").read_text())
    secrets = [kept[name].encode() for name in SECRETS]
    commands = [" ".join(process.cmdline()).encode() for process in processes(team)]
    private = [path for path in team.folder.rglob("*") if path.suffix == ".sh"]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    known = {team.folder / "credentials.json", *private}
    files = [path for path in team.folder.rglob("*") if path.is_file() and path not in known]
    assert {"mlflow.db", "s3.log", "tracking.log"} <= {path.name for path in files}
    left = client.folder / "left"
    registry = mlflow.MlflowClient(team.uri)
    for run in registry.search_runs(["0"]):
        for one in registry.list_artifacts(run.info.run_id):
            registry.download_artifacts(run.info.run_id, one.path, str(left))
    texts = [*commands, team.said.encode()]
    texts += [path.read_bytes() for path in [*files, *left.rglob("*")] if path.is_file()]
    assert len(texts) > 100
    assert not [text[:80] for text in texts for secret in secrets if secret in text]
    assert [text for text in (team.folder / "s3.sh",) if secrets[0] in text.read_bytes()]


def test_two_trainings_and_a_promotion_at_once_lose_and_mix_nothing(team, client):
    registry = mlflow.MlflowClient(team.uri)
    asked = {"dataset": client.folder / "line" / "dataset", "image_size": 32, "epochs": 4}
    trainings = [
        client.start(
            "train", **asked, labels=label, seed=seed, output=client.folder / label, register="two"
        )
        for seed, label in ((1, "empty"), (2, "species"))
    ]
    promotion = client.start("promote", name="species", version=2, force="yes")
    said = [one.communicate()[0] for one in (*trainings, promotion)]
    assert [one.returncode for one in (*trainings, promotion)] == [0, 0, 0], said
    assert registry.get_registered_model("species").aliases["champion"] == "2"
    versions = registry.search_model_versions("name = 'two'")
    runs = [registry.get_run(one.run_id) for one in versions]
    by_label = {run.data.params["labels"]: run for run in runs}
    assert {*by_label} == {"empty", "species"}
    for seed, label in ((1, "empty"), (2, "species")):
        run = by_label[label]
        assert (run.data.params["seed"], run.info.status) == (str(seed), "FINISHED")
        points = registry.get_metric_history(run.info.run_id, "train/loss")
        assert sorted(one.step for one in points) == [*range(4)]
        others = {name.split("/")[1] for name in run.data.metrics if name.count("/") == 2}
        assert others == {label}


def weights(command: Command, folder: Path) -> str:
    """The checksum of the champion's weights, as the server has them."""
    registry = mlflow.MlflowClient(command.uri)
    got = mlflow.artifacts.download_artifacts(
        registry.get_model_version_download_uri("species", "1"),
        tracking_uri=command.uri,
        dst_path=str(folder),
    )
    (found,) = Path(got).rglob("model.keras")
    return sha256(found)


@pytest.fixture
def whole(client: Client) -> str:
    """The checksum of the champion's weights, as they were trained."""
    return sha256(client.folder / "line" / "classifier" / "model.keras")


def group(command: Command, word: str) -> list[psutil.Process]:
    """The processes of one of the servers: the one that keeps it, and those that it has started."""
    (keeper,) = (
        one for one in processes(command)[0].children() if f" {word} " in " ".join(one.cmdline())
    )
    return [keeper, *keeper.children(recursive=True)]


def alive(those: list[psutil.Process], seconds: float = 0) -> list[psutil.Process]:
    """Those that still run after so long; one that has ended need not be reaped by then.

    Who is killed with its parent is reaped by the machine's first process, in its own time.
    """
    _, left = psutil.wait_procs(those, timeout=seconds)
    return [one for one in left if not is_gone(one)]


@pytest.mark.parametrize(
    ("word", "which", "name"),
    [
        ("mini", -1, "the S3 server"),
        ("mlflow", -1, "the tracking server"),
        ("mlflow", 0, "the tracking server"),
    ],
)
def test_a_part_that_is_killed_is_started_again_with_everything(
    team, whole, tmp_path, word, which, name
):
    former = group(team, word)
    before = team.said.count(f"{name} is back")
    former[which].kill()
    team.wait_for(f"{name} is back", before + 1)
    assert alive(former) == []
    assert weights(team, tmp_path) == whole


def test_nothing_is_left_of_a_command_that_is_killed_and_it_comes_up_with_everything(
    team, whole, tmp_path
):
    all_of_it = processes(team)
    team.process.kill()
    assert alive(all_of_it[1:], seconds=10) == []
    with server_command(team.folder, team.folder.parent / "again.log") as again:
        assert again.uri == team.uri
        assert weights(again, tmp_path) == whole
        all_of_it = processes(again)
        again.stop(signal.SIGINT)
        assert alive(all_of_it, seconds=1) == []
        assert again.said.endswith("server: stopping\nserver: stopped\n")
