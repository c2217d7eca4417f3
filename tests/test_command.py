import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from ctc.errors import BadInput
from ctc.parameter import parameters
from ctc.params import STEPS, PromoteParams, TrainParams
from entrypoints.command import step_command

ROOT = Path(__file__).parent.parent
SLOW = {"tensorflow", "mlflow", "keras", "pandas"}


def command(step: str):
    return import_module(f"entrypoints.{step}").main


def run(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *args], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("step", STEPS)
def test_help_names_every_option_and_loads_nothing_slow(step):
    done = run("-X", "importtime", "-m", f"entrypoints.{step}", "--help")
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0, done.stderr
    assert "entrypoints.command" in loaded
    assert not SLOW & loaded
    assert all(f"--{p.name} {p.kind.upper()}" in done.stdout for p in parameters(STEPS[step]))


@pytest.mark.parametrize("step", STEPS)
def test_a_command_hands_on_its_parameters(step):
    seen = []
    own = step_command(STEPS[step])(seen.append)
    result = CliRunner().invoke(own, [])
    assert (result.exit_code, result.output) == (0, "")
    assert seen == [STEPS[step]()]


def test_options_are_parsed_into_parameters():
    seen = []
    args = ["--epochs", "3", "--labels=empty, 'a b'", "--register", "none", "--seed", "0"]
    result = CliRunner().invoke(step_command(TrainParams)(seen.append), args)
    assert (result.exit_code, result.output) == (0, "")
    assert seen == [TrainParams(epochs=3, labels=("empty", "a b"), register=None, seed=0)]


REFUSED = [
    (
        "train",
        ["--epoch", "3"],
        ["unknown parameter 'epoch' (did you mean 'epochs'?)", "val_split"],
    ),
    (
        "promote",
        ["--xyz", "3"],
        ["unknown parameter 'xyz'; allowed: batch_size, private, name, version, alias"],
    ),
    (
        "promote",
        ["-x", "3"],
        ["unknown parameter 'x'; allowed: batch_size, private, name, version, alias"],
    ),
    ("train", ["--epochs", "many"], ["epochs: found 'many'; allowed: a whole number"]),
    ("train", ["--learning_rate", "x"], ["learning_rate: found 'x'; allowed: a number"]),
    ("dataset", ["--quality", "101"], ["found 101; allowed: at least 1 and at most 100"]),
    ("sample", ["--captures", "9"], ["captures: found 9; allowed: at least 10"]),
    ("main", ["--model", "VGG"], ["unknown model 'VGG'", "ResNet18", "ConvNeXtTiny"]),
    ("inventory", ["--source", "xml"], ["unknown source 'xml'; allowed: csv, folders, json, coco"]),
    ("inventory", ["--source", "a\nb"], ["unknown source 'a b'"]),
    ("predict", ["--image_columns", "'a"], ["image_columns: a quote", "not closed"]),
    ("evaluate", ["--split"], ["'--split' requires an argument"]),
    ("evaluate", ["test"], ["unexpected extra argument (test)"]),
]


def is_refused(code: int, output: str, errors: str, said: list[str]) -> None:
    assert (code, output) == (2, "")
    assert errors.startswith("Error: ")
    assert errors.endswith("\n")
    assert errors.count("\n") == 1
    for part in said:
        assert part in errors


@pytest.mark.parametrize(("step", "args", "said"), REFUSED)
def test_a_command_line_that_cannot_work_is_refused_in_one_line(step, args, said):
    result = CliRunner().invoke(command(step), args)
    is_refused(result.exit_code, result.stdout, result.stderr, said)


@pytest.mark.parametrize(("step", "args", "said"), [REFUSED[0], REFUSED[5]])
def test_a_process_refuses_in_one_line(step, args, said):
    done = run("-m", f"entrypoints.{step}", *args)
    is_refused(done.returncode, done.stdout, done.stderr, said)


def test_bad_input_that_is_found_later_is_refused_in_one_line():
    def work(params: PromoteParams) -> None:
        raise BadInput(f"no model '{params.name}'")

    result = CliRunner().invoke(step_command(PromoteParams)(work), ["--name", "x"])
    is_refused(result.exit_code, result.stdout, result.stderr, ["Error: no model 'x'\n"])


def test_an_interrupt_ends_with_the_code_of_a_shell():
    def work(params: PromoteParams) -> None:
        raise KeyboardInterrupt

    assert CliRunner().invoke(step_command(PromoteParams)(work), []).exit_code == 130


def test_a_fault_of_the_program_is_not_hidden():
    def work(params: PromoteParams) -> None:
        raise ZeroDivisionError

    result = CliRunner().invoke(step_command(PromoteParams)(work), [])
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_file_that_cannot_be_written_is_named_without_a_traceback():
    def fail(_params):
        raise FileNotFoundError(2, "No such file or directory", "/nowhere/x.csv")

    result = CliRunner().invoke(step_command(PromoteParams)(fail), [])
    assert result.exit_code == 1
    assert result.output == "Error: '/nowhere/x.csv': No such file or directory\n"


@pytest.mark.parametrize("file", [None, "data/x.tfrecord"])
def test_a_full_disk_is_one_sentence_that_says_what_to_do(file):
    def fail(_params):
        raise OSError(28, "Error writing bytes to file. Detail: [errno 28]", file)

    result = CliRunner().invoke(step_command(PromoteParams)(fail), [])
    where = f"'{file}': " if file else ""
    said = f"Error: {where}No space left on device; make room and give the same command again\n"
    assert (result.exit_code, result.output) == (1, said)


def test_an_error_of_the_system_that_is_about_no_file_is_not_hidden():
    def fail(_params):
        raise OSError(12, "Cannot allocate memory")

    assert isinstance(CliRunner().invoke(step_command(PromoteParams)(fail), []).exception, OSError)


def test_what_is_printed_stands_in_a_log_at_once():
    code = (
        "import os\nfrom ctc.params import PromoteParams\n"
        "from entrypoints.command import step_command\n"
        "@step_command(PromoteParams)\n"
        "def main(params):\n    print('first line')\n    os._exit(0)\n"  # nothing is flushed
        "main()\n"
    )
    assert run("-c", code).stdout == "first line\n"
