"""What is looked at before a server starts: its folder, credentials, ports and database."""

import json
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from ctc.errors import BadInput
from ctc.params import ServerParams
from ctc.server import planning, seaweedfs, tracking_server
from ctc.server.asking import answer
from ctc.server.credentials import credentials_of
from ctc.server.database import VARIABLE, database_of
from ctc.server.planning import lines_for_clients, plan_server
from ctc.server.ports import GRPC_OFFSET, Ports, free_ports, is_free, ports_of
from entrypoints.server import main

SECRET = "S3cr3tW0rd"


@pytest.fixture(autouse=True)
def no_database_of_ones_own(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def plan(folder: Path, **params: object) -> planning.Plan:
    folder.mkdir(exist_ok=True)
    return plan_server(ServerParams(**{"folder": str(folder), "port": free_ports(1)[0], **params}))


@contextmanager
def taken(port: int):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def test_credentials_are_drawn_once_and_closed_for_others(tmp_path):
    first = credentials_of(tmp_path)
    assert credentials_of(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    other = credentials_of(tmp_path / "other")
    assert not {*vars(first).values()} & {*vars(other).values()}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"access_key": "a"}', "no JSON", "null"])
def test_broken_credentials_are_one_sentence(tmp_path, content):
    credentials_of(tmp_path)
    (tmp_path / "credentials.json").write_text(content)
    with pytest.raises(BadInput, match=r"credentials in '.*credentials.json' cannot be read"):
        credentials_of(tmp_path)


def test_an_empty_key_is_a_broken_one(tmp_path):
    kept = vars(credentials_of(tmp_path))
    (tmp_path / "credentials.json").write_text(json.dumps({**kept, "secret_key": ""}))
    with pytest.raises(BadInput, match="cannot be read"):
        credentials_of(tmp_path)


def test_credentials_that_others_can_read_are_refused(tmp_path):
    credentials_of(tmp_path)
    (tmp_path / "credentials.json").chmod(0o640)
    with pytest.raises(BadInput, match=r"others can read .* `chmod 600 "):
        credentials_of(tmp_path)


def test_ports_are_taken_once_and_one_can_be_chosen(tmp_path):
    (port, other) = free_ports(2)
    first = ports_of(tmp_path, port)
    assert first.tracking == port
    assert ports_of(tmp_path, 0) == first
    assert ports_of(tmp_path, other) == Ports(**{**vars(first), "tracking": other})
    assert ports_of(tmp_path, 0).tracking == other


def test_what_else_is_drawn_by_the_same_seed_has_other_ports():
    drawn = []
    for _ in range(2):
        random.seed(1)
        drawn.append(free_ports(10))
    assert drawn[0] != drawn[1]


def test_where_nothing_is_chosen_the_port_is_5000_or_a_free_one(tmp_path, monkeypatch):
    assert ports_of(tmp_path / "a", 0).tracking == 5000 or not is_free(5000)
    (port,) = free_ports(1)
    monkeypatch.setattr("ctc.server.ports.FIRST", port)
    with taken(port):
        assert is_free(ports_of(tmp_path / "b", 0).tracking)


def test_a_port_that_is_taken_is_named(tmp_path):
    (port,) = free_ports(1)
    with taken(port), pytest.raises(BadInput, match=f"port {port} of the tracking .* PORT="):
        ports_of(tmp_path, port)
    inner = ports_of(tmp_path, port).volume + GRPC_OFFSET
    with taken(inner), pytest.raises(BadInput, match=f"port {inner} of the S3 .* remove '.*json'"):
        ports_of(tmp_path, 0)


@pytest.mark.parametrize("content", ["", "{}", '{"tracking": 5000}', "[1]"])
def test_a_list_of_ports_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "ports.json").write_text(content)
    with pytest.raises(BadInput, match=r"'.*ports.json' is no list of ports"):
        ports_of(tmp_path, 0)


def test_runs_are_kept_in_the_folder_where_no_database_is_named(tmp_path, monkeypatch):
    assert database_of(tmp_path, None) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv(VARIABLE, "")  # what `make server` hands on
    assert database_of(tmp_path, "auto") == f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.parametrize("uri", ["mysql://h/d", "sqlite:///x.db", "postgres", "/x"])
def test_a_database_that_is_no_postgresql_is_refused(tmp_path, uri):
    with pytest.raises(BadInput, match="allowed: postgresql://USER@HOST/NAME, or none"):
        database_of(tmp_path, uri)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (f"postgresql://me:{SECRET}@127.0.0.1/runs", f"can read a password .* {VARIABLE}"),
        (f"postgresql://me@127.0.0.1/runs?password={SECRET}", "the address cannot be read"),
    ],
)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(tmp_path, uri, said):
    with pytest.raises(BadInput, match=said) as caught:
        database_of(tmp_path, uri)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/runs",
        f"postgresql://me:@{SECRET}@127.0.0.1:1/runs",
        f"postgresql://me:/{SECRET}@127.0.0.1:1/runs",
        f"postgresql://me:{SECRET}/@127.0.0.1:1/runs",
        f"postgresql://me:%{SECRET}@127.0.0.1:1/runs",
        f"postgresql://me:#{SECRET}@127.0.0.1:1/runs",
        f"postgresql://me:?{SECRET}@127.0.0.1:1/runs",
        f"postgresql://me@127.0.0.1:1/runs?password={SECRET}",
        f"postgresql://me@127.0.0.1:1/runs?passwor={SECRET}",
        f"mysql://me:{SECRET}@127.0.0.1:1/runs",
        f"me:{SECRET}@127.0.0.1:1/runs",
    ],
)
def test_no_sentence_about_a_database_has_its_password(tmp_path, monkeypatch, uri):
    monkeypatch.setenv(VARIABLE, uri)
    with pytest.raises(BadInput, match=r"^database") as caught:
        database_of(tmp_path, "auto")
    assert SECRET not in str(caught.value)


def test_a_database_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"postgresql://me:{SECRET}@127.0.0.1:1/runs")
    said = "database 'postgresql://me@127.0.0.1:1/runs' cannot be used: .*refused"
    with pytest.raises(BadInput, match=said):
        database_of(tmp_path, "auto")


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    for name in ("psycopg2", "flask_wtf"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BadInput, match=r"psycopg2 is not installed; `make server`"):
        plan(tmp_path, database="postgresql://me@127.0.0.1:1/runs")
    with pytest.raises(BadInput, match="Flask-WTF is not installed; `make server`"):
        plan(tmp_path, auth=True)
    monkeypatch.setattr(seaweedfs.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BadInput, match="`weed` is not installed; `make server`"):
        plan(tmp_path)


@pytest.mark.parametrize(
    ("total", "free", "needed"), [(10 * 2**30, 2**20, 500), (1000 * 2**30, 9 * 2**30, 10240)]
)
def test_a_disk_with_no_room_is_named(tmp_path, monkeypatch, total, free, needed):
    disk = shutil._ntuple_diskusage(total, total - free, free)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: disk)
    said = f"has {free // 2**20} MB left; the server needs {needed}: make room"
    with pytest.raises(BadInput, match=said):
        plan(tmp_path)


def test_commands_stay_on_this_machine_and_have_no_secret(tmp_path, monkeypatch):
    for name in ("AWS_PROFILE", "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        monkeypatch.setenv(name, "of-a-client")
    made = plan(tmp_path, auth=True)
    s3, tracking = made.parts
    assert {"-ip=127.0.0.1", "-ip.bind=127.0.0.1"} <= {*s3.command}
    assert "--host=127.0.0.1" in tracking.command
    assert "--app-name=basic-auth" in tracking.command
    secrets = {*vars(credentials_of(tmp_path)).values()}
    for part in made.parts:
        assert not [word for word in part.command for one in secrets if one in word]
        assert "of-a-client" not in part.environment.values()
        assert {part.environment["AWS_ACCESS_KEY_ID"]} <= secrets
    assert tracking.environment["MLFLOW_AUTH_ADMIN_PASSWORD"] in secrets
    assert "MLFLOW_AUTH_ADMIN_PASSWORD" not in s3.environment
    for name in ("login.sh", "s3.sh", "auth.ini"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    assert "--app-name=basic-auth" not in tracking_server.words(5000, auth=False)


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(tmp_path, monkeypatch):
    class Hello(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *words):
            pass

    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_ports(1)[0]}")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        Thread(target=server.handle_request, daemon=True).start()
        server.daemon_threads = True
        assert answer(f"http://127.0.0.1:{server.server_port}/") == b"hello"
    for part in plan(tmp_path).parts:
        assert part.environment["no_proxy"] == part.environment["NO_PROXY"] == "127.0.0.1"


def test_a_shell_reads_what_clients_are_told(tmp_path):
    folder = tmp_path / "it's mine"
    made = plan(folder, auth=True)
    script = f"{lines_for_clients(made)}\nenv -0"
    done = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True)
    found = dict(one.split("=", 1) for one in done.stdout.split("\0") if one)
    kept = credentials_of(folder)
    assert found["MLFLOW_TRACKING_URI"] == made.uri
    assert found["MLFLOW_TRACKING_USERNAME"] == "admin"
    assert found["MLFLOW_TRACKING_PASSWORD"] == kept.password
    assert found["AWS_SECRET_ACCESS_KEY"] == kept.secret_key
    assert found["MLFLOW_S3_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "login" not in lines_for_clients(plan(folder))


def command(*args: str) -> "subprocess.CompletedProcess[str]":
    return CliRunner().invoke(main, args)


def test_the_command_says_in_one_line_what_is_in_its_way(tmp_path):
    (tmp_path / "file").touch()
    told = command(f"--folder={tmp_path}/file")
    assert told.exit_code == 2
    assert told.stderr.count("\n") == 1
    assert f"the folder '{tmp_path}/file' cannot hold the server's data" in told.stderr
    told = command(f"--folder={tmp_path}/s", "--port=70000")
    assert "port: found 70000; allowed: at least 0 and at most 65535" in told.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    told = command(f"--folder={tmp_path}/s")
    assert (told.exit_code, told.stderr.count("\n")) == (2, 1)
    assert "cannot hold the server's data: Permission denied" in told.stderr


def test_a_second_command_in_the_folder_of_another_is_refused(tmp_path):
    from ctc.server.serving import alone_in

    with alone_in(tmp_path / "s"):
        told = command(f"--folder={tmp_path}/s")
    assert (told.exit_code, told.stderr.count("\n")) == (2, 1)
    assert f"a server runs in '{tmp_path}/s' already" in told.stderr
