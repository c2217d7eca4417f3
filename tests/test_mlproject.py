import tomllib
from pathlib import Path

import pytest
import yaml

from ctc import mlproject
from ctc.parameter import as_text, parameters
from ctc.params import STEPS

ROOT = Path(__file__).parent.parent


def test_mlproject_is_what_the_parameters_say():
    assert (ROOT / "MLproject").read_text() == mlproject.render(), "run `make mlproject`"


@pytest.fixture(scope="module")
def project():
    from mlflow.projects._project_spec import load_project

    return load_project(str(ROOT))


def test_mlflow_finds_every_step(project):
    assert set(project._entry_points) == set(STEPS)
    assert project.name == "ctc"


@pytest.mark.parametrize("step", STEPS)
def test_mlflow_reads_types_and_defaults_as_declared(project, step):
    declared = {p.name: (p.kind, as_text(p.default)) for p in parameters(STEPS[step])}
    found = project.get_entry_point(step).parameters
    assert {name: (one.type, str(one.default)) for name, one in found.items()} == declared


@pytest.mark.parametrize("step", STEPS)
def test_mlflow_passes_every_parameter_by_its_name(project, step, tmp_path):
    entry = project.get_entry_point(step)
    given = {p.name: "7" if p.kind == "float" else "a b*" for p in parameters(STEPS[step])}
    command = entry.compute_command(given, str(tmp_path))
    words = command.replace("'a b*'", "text").split()
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert words[:3] == ["python", "-m", f"entrypoints.{step}"]
    assert options == {f"--{name}": "7" if one == "7" else "text" for name, one in given.items()}


def test_conda_installs_what_pyproject_asks_for():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "conda.yaml").read_text())["dependencies"]
    pip = next(part["pip"] for part in conda if isinstance(part, dict))
    extras = asked["optional-dependencies"]
    assert sorted(pip) == sorted(asked["dependencies"] + extras["cpu"] + extras["export"])
    assert "python=3.11" in conda
