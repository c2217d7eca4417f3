"""The README's commands: each exists, and each is run as a user would run it."""

import csv
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from test_mlflow_run import ROOT, SAMPLE, Clone, clone

from ctc.parameter import build
from ctc.params import STEPS

__all__ = ["clone"]  # the fixture

README = (ROOT / "README.md").read_text()
DOCS = ("data.md", "training.md", "evaluation.md", "promotion.md", "prediction.md", "serving.md")
# What these show is run by tests of their own.
ELSEWHERE = ("then_and_now.md", "transfer.md", "server.md", "ec2.md", "cluster.md")
ALL = "\n".join([README, *((ROOT / "docs" / name).read_text() for name in DOCS)])
# A command has to be shown to run, not to learn: these make it a matter of seconds.
SHORTER = {
    "sample": SAMPLE,
    "train": {"epochs": 1},
    "main": {"epochs": 1, "image_size": 32},
    "benchmark": {"rows": 1000, "pictures": 10, "steps": 2, "repeats": 1},
}


def commands(text: str = ALL) -> list[list[str]]:
    """Every `mlflow run` in a shell block, as words."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    return [shlex.split(line) for line in blocks.splitlines() if line.startswith("mlflow run")]


def step_of(command: list[str]) -> str:
    return command[command.index("-e") + 1] if "-e" in command else "main"


def params_of(command: list[str]) -> dict[str, str]:
    pairs = [command[i + 1] for i, word in enumerate(command) if word == "-P"]
    return dict(pair.split("=", 1) for pair in pairs)


def test_every_step_stands_in_the_readme():
    assert {step_of(command) for command in commands()} == {*STEPS}
    for step in STEPS:
        assert f"| `{step}` |" in README


@pytest.mark.parametrize(
    "command",
    [
        *commands(),
        *(one for name in ELSEWHERE for one in commands((ROOT / "docs" / name).read_text())),
    ],
    ids=" ".join,
)
def test_every_command_has_parameters_that_exist(command):
    build(STEPS[step_of(command)], params_of(command))


def test_every_make_target_that_it_names_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile, target


def test_the_picture_it_shows_is_there():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / path).is_file(), path


def own_survey(folder: Path, sample: Path) -> None:
    """Make `survey/photos.csv` as the README describes it, from pictures of the sample."""
    captures: dict[str, list[dict[str, str]]] = {}
    with (sample / "table.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            captures.setdefault(row["capture_id"], []).append(row)
    folder.mkdir()
    with (folder / "photos.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image1", "image2", "image3", "species", "count", "site"])
        for name, rows in captures.items():
            images = [str(sample / row["dir"]) for row in rows]
            images += [""] * (3 - len(images))
            writer.writerow(
                [name, *images, rows[0]["species"], rows[0]["count"], rows[0]["location"]]
            )
            if rows[0]["species"]:
                place = folder / "sorted" / rows[0]["species"]
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(images[0], place / f"{name}.jpg")


@pytest.mark.slow
@pytest.mark.timeout(3600)  # half a hundred commands
def test_every_command_works_one_after_the_other_as_it_stands(clone: Clone):
    for command in commands():
        step, params = step_of(command), params_of(command)
        if step == "main" and not (clone.folder / "survey").exists():
            own_survey(clone.folder / "survey", clone.folder / "data" / "sample")
        later = {"epochs": 2, "unfreeze_epoch": 2} if "unfreeze_epoch" in params else {}
        if "RUN_ID" in " ".join(command):
            latest = clone.runs("train")[0].info.run_id
            params = {name: text.replace("RUN_ID", latest) for name, text in params.items()}
        if "resume" in params:  # after one epoch, or two
            later = {"epochs": 3}
        done = clone.run(step, **{**params, **SHORTER.get(step, {}), **later})
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-3000:]}"
    snippet = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert snippet
    photo = next((clone.folder / "data" / "sample").rglob("*.jpg"))
    (clone.folder / "photo.jpg").write_bytes(photo.read_bytes())
    subprocess.run(
        ["python", "-W", "ignore", "-c", snippet[1]],
        cwd=clone.folder,
        env=clone.environment,
        check=True,
        capture_output=True,
    )
