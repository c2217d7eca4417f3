"""What is said by a client whose servers are there and do not take what it logs: real ones."""

import dataclasses
import os
import random
import shlex
import string
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import mlflow
import pytest
from conftest import tracked_at
from made_up_server import Servers, servers
from mlflow.store.artifact import s3_artifact_repo

from ctc.errors import BadInput
from ctc.params import TrainParams
from ctc.server.seaweedfs import weed
from ctc.storage import s3_client
from ctc.tracking import journals_of, send, tracked_run
from ctc.tracking.sending import sender

pytestmark = pytest.mark.slow
READER = {"AWS_ACCESS_KEY_ID": "a-reader-key", "AWS_SECRET_ACCESS_KEY": "a-reader-secret"}
DISK_MB = 200
# Letters that the S3 server, which compresses texts, cannot make so few that they need no room.
NOTE = "".join(random.Random(7).choices(string.ascii_letters, k=100_000))


def variables(path: Path | None) -> dict[str, str]:
    """What a file for the shell sets."""
    assert path is not None
    return dict(shlex.split(line)[1].split("=", 1) for line in path.read_text().splitlines())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("server")
    data = folder / "both" / "s3"
    data.mkdir(parents=True)
    own = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(data)]
    mounted = subprocess.run(own, capture_output=True).returncode == 0  # only root may
    try:
        with servers(folder / "both", auth=True) as both:
            yield both
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(data)], check=True)


@pytest.fixture
def client(running: Servers, tmp_path: Path, monkeypatch) -> pytest.MonkeyPatch:
    """The environment of a client of theirs, as the administrator; none of S3's."""
    for name, text in variables(running.plan.login).items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("CTC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CTC_PATIENCE", "0")
    monkeypatch.setattr(sender, "RETRY_S", 0.2)
    monkeypatch.chdir(tmp_path)
    with tracked_at(running.uri):
        yield monkeypatch


def log(capsys, meanwhile: Callable[[], object] = lambda: None) -> str:
    """Log a file and a metric; return what was said."""
    with tracked_run("train", TrainParams(output="classifier")) as run:
        meanwhile()
        run.text(NOTE, "note")
        run.metrics({"val/loss": 0.5})
    return capsys.readouterr().err


def check_sent_later() -> None:
    """Send what was kept, and see that it is there."""
    done = send(*journals_of("classifier"))
    assert done.failure is None
    run = mlflow.get_run(done.run_id)
    assert (run.info.status, run.data.metrics["val/loss"]) == ("FINISHED", 0.5)
    assert mlflow.artifacts.load_text(f"runs:/{done.run_id}/note.txt") == NOTE


def only_warning(said: str) -> str:
    (line,) = (line for line in said.splitlines() if line.startswith("warning: "))
    return line


# --- who asks, and by which name ---


def test_a_wrong_password_is_said_when_a_run_begins(client, capsys) -> None:
    client.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with pytest.raises(BadInput, match=r"no run can be started: .* does not take the user or"):
        log(capsys)


def test_a_password_that_expires_meanwhile_costs_nothing(client, capsys) -> None:
    right = os.environ["MLFLOW_TRACKING_PASSWORD"]
    said = log(capsys, lambda: client.setenv("MLFLOW_TRACKING_PASSWORD", "expired"))
    assert "does not take the user or the password: set MLFLOW_TRACKING_USERNAME and" in said
    assert "expired" not in said
    client.setenv("MLFLOW_TRACKING_PASSWORD", right)
    check_sent_later()


def test_a_name_that_is_not_allowed_is_said_when_a_run_begins(client, running, capsys) -> None:
    # Another name of 127.0.0.1, in every resolver.
    mlflow.set_tracking_uri(running.uri.replace("127.0.0.1", "0x7f000001"))
    with pytest.raises(BadInput, match="does not answer to that name: start it with this name"):
        log(capsys)


# --- a store of artifacts that the client reaches by itself ---


@pytest.fixture
def direct(client, running: Servers) -> Callable[[str], None]:
    """Call it with a place on S3, and runs have their artifacts there."""
    for name, text in variables(running.plan.s3).items():
        client.setenv(name, text)
    s3_artifact_repo._cached_get_s3_client.cache_clear()

    def at(place: str) -> None:
        own = mlflow.MlflowClient().create_experiment(f"{place} {time.time()}", place)
        client.setenv("MLFLOW_EXPERIMENT_ID", own)

    return at


def with_keys(client: pytest.MonkeyPatch, **keys: str) -> None:
    for name, text in keys.items():
        client.setenv(name, text)
    s3_artifact_repo._cached_get_s3_client.cache_clear()


def test_wrong_keys_are_said_and_right_ones_send_what_was_kept(
    client, direct, running, capsys
) -> None:
    direct("s3://mlflow/direct")
    with_keys(client, AWS_ACCESS_KEY_ID="wrong-key-1234")
    said = only_warning(log(capsys))
    assert "refused the credentials for s3://mlflow/direct" in said
    limits = s3_artifact_repo._get_s3_client().meta.config
    own = (s3_client.CONNECT_TIMEOUT_S, s3_client.READ_TIMEOUT_S)
    assert (limits.connect_timeout, limits.read_timeout) == own
    assert "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; the work" in said
    with_keys(client, **variables(running.plan.s3))
    check_sent_later()


def test_a_bucket_that_is_not_there_is_said(direct, capsys) -> None:
    direct("s3://no-such-bucket/direct")
    said = only_warning(log(capsys))
    assert "has no bucket for s3://no-such-bucket/direct" in said
    assert "; make it or correct the name; the work goes on" in said


def test_a_bucket_that_may_only_be_read_is_said(client, direct, running, capsys) -> None:
    direct("s3://mlflow/direct")
    ports = {
        word.split("=")[0].strip("-"): word.split("=")[1]
        for word in running.s3.part.command
        if ".port=" in word
    }
    key, secret = READER.values()
    asked = f"-user reader -access_key {key} -secret_key {secret} -actions Read,List -apply"
    at = [f"-{name}=127.0.0.1:{ports[f'{name}.port']}" for name in ("master", "filer")]
    text = f"s3.configure {asked}\n"
    subprocess.run([weed(), "shell", *at], input=text, text=True, capture_output=True, check=True)
    with_keys(client, **READER)
    said = only_warning(log(capsys))
    assert "cannot be used for s3://mlflow/direct" in said
    assert "permission denied; the work goes on" in said
    with_keys(client, **variables(running.plan.s3))
    check_sent_later()


# --- a store behind the tracking server ---


def test_a_disk_that_is_full_costs_nothing(client, running: Servers, capsys) -> None:
    data = running.plan.s3.parent / "s3"
    if not os.path.ismount(data):
        pytest.skip("only root may give the S3 server a small disk of its own")
    filler = data / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:  # to the last byte
                file.write(bytes(2**20))

    try:
        said = only_warning(log(capsys, fill))
    finally:
        filler.unlink()
        running.start(running.s3)  # it looks at its disk once a minute, and when it starts
    assert f"the tracking server '{running.uri}' fails (status 500); its log tells why" in said
    check_sent_later()


@pytest.mark.parametrize(
    ("environment", "artifacts", "sentence"),
    [
        ({"AWS_ACCESS_KEY_ID": "wrong-key-1234"}, None, "access key"),
        ({}, "s3://no-such-bucket/artifacts", "The specified bucket does not exist"),
    ],
    ids=["wrong keys", "no bucket"],
)
def test_a_tracking_server_that_cannot_use_its_store_says_why(
    client, running: Servers, capsys, environment, artifacts, sentence
) -> None:
    right = running.tracking.part
    command = (
        f"--artifacts-destination={artifacts}" if artifacts and "destination" in word else word
        for word in right.command
    )
    running.tracking.part = dataclasses.replace(
        right, command=tuple(command), environment={**right.environment, **environment}
    )
    running.start(running.tracking)
    said = only_warning(log(capsys))
    assert f"the tracking server '{running.uri}' cannot use its artifacts: Failed to list" in said
    assert sentence in said
    running.tracking.part = right
    running.start(running.tracking)
    check_sent_later()
