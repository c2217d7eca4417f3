"""Servers that are killed while a step is at work: real ones, of S3 and of MLflow."""

import dataclasses
from collections.abc import Iterator

import pytest
from made_up_server import Servers, servers
from outages import (
    AFTER,
    BACK,
    BOTH,
    S3,
    TRACKING,
    TRAINING,
    UPLOAD,
    Case,
    Outcome,
    Training,
    check_same,
    disturbed,
    outcome,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with servers(tmp_path_factory.mktemp("server")) as both:
        yield both


@pytest.fixture(scope="module")
def undisturbed(running, small_dataset, tmp_path_factory) -> tuple[Training, Outcome]:
    folder = tmp_path_factory.mktemp("trainings")
    trial = Training(folder, small_dataset.folder, "undisturbed", running.uri)
    trial.finish(trial.train())
    return trial, outcome(trial)


# tests/outages.py has them all.
@pytest.mark.parametrize(
    "case",
    [
        Case(S3, UPLOAD, BACK),
        Case(TRACKING, TRAINING, BACK),
        Case(BOTH, UPLOAD, AFTER),
        Case(BOTH, TRAINING, AFTER),
    ],
    ids=lambda case: case.name,
)
def test_a_training_whose_servers_are_killed_ends_as_if_undisturbed(
    running: Servers, undisturbed: tuple[Training, Outcome], case: Case
) -> None:
    trial = dataclasses.replace(undisturbed[0], name=case.name)
    disturbed(running, trial, case, seconds=1)
    check_same(undisturbed[1], outcome(trial))
    assert trial.said.count("warning: ") == 1
    assert not trial.journals.exists()
