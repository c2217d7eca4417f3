import re
from pathlib import Path

import pytest

from ctc.benchmark import dataset as made_up
from ctc.benchmark import predict as benchmark
from ctc.benchmark.dataset import draw_pictures, write_inventory
from ctc.benchmark.measuring import Measured
from ctc.params import BenchmarkParams

PARAMS = BenchmarkParams(part="predict", pictures=4, times=3, image_size=16, repeats=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_up, "SIZE", (640, 480))
        draw_pictures(folder, PARAMS.pictures)
    benchmark.save_classifier(str(folder), "tiny", PARAMS.image_size)
    return folder


def measured(count: int, seconds: float, peak: int = 1) -> Measured:
    return Measured(seconds, 0.5, 0.1, peak, (count, 0.4, seconds))


def test_rates_are_compared_within_a_turn() -> None:
    def turn(decode: float, network: float, whole: float) -> dict[str, Measured]:
        return {
            benchmark.DECODE: measured(100, decode),
            benchmark.NETWORK: measured(1000, network),
            "100 pictures to the table": measured(100, whole, 2_000_000),
        }

    # In the second turn the machine was slow, for all.
    turns = [turn(1.0, 1.0, 1.25), turn(4.0, 4.0, 5.0), turn(1.0, 1.0, 1.1)]
    row = benchmark._table(turns).set_index("what").loc["100 pictures to the table"]
    assert row["pictures_per_second"] == pytest.approx(80)
    assert row["of_the_slower_part"] == pytest.approx(0.8)
    assert row["of_both_in_turns"] == pytest.approx(0.8 * 1.1)
    assert row["peak_mb"] == 2


def test_every_picture_is_measured_on_its_way_to_the_table(folder: Path) -> None:
    count = PARAMS.pictures * PARAMS.times
    write_inventory(str(folder), PARAMS.pictures, count)
    found, cpu, seconds = benchmark.of_predicting(str(folder), count)
    assert (found, cpu > 0, seconds > 0) == (count, True, True)
    rows = (folder / "predictions.csv").read_text().splitlines()[1:]
    assert len(rows) == count
    assert not any("no such file" in row for row in rows)


def test_the_parts_are_measured_alone(folder: Path) -> None:
    for fit in (False, True):
        assert benchmark.of_decoding(str(folder), 9, PARAMS.image_size, fit)[0] == 9
    assert benchmark.of_network(str(folder))[0] == benchmark.STEPS * 64


def test_what_is_measured_has_names_that_a_metric_may_have(folder: Path) -> None:
    ways = benchmark._ways(folder, PARAMS)
    assert [*ways][3:] == ["4 pictures to the table", "12 pictures to the table"]
    for what in ways:
        assert re.fullmatch(r"[\w\-. :/]+", what)  # as MLflow says when it refuses one
