"""How fast pictures on disk become a table of predictions, beside the parts of that work."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctc.benchmark.dataset import draw_pictures, write_inventory
from ctc.benchmark.measuring import (
    Cost,
    Measured,
    Way,
    cost_after_first,
    cost_row,
    in_turns,
    measure,
    rate,
    temporary_folder,
)
from ctc.params import BenchmarkParams

if TYPE_CHECKING:  # a fresh process that is measured imports this file: it stays small
    import pandas as pd

    from ctc.model.classifier import Classifier

DRAWN = 200  # pictures at most; a run of more reads each several times
DECODE, NETWORK = "scaled decode alone", "predict_on_batch alone"
FIT = "decode and fit alone"
STEPS = 40  # batches that the network is asked about
CLASSIFIER = "classifier"


def benchmark_predict(params: BenchmarkParams) -> "pd.DataFrame":
    """Measure on made-up pictures, removed at the end; each way in fresh processes.

    Decoding is what each picture needs first: its file is read and decoded at the smallest scale
    that is as large as the network's picture, by as many threads as there are cores; fitting brings
    it to the size of that. The network is asked about one batch in memory, again and again.
    Predicting is all that `predict` does but for its run: from the inventory to the written table,
    without the start of Python and the first batch, for which the network is made ready.

    Returns:
        A row a way: `what`, `pictures`, the medians `cpu_ms_a_picture`, `pictures_per_second` and
        `peak_mb` (of all processes, with Python itself), and of predicting the medians of the
        ratios of its rate to that of the slower part in the same turn, `of_the_slower_part`, and to
        that of both parts one after the other on the same cores, `of_both_in_turns`.
    """
    with temporary_folder(params.output, "predict-") as folder:
        draw_pictures(folder, min(params.pictures, DRAWN))
        measure(save_classifier, str(folder), params.model, params.image_size)
        ways = _ways(folder.resolve(), params)
        turns = in_turns(ways, params.repeats)
    return _table(turns)


def _ways(folder: Path, params: BenchmarkParams) -> dict[str, Way]:
    drawn, side = min(params.pictures, DRAWN), params.image_size
    ways: dict[str, Way] = {
        DECODE: Way(of_decoding, (str(folder), params.pictures, side, False)),
        FIT: Way(of_decoding, (str(folder), params.pictures, side, True)),
        NETWORK: Way(of_network, (str(folder),)),
    }
    for count in sorted({params.pictures, params.pictures * params.times}):
        write_inventory(str(folder), drawn, count)
        ways[f"{count} pictures to the table"] = Way(of_predicting, (str(folder), count))
    return ways


def save_classifier(folder: str, model: str, side: int) -> None:
    """Save a network that has learnt nothing, which takes it as long to answer."""
    from ctc.dataset.image_spec import ImageSpec
    from ctc.labels import Label
    from ctc.model.classifier import Classifier, Origin
    from ctc.model.network.backbones import build_network
    from ctc.model.seen import Seen

    labels = (Label("species", ("empty", "lion", "zebra")),)
    image = ImageSpec(side, side)
    seen = Seen({"species": {"empty": 1, "lion": 1, "zebra": 1}}, 1, tuple(range(20, 200, 20)))
    network = build_network(model, labels, image, "none")
    origin = Origin(model, (), (), (), seen=seen)
    Classifier(network, labels, image, origin).save(Path(folder) / CLASSIFIER)


def of_decoding(folder: str, count: int, side: int, fit: bool) -> Cost:
    """Measure reading and decoding alone, or with fitting to what the network sees."""
    from ctc.dataset.fitting import fitted_pixels
    from ctc.dataset.image_spec import ImageSpec
    from ctc.pictures.decoding import to_pixels
    from ctc.tasks import cores

    paths, image = sorted(Path(folder).glob("*.jpg")), ImageSpec(side, side)

    def decode(number: int) -> None:
        data = paths[number % len(paths)].read_bytes()
        if fit:
            fitted_pixels(data, image)
        else:
            to_pixels(data, lambda _height, _width: (side, side))

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(decode, range(len(paths))))  # what is on disk is in memory then
        cpu, start = time.process_time(), time.perf_counter()
        for _ in pool.map(decode, range(count)):
            pass
        return count, time.process_time() - cpu, time.perf_counter() - start


def of_network(folder: str) -> Cost:
    """Measure the network alone."""
    import numpy as np

    classifier, size = _classifier(folder)
    shape = (size, classifier.image.height, classifier.image.width, 3)
    batch = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)

    def answers() -> Iterator[Any]:
        for _ in range(STEPS + 1):
            yield classifier.network.predict_on_batch(batch)

    return cost_after_first(answers(), size)


def of_predicting(folder: str, count: int) -> Cost:
    """Measure all from the inventory to the table."""
    import numpy as np

    from ctc.params import PredictParams
    from ctc.prediction.labelling import label_all, plan_labelling
    from ctc.prediction.photos.sources import captures_of

    classifier, size = _classifier(folder)
    image = classifier.image
    classifier.probabilities(np.zeros((size, image.height, image.width, 3), np.uint8), size)
    inventory, output = f"{folder}/inventory-{count}.parquet", f"{folder}/predictions.csv"
    cpu, start = time.process_time(), time.perf_counter()
    asked = PredictParams(images=inventory, output=output)
    place = Path(folder) / CLASSIFIER
    label_all(plan_labelling(asked, captures_of(asked), classifier, place, str(place)))
    return count, time.process_time() - cpu, time.perf_counter() - start


def _classifier(folder: str) -> "tuple[Classifier, int]":
    from ctc.model.classifier import Classifier
    from ctc.prediction.asking.batch_sizes import AUTO, batch_size_of

    classifier = Classifier.load(Path(folder) / CLASSIFIER)
    return classifier, batch_size_of(AUTO, classifier.image)


def _table(turns: list[dict[str, Measured]]) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for what in turns[0]:
        peak = statistics.median(turn[what].peak_bytes for turn in turns) / 1e6
        row = cost_row(what, [turn[what].result for turn in turns]) | {"peak_mb": peak}
        if what not in (DECODE, FIT, NETWORK):
            row["of_the_slower_part"] = statistics.median(_of_slower(turn, what) for turn in turns)
            row["of_both_in_turns"] = statistics.median(_of_both(turn, what) for turn in turns)
        rows.append(row)
    return pd.DataFrame(rows)


def _of_slower(turn: dict[str, Measured], what: str) -> float:
    return rate(turn[what].result) / min(rate(turn[DECODE].result), rate(turn[NETWORK].result))


def _of_both(turn: dict[str, Measured], what: str) -> float:
    return rate(turn[what].result) * (
        1 / rate(turn[DECODE].result) + 1 / rate(turn[NETWORK].result)
    )
