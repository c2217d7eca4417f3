import hashlib
import io
import math
import time
from pathlib import Path

import pytest
from PIL import Image

from ctc.benchmark import dataset as benchmark
from ctc.benchmark import measuring
from ctc.benchmark.dataset import SCENES, benchmark_dataset, draw_pictures
from ctc.benchmark.measuring import machine, measure
from ctc.params import BenchmarkParams
from ctc.tasks import run_tasks

BUSY_S = 0.4
HELD = 200_000_000  # bytes


def be_busy(seconds: float) -> float:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds


def be_busy_in_workers(tasks: int) -> int:
    return len(list(run_tasks(be_busy, [BUSY_S] * tasks, 2)))


def hold(size: int) -> int:
    data = bytearray(size)
    data[:: 2**12] = b"x" * len(data[:: 2**12])
    time.sleep(1)
    return len(data)


def hold_in_a_worker(size: int) -> int:
    return sum(held for _, held in run_tasks(hold, [size], 1))


def fail() -> None:
    raise LookupError("no luck")


def test_the_processor_time_of_a_call_is_measured():
    measured = measure(be_busy, BUSY_S)
    assert measured.result == BUSY_S
    # The clocks of a shared machine do not agree: these tell what was counted, not how long.
    assert 0.5 * BUSY_S < measured.cpu_seconds < 10 * BUSY_S
    assert measured.seconds > 0
    assert measured.start_cpu_seconds > 0.01


def test_the_processor_time_of_workers_counts():
    measured = measure(be_busy_in_workers, 3)
    assert measured.cpu_seconds > 2 * BUSY_S


@pytest.mark.parametrize("function", [hold, hold_in_a_worker])
def test_the_memory_of_a_call_and_of_its_workers_is_measured(function):
    measured = measure(function, HELD)
    assert HELD < measured.peak_bytes < HELD + 400_000_000


def test_a_call_that_fails_is_not_measured(capfd):
    with pytest.raises(RuntimeError, match="fail did not return"):
        measure(fail)
    assert "no luck" in capfd.readouterr().err


def test_the_machine_is_described():
    assert set(machine()) == {"processor", "cores", "memory", "python"}
    assert all(machine().values())


def test_drawn_pictures_are_of_three_megapixels_and_no_two_the_same_file(tmp_path):
    draw_pictures(tmp_path, SCENES + 1)
    data = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    assert len({hashlib.sha256(one).digest() for one in data}) == SCENES + 1
    for one in (data[0], data[-1]):
        with Image.open(io.BytesIO(one)) as image:
            assert (image.format, image.size) == ("JPEG", (2048, 1536))
            image.load()
        assert 400_000 < len(one) < 1_500_000  # as cameras write them


@pytest.fixture
def small(monkeypatch) -> None:
    monkeypatch.setattr(benchmark, "SIZE", (640, 480))


@pytest.mark.usefixtures("small")
def test_the_benchmark_has_a_row_a_way_and_leaves_nothing(tmp_path):
    place = tmp_path / "benchmark"
    params = BenchmarkParams(part="dataset", pictures=10, times=2, repeats=1, output=str(place))
    table = benchmark_dataset(params).set_index("what")
    assert list(table.index) == [
        "decode and encode alone",
        "the same with resizing",
        "dataset of 10",
        "dataset of 20",
        "each further picture",
    ]
    assert list(table["pictures"]) == [10, 10, 10, 20, 10]
    assert table["times_the_floor"].iloc[0] == 1
    assert table["times_the_floor"]["dataset of 10"] > 1
    assert (table["with_start"] > table["times_the_floor"]).iloc[:4].all()
    assert (table.drop(columns=["cores_busy", "peak_mb"]).iloc[:4] > 0).all(axis=None)
    assert not place.exists()


@pytest.mark.usefixtures("small")
def test_the_made_up_pictures_are_removed_when_the_benchmark_fails(tmp_path, monkeypatch):
    def broken(function, *arguments, modules):
        assert any(Path(arguments[0]).glob("*.jpg"))
        raise LookupError("no luck")

    monkeypatch.setattr(measuring, "measure", broken)
    (tmp_path / "mine.txt").touch()
    (tmp_path / "dataset").mkdir()  # which is not of a benchmark
    with pytest.raises(LookupError):
        benchmark_dataset(BenchmarkParams(part="dataset", pictures=10, output=str(tmp_path)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "mine.txt"]


def test_where_more_pictures_take_no_longer_there_is_no_figure():
    rows = [
        {"what": f"dataset of {n}", "pictures": n, "seconds": 3.0 - n, "cpu_seconds": 1.0 + n}
        for n in (1, 2)
    ]
    (further,) = benchmark._further(rows)
    assert math.isnan(further.pop("seconds"))
    assert further == {"what": "each further picture", "pictures": 1, "cpu_seconds": 1.0}
