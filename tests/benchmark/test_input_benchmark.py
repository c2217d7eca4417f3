import math
from pathlib import Path

import pytest

from ctc.benchmark import dataset as made_up
from ctc.benchmark import input as benchmark
from ctc.benchmark.dataset import draw_pictures, write, write_inventory
from ctc.params import BenchmarkParams

CAPTURES = 70  # more than two batches


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("input")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_up, "SIZE", (640, 480))
        draw_pictures(folder, 2)
        write_inventory(str(folder), 2, CAPTURES)
        write(str(folder), CAPTURES)
    return str(Path(folder) / f"dataset-{CAPTURES}")


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "SIDE", 32)
    monkeypatch.setattr(benchmark, "STEPS", 3)


@pytest.mark.slow
def test_each_way_goes_through_the_pictures(dataset: str):
    counted = {what: way.function(*way.arguments) for what, way in benchmark._ways(dataset).items()}
    batch = benchmark.BATCH
    assert {what: count for what, (count, _, _) in counted.items()} == {
        "decode and resize alone": CAPTURES,
        "one operation after the other": 12,  # of a fourth of them, without the first batch
        "shards to batches": 2 * batch,
        "validation: shards to batches": 2 * batch,
        "the changes in the step": 2 * batch,
        "the changes in the step by XLA": 2 * batch,
    }
    assert all(cpu > 0 and seconds > 0 for _, cpu, seconds in counted.values())


def test_the_table_says_how_many_cores_a_gpu_needs():
    costs = {
        benchmark.FLOOR: [(100, 0.2, 0.1), (100, 0.4, 0.1), (100, 9.0, 0.1)],
        benchmark.PLAIN: [(10, 0.2, 0.1)],
        benchmark.OURS: [(100, 0.5, 0.2)],
    }
    table = benchmark._table(costs).set_index("what")
    assert list(table["cpu_ms_a_picture"][:3]) == pytest.approx([4.0, 20.0, 5.0])
    assert list(table["times_the_floor"][:3]) == pytest.approx([1.0, 5.0, 1.25])
    assert table["pictures_per_second"][benchmark.OURS] == pytest.approx(500)
    assert table["cores"]["a GPU of 1000 pictures a second"] == pytest.approx(5.0)
    assert math.isnan(table["cores"][benchmark.OURS])


@pytest.mark.slow
def test_every_way_is_measured_and_nothing_stays(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(made_up, "SIZE", (640, 480))
    place = tmp_path / "benchmark"
    params = BenchmarkParams(part="input", pictures=10, repeats=1, output=str(place))
    table = benchmark.benchmark_input(params).set_index("what")
    assert (table["cpu_ms_a_picture"].iloc[:6] > 0).all()
    assert table["times_the_floor"][benchmark.FLOOR] == 1
    assert not place.exists()
