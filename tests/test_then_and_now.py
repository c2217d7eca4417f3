"""docs/then_and_now.md: each command of 2019 has one today, which is run as it stands there."""

import json
import os
import re
import signal

import pytest
from test_mlflow_run import ROOT, Clone, clone, wait_for
from test_readme import commands, params_of, step_of

from ctc.parameter import build
from ctc.params import STEPS

__all__ = ["clone"]  # the fixture

TEXT = (ROOT / "docs" / "then_and_now.md").read_text()
COMMANDS = commands(TEXT)
BEHAVIOURS = ("standing", "resting", "moving", "eating", "interacting", "babies")
# What is made smaller; everything else is run as it stands.
SMALLER = {
    "sample": {"captures": 100, "size": 96},
    "dataset": {"max_side": 96},
    "train": {"epochs": 2, "image_size": 32, "batch_size": 16},
    "promote": {"force": "yes"},  # two epochs may be no better than guessing
}

KILLED_OF = 60  # epochs, of a training that is killed after two: a fast machine takes 0.1 s each


def rows_of_options() -> list[tuple[str, list[str], str]]:
    """Step, options of then and what stands for today, of each row of the table."""
    rows, step = [], ""
    for line in TEXT.partition("## Options")[2].splitlines():
        then, now = line.split("|")[1:3] if line.count("|") >= 3 else ("", "")
        if "**" in then:
            step = now.strip(" `")
        elif step:
            rows.append((step, re.findall(r"`(-[a-z_]+)", then), now))
    return rows


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_parameters_that_exist(command):
    build(STEPS[step_of(command)], params_of(command))


def test_every_option_of_the_commands_of_then_stands_in_the_table():
    blocks = " ".join(re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL))
    used = {*re.findall(r"(?<=\s)-[a-z_]{2,}", blocks)}
    assert used == {*used} & {name for _, then, _ in rows_of_options() for name in then}
    assert len(used) > 30


def test_every_parameter_that_the_table_names_exists():
    for step, _, now in rows_of_options():
        for name in re.findall(r"`([a-z_]+)(?:=\w+)?`(?! of)", now):
            of = re.search(rf"`{name}` of `(\w+)`", now)
            assert name in STEPS[of[1] if of else step].__dataclass_fields__ or name in STEPS, now


class Line:
    """The commands, run one after the other, and what they left."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        self.done = 0

    def run(self, commands: int) -> None:
        """Run what has not been run of the first `commands`."""
        mapping = self.clone.folder / "data" / "southern" / "label_mapping.json"
        mapping.parent.mkdir(parents=True, exist_ok=True)
        mapping.write_text(re.search(r"echo '(.*)' > data/southern/label_mapping.json", TEXT)[1])
        for command in COMMANDS[self.done : commands]:
            params = {**params_of(command), **SMALLER.get(step_of(command), {})}
            if params.get("resume") == "RUN_ID":
                params = {"resume": self.crashed()}
            if "model" in params:
                params["model"] = "tiny"
            if "RUN_ID" in str(params.get("parent")):
                former = self.run_of("southern/empty_model")
                params["parent"] = str(params["parent"]).replace("RUN_ID", former)
            done = self.clone.run(step_of(command), **params)
            assert done.returncode == 0, f"{' '.join(command)}: {done.stderr[-3000:]}"
            self.done += 1

    def crashed(self) -> str:
        """Start the training of the species model, kill it after two epochs; return its id."""
        asked = next(params_of(c) for c in COMMANDS if params_of(c).get("register") == "species")
        own = {
            "model": "tiny",
            "epochs": KILLED_OF,
            "output": "data/southern/crashed",
            "register": "none",
        }
        before = {run.info.run_id for run in self.clone.runs("train")}
        process = self.clone.start("train", **{**asked, **SMALLER["train"], **own})

        def begun() -> list[str]:
            runs = [run for run in self.clone.runs("train") if run.info.run_id not in before]
            ids = [run.info.run_id for run in runs]
            return [i for i in ids if len(self.losses(i)) >= 2]

        wait_for(begun, 600)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        return begun()[0]

    def losses(self, run_id: str) -> dict[int, float]:
        """val/loss of a run by epoch."""
        history = self.clone.client.get_metric_history(run_id, "val/loss")
        return {point.step: point.value for point in history}

    def run_of(self, output: str) -> str:
        """Return the id of the latest training that wrote a folder of this name."""
        runs = self.clone.runs("train")
        return next(r.info.run_id for r in runs if r.data.params.get("output", "").endswith(output))

    def about(self, folder: str) -> dict:
        """What the classifier in a folder says of itself."""
        return json.loads((self.clone.folder / "data" / folder / "classifier.json").read_text())

    def classes(self, folder: str) -> dict[str, list[str]]:
        return {label["name"]: label["classes"] for label in self.about(folder)["labels"]}


@pytest.fixture(scope="module")
def begun(clone: Clone) -> Line:
    return Line(clone)


@pytest.fixture
def line(begun: Line) -> Line:
    """All commands have been run."""
    begun.run(len(COMMANDS))
    return begun


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(COMMANDS)))
def test_every_command_works_after_those_before_it(begun: Line, place: int):
    begun.run(place + 1)


@pytest.mark.slow
def test_the_species_model_answers_eight_labels_and_is_promoted(line):
    classes = line.classes("southern/species_model")
    assert {*classes} == {"species", "count", *BEHAVIOURS}
    assert classes["species"] == ["elephant", "giraffe", "lion"]
    version = line.clone.client.get_model_version_by_alias("species", "champion")
    assert version.run_id == line.run_of("southern/species_model")


@pytest.mark.slow
def test_the_empty_model_learns_from_as_many_captures_with_an_animal_as_without(line):
    assert line.classes("southern/empty_model") == {"empty": ["empty", "species"]}
    manifest = line.clone.folder / "data" / "southern" / "empty_or_not" / "dataset.json"
    counts = json.loads(manifest.read_text())["labels"]["empty"]["train"]
    assert counts["empty"] == counts["species"] > 0


@pytest.mark.slow
def test_transfer_answers_new_classes_under_a_new_name(line):
    assert line.classes("west/model")["species_panthera"] == ["ostrich", "zebra"]
    origin = line.about("west/model")["origin"]
    assert (origin["strategy"], origin["parent"]["resolved"]) == ("transfer", "models:/species/1")


@pytest.mark.slow
def test_fine_tuning_keeps_the_labels_of_the_registered_model(line):
    child, parent = line.about("later/species_model"), line.about("southern/species_model")
    assert child["labels"] == parent["labels"]
    assert child["origin"]["datasets"] != parent["origin"]["datasets"]
    origin = child["origin"]
    assert (origin["strategy"], origin["parent"]["resolved"]) == ("finetune", "models:/species/1")


@pytest.mark.slow
def test_after_a_crash_the_same_run_goes_on_to_its_end(line):
    run = line.clone.client.get_run(line.run_of("southern/crashed"))
    assert run.info.status == "FINISHED"
    assert sorted(line.losses(run.info.run_id)) == [*range(KILLED_OF)]
    assert line.classes("southern/crashed") == line.classes("southern/species_model")


@pytest.mark.slow
def test_captures_of_other_places_are_mixed_in(line):
    mixed = line.about("later/mixed_model")["origin"]["datasets"]
    assert mixed == [
        *line.about("later/species_model")["origin"]["datasets"],
        *line.about("southern/species_model")["origin"]["datasets"],
    ]


@pytest.mark.slow
def test_more_data_continue_the_run_that_is_named_in_a_run_of_its_own(line):
    former = line.run_of("southern/empty_model")
    origin = line.about("later/empty_model")["origin"]
    assert (origin["strategy"], origin["parent"]["run_id"]) == ("finetune", former)
    run = line.clone.client.get_run(line.run_of("later/empty_model"))
    assert run.info.run_id != former
    assert float(run.data.params["learning_rate"]) == 0.001
