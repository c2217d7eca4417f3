"""The rooms of the house: what may import what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A room may import the rooms before it, and the package `ctc` itself.
LINE = (
    "errors", "networks", "provenance", "parameter", "params", "progress", "storage", "labels",
    "tasks", "pictures", "sample", "inventory", "dataset", "model", "prediction", "evaluation",
    "benchmark",
)  # fmt: skip
ALLOWED = {room: set(LINE[:place]) for place, room in enumerate(LINE)} | {
    "storage": {"errors"},
    "mlproject": {"parameter", "params"},
    "tracking": {"errors", "storage", "parameter", "provenance"},
    "server": {"errors", "params", "storage"},
}
EXCEPTIONS = {"ctc/tracking/served.py": {"model", "prediction"}}
# A library is imported below its home alone.
HOMES = {
    "boto3": ("ctc/storage",),
    "botocore": ("ctc/storage",),
    "mlflow": ("ctc/tracking",),
    "click": ("entrypoints",),
    "onnxruntime": ("ctc/model/exporting",),
    "ai_edge_litert": ("ctc/model/exporting",),
    "psycopg2": ("ctc/server",),
    "jinja2": ("ctc/evaluation/pages",),
    "ray": (
        "ctc/tasks/joining.py",
        "ctc/tasks/cluster.py",  # tasks
        "ctc/tasks/hosts.py",  # one training on several machines
    ),
    "jax": ("ctc/model/fitting/on_host.py",),  # that Keras computes with; what it raises is named
    "tensorflow": (
        "ctc/dataset/reading",
        "ctc/model/devices.py",  # opens a strategy
        "ctc/benchmark/plain.py",  # is measured beside what `reading` does
    ),
}


def violations(root: Path) -> list[str]:
    """Every import below `ctc` and `entrypoints` that breaks a rule, as `file: import`."""
    files = sorted(path for name in ("ctc", "entrypoints") for path in (root / name).rglob("*.py"))
    assert files, f"no Python file below {root}"
    return [
        f"{path.relative_to(root).as_posix()}: {name}"
        for path in files
        for name in imported(path, root)
        if not may_import(path.relative_to(root), name)
    ]


def imported(path: Path, root: Path) -> Iterator[str]:
    """The full names a file imports, anywhere in it; `from a import b` is `a.b`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = path.relative_to(root).parts[: -node.level] if node.level else ()
            module = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def may_import(file: Path, name: str) -> bool:
    top, *rest = name.split(".")
    if top in HOMES:
        return any(file.is_relative_to(home) for home in HOMES[top])
    if file.parts[0] == "entrypoints":
        return True
    if top == "entrypoints":
        return False
    return top != "ctc" or may_enter(file, rest[0] if rest else "")


def may_enter(file: Path, room: str) -> bool:
    own = file.parts[1].removesuffix(".py")
    is_room = room in ALLOWED
    if own == "__init__":
        return not is_room
    known = ALLOWED.get(own, set()) | EXCEPTIONS.get(file.as_posix(), set())
    return room == own or not is_room or room in known


def plant(root: Path, file: str, line: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import os\n\n\ndef inner():\n    {line}\n    return os\n")


def test_every_room_has_its_place():
    rooms = {path.name.removesuffix(".py") for path in (ROOT / "ctc").iterdir()}
    assert rooms - {"__init__", "__pycache__"} == set(ALLOWED)


def test_no_import_of_the_project_breaks_a_rule():
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        ("ctc/errors.py", "import ctc.networks", "ctc.networks"),
        ("ctc/networks.py", "from ctc.parameter import Words", "ctc.parameter.Words"),
        ("ctc/labels.py", "from ctc import tasks", "ctc.tasks"),
        ("ctc/labels.py", "from . import tasks", "ctc.tasks"),
        ("ctc/storage/local.py", "from ctc.progress import Progress", "ctc.progress.Progress"),
        ("ctc/storage/deep/x.py", "from ...labels import Label", "ctc.labels.Label"),
        ("ctc/inventory/sources/x.py", "from ctc.dataset import manifest", "ctc.dataset.manifest"),
        ("ctc/dataset/x.py", "import ctc.model.classifier as c", "ctc.model.classifier"),
        ("ctc/prediction/x.py", "from ctc.evaluation import metrics", "ctc.evaluation.metrics"),
        ("ctc/params/line.py", "from ctc.mlproject import render", "ctc.mlproject.render"),
        ("ctc/mlproject.py", "from ctc.labels import NAME", "ctc.labels.NAME"),
        ("ctc/__init__.py", "from ctc import errors", "ctc.errors"),
        ("ctc/evaluation/x.py", "from ctc import tracking", "ctc.tracking"),
        ("ctc/model/x.py", "from ctc.tracking.runs import Run", "ctc.tracking.runs.Run"),
        ("ctc/evaluation/x.py", "import entrypoints.train", "entrypoints.train"),
        ("ctc/tracking/runs.py", "from entrypoints import train", "entrypoints.train"),
        ("ctc/tracking/runs.py", "from ctc.model import classifier", "ctc.model.classifier"),
        ("ctc/tracking/served.py", "from ctc.dataset import manifest", "ctc.dataset.manifest"),
        ("ctc/dataset/x.py", "import boto3", "boto3"),
        ("entrypoints/x.py", "from botocore import exceptions", "botocore.exceptions"),
        ("ctc/model/x.py", "import mlflow.pyfunc", "mlflow.pyfunc"),
        ("entrypoints/x.py", "import mlflow", "mlflow"),
        ("ctc/parameter.py", "import click", "click"),
        ("ctc/model/x.py", "import tensorflow as tf", "tensorflow"),
        ("entrypoints/x.py", "import tensorflow", "tensorflow"),
        ("ctc/tasks/pool.py", "import ray", "ray"),
        ("entrypoints/x.py", "from ray import train", "ray.train"),
        ("ctc/model/fitting/over_hosts.py", "import ray", "ray"),
        ("ctc/model/fitting/training.py", "import jax.numpy", "jax.numpy"),
        *(
            (f"ctc/dataset/{name}.py", "from tensorflow import io", "tensorflow.io")
            for name in ("records", "shards", "planning", "writing", "manifest")
        ),
    ],
)
def test_an_import_that_breaks_a_rule_is_found(tmp_path, file, line, found):
    plant(tmp_path, file, line)
    assert violations(tmp_path) == [f"{file}: {found}"]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("ctc/tracking/served.py", "from ctc.model.classifier import Classifier"),
        ("ctc/tracking/served.py", "from ctc.prediction.asking import predicting"),
        ("ctc/tracking/runs.py", "from ctc import __version__, storage"),
        ("ctc/mlproject.py", "from ctc.params import STEPS"),
        ("ctc/dataset/reading/x.py", "import tensorflow as tf"),
        ("ctc/model/devices.py", "import tensorflow as tf"),
        ("ctc/evaluation/x.py", "from ctc.errors import BadInput"),
        ("ctc/storage/x.py", "from . import local"),
        ("entrypoints/x.py", "from ctc.tracking import Run"),
    ],
)
def test_an_import_that_keeps_the_rules_is_not_reported(tmp_path, file, line):
    plant(tmp_path, file, line)
    assert violations(tmp_path) == []


def loaded(modules: str, of: set[str]) -> set[str]:
    """Which of some modules are there when others have been imported in a fresh process."""
    code = f"import sys; import {modules}; print(*{of} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {*done.stdout.split()}


def test_a_training_on_one_machine_does_not_load_ray():
    modules = "entrypoints.train, ctc.model.fitting.training"
    assert loaded(modules, {"ray", "ctc.tasks.hosts"}) == set()


def test_a_process_that_writes_shards_does_not_load_tensorflow():
    heavy = {"tensorflow", "keras", "mlflow", "boto3", "ray"}
    assert loaded("ctc.dataset.writing, ctc.tasks", heavy) == set()
