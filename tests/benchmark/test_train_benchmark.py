import re
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest

from ctc.benchmark import dataset as made_up
from ctc.benchmark import train as benchmark
from ctc.benchmark.dataset import draw_pictures, write, write_inventory
from ctc.params import BenchmarkParams
from entrypoints.benchmark import fit_as_train_does

PARAMS = BenchmarkParams(part="train", pictures=10, image_size=16, steps=3, repeats=1)
LEARNT_FROM = 7  # of 10 pictures, a batch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_up, "SIZE", (640, 480))
        draw_pictures(folder, PARAMS.pictures)
    write_inventory(str(folder), PARAMS.pictures, PARAMS.pictures, validation=3)
    write(str(folder), PARAMS.pictures)
    return folder


def test_ratios_are_those_of_the_same_turn():
    def turn(memory: float, shards: float, fit: float) -> dict[str, benchmark.Cost]:
        ways = (benchmark.IN_MEMORY, benchmark.FROM_SHARDS, benchmark.FIT)
        seconds = (memory, shards, fit)
        return {what: (100, 0.4, s) for what, s in zip(ways, seconds, strict=True)}

    # In the second turn the machine was slow, for all.
    turns = [turn(1.0, 1.6, 2.0), turn(8.0, 10.0, 40.0), turn(1.0, 1.8, 2.0)]
    table = benchmark._table(turns).set_index("what")
    assert list(table["pictures_per_second"]) == pytest.approx([100.0, 100 / 1.8, 50.0])
    assert list(table["cpu_ms_a_picture"]) == pytest.approx([4.0, 4.0, 4.0])
    assert list(table["of_the_rate_in_memory"]) == pytest.approx([1.0, 1 / 1.6, 0.5])
    assert list(table["of_the_rate_from_shards"]) == pytest.approx([1.6, 1.0, 0.8])


def test_the_fit_loop_is_measured_without_its_first_epoch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    # Of three epochs, the first of which takes longest, as where all is made ready.
    now = iter([5.0, 6.0, 7.5])
    clock = SimpleNamespace(perf_counter=lambda: next(now), process_time=lambda: 0.0)
    monkeypatch.setattr(benchmark, "time", clock)
    cost = benchmark.of_fit(folder, PARAMS, lambda _plan, _folder, end: [end() for _ in "123"])
    assert cost == (2 * PARAMS.steps * LEARNT_FROM, 0.0, 2.5)


def test_what_is_measured_has_names_that_a_metric_may_have():
    for what in (benchmark.IN_MEMORY, benchmark.FROM_SHARDS, benchmark.FIT):
        assert re.fullmatch(r"[\w\-. :/]+", what)  # as MLflow says when it refuses one


def test_nothing_but_the_loss_is_computed_beside(folder: Path):
    plan = benchmark._plan(folder, PARAMS)
    model = benchmark._model(plan)
    assert [metric.name for metric in model.metrics] == ["loss"]
    assert (plan.training.steps, plan.training.batch_size) == (PARAMS.steps, LEARNT_FROM)


@pytest.mark.slow
def test_both_bare_loops_take_as_many_steps_as_the_fit_loop(folder: Path):
    for bare in (benchmark.of_batches_in_memory, benchmark.of_batches_from_shards):
        count, cpu, seconds = bare(folder, PARAMS)
        assert count == 2 * PARAMS.steps * LEARNT_FROM
        assert min(cpu, seconds) > 0


@pytest.mark.slow
def test_every_way_is_measured_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: None
):
    monkeypatch.setattr(made_up, "SIZE", (640, 480))
    place = tmp_path / "benchmark"
    params = BenchmarkParams(
        part="train", pictures=10, image_size=16, steps=2, repeats=1, output=str(place)
    )
    table = benchmark.benchmark_train(params, fit_as_train_does).set_index("what")
    assert list(table["pictures"]) == [2 * 2 * LEARNT_FROM] * 3
    assert (table["cpu_ms_a_picture"] > 0).all()
    assert table["of_the_rate_in_memory"][benchmark.IN_MEMORY] == 1
    assert not place.exists()
    assert mlflow.search_runs(search_all_experiments=True).empty  # the store that was set
