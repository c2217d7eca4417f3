"""Trainings whose servers are killed, beside one that nothing disturbs.

The S3 server is SeaweedFS, the tracking server is MLflow's, in front of it. By hand, `python
tests/outages.py 30` does every case, brings servers back after 30 seconds, and prints a table;
`30 0 3` does the first three.
"""

import dataclasses
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import boto3
import mlflow
from conftest import tracked_at
from killing import ASKED, ROOT, Trial, made_dataset
from made_up_server import Servers, servers
from mlflow.entities import LoggedModelStatus

from ctc import storage
from ctc.server.seaweedfs import BUCKET

S3, TRACKING, BOTH = ("s3",), ("tracking",), ("s3", "tracking")
TRAINING, UPLOAD = "training", "upload of the model"
BACK, AFTER = "back meanwhile", "back after the end"


@dataclass(frozen=True)
class Case:
    """Which servers are killed when, and when they are back."""

    parts: tuple[str, ...]
    when: str
    back: str

    @property
    def name(self) -> str:
        return "_".join([*self.parts, self.when.split()[0], self.back.split()[1]])


CASES = [Case(*case) for case in product((S3, TRACKING, BOTH), (TRAINING, UPLOAD), (BACK, AFTER))]


@dataclass(frozen=True)
class Training(Trial):
    """A training that logs to a server and registers its model."""

    uri: str = ""

    @property
    def store(self) -> str:
        return self.uri

    def train(self, offline: str = "no", **environment: str) -> "subprocess.Popen[bytes]":
        asked = {
            **ASKED,
            "test_split": "test",
            "register": self.name,
            "offline": offline,
            "dataset": self.dataset,
            "output": self.folder / self.name,
        }
        return self.command("train", environment, asked)

    def sync(self, run: str) -> None:
        self.finish(self.command("sync", {}, {"run": run}))

    def command(
        self, step: str, environment: dict[str, str], asked: dict[str, object]
    ) -> "subprocess.Popen[bytes]":
        given = [text for k, v in asked.items() for text in (f"--{k}", str(v))]
        own = {
            "MLFLOW_TRACKING_URI": self.uri,
            "CTC_CACHE": str(self.folder / "cache"),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"entrypoints.{step}", *given],
                cwd=ROOT,
                env={**os.environ, **own, **environment},
                stdout=log,
                stderr=log,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, process: "subprocess.Popen[bytes]", when: Callable[[], bool]) -> None:
        while not when():
            assert process.poll() is None, self.said[-3000:]
            time.sleep(0.005)

    def files(self) -> dict[str, int | None]:
        """The run's artifacts and their sizes; of the slots of the state only that there are."""
        waiting, found = [""], {}
        while waiting:
            for one in self.client.list_artifacts(self.run.info.run_id, waiting.pop()):
                if one.is_dir:
                    waiting.append(one.path)
                else:
                    found[one.path] = one.file_size
        return found


@dataclass(frozen=True)
class Outcome:
    """What is there of a training in the end."""

    status: str
    points: dict[tuple[str, int], list[float]]
    files: dict[str, int | None]
    is_registered: bool

    @property
    def doubled(self) -> int:
        return sum(len(values) > 1 for values in self.points.values())


def outcome(trial: Training) -> Outcome:
    """Look at a training; the files of its model and its state are fetched and compared."""
    run, client = trial.run, trial.client
    (model,) = client.search_logged_models(["0"], f"source_run_id = '{run.info.run_id}'")
    (version,) = client.search_model_versions(f"name = '{trial.name}'")
    candidate = client.get_model_version_by_alias(trial.name, "candidate").version
    with tracked_at(trial.uri):
        got = Path(mlflow.artifacts.download_artifacts(f"models:/{trial.name}@candidate"))
    own = trial.folder / trial.name
    same = all(
        storage.sha256(got / "artifacts" / own.name / name) == storage.sha256(own / name)
        for name in ("model.keras", "classifier.json")
    )
    ready = model.status == LoggedModelStatus.READY
    source = version.source == f"models:/{model.model_id}"
    return Outcome(
        status=run.info.status,
        points=trial.points(),
        files={k: v for k, v in trial.files().items() if not k.startswith("state/")},
        is_registered=same and ready and source and candidate == version.version,
    )


def check_same(one: Outcome, other: Outcome) -> None:
    """Check that a training has all that the undisturbed one has, once."""
    assert other.status == "FINISHED"
    assert other.doubled == 0
    assert other.points == one.points
    assert {*other.files} == {*one.files}
    assert all(other.files.values())
    assert other.is_registered


def keys(running: Servers) -> list[str]:
    """Every object that the S3 server has."""
    told = dict(
        shlex.split(line)[1].split("=", 1) for line in running.plan.s3.read_text().splitlines()
    )
    client = boto3.Session(told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]).client(
        "s3", endpoint_url=told["MLFLOW_S3_ENDPOINT_URL"]
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def model_files(running: Servers) -> set[str]:
    return {key for key in keys(running) if "/models/" in key}


def disturbed(running: Servers, trial: Training, case: Case, seconds: float) -> None:
    """Train and kill servers meanwhile; start them again some seconds after it was noticed."""
    before = model_files(running)
    patience = "0" if case.back == AFTER else "600"
    process = trial.train(CTC_PATIENCE=patience)
    if case.when == TRAINING:
        trial.wait_for(process, (trial.working_folder / "state.npz").exists)
    else:
        trial.wait_for(process, lambda: len(model_files(running) - before) > 2)
    parts = [getattr(running, name) for name in case.parts]
    for part in parts:
        part.kill()
    if case.back == BACK:
        trial.wait_for(process, lambda: "warning: " in trial.said)
        time.sleep(seconds)
        running.start(*parts)
        trial.finish(process)
        return
    trial.finish(process)
    assert "mlflow run . -e sync -P run=" in trial.said
    running.start(*parts)
    if case.when == UPLOAD:
        assert trial.client.search_model_versions(f"name = '{trial.name}'") == []
    trial.sync(trial.run.info.run_id)


def main(seconds: float, first: int, last: int) -> None:
    """Do cases, from one to another, and print what became of each."""
    with tempfile.TemporaryDirectory() as name, servers(Path(name) / "server") as running:
        folder = Path(name)
        undisturbed = Training(folder, made_dataset(folder), "undisturbed", running.uri)
        undisturbed.finish(undisturbed.train())
        one = outcome(undisturbed)
        print("| killed | during the | they are | status | points | twice | files | registered |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for case in CASES[first:last]:
            trial = dataclasses.replace(undisturbed, name=case.name)
            disturbed(running, trial, case, seconds)
            other = outcome(trial)
            print(f"| {' and '.join(case.parts)} | {case.when} | {case.back} | {row(one, other)} |")
            sys.stdout.flush()
            check_same(one, other)


def row(one: Outcome, other: Outcome) -> str:
    same = sum(other.points.get(key) == values for key, values in one.points.items())
    there = sum(bool(other.files.get(key)) for key in one.files)
    cells: Sequence[object] = (
        other.status,
        f"{same} of {len(one.points)}",
        other.doubled,
        f"{there} of {len(one.files)}",
        "yes" if other.is_registered else "no",
    )
    return " | ".join(map(str, cells))


if __name__ == "__main__":
    main(float(sys.argv[1]), *map(int, sys.argv[2:] or (0, len(CASES))))
