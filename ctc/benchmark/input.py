"""What a training picture costs the host, beside the least and beside the plainest way.

The host decodes, resizes and batches; pictures are changed in the compiled step, where the network
runs. What that costs is measured too, so that nothing is counted as saved that has only moved.
"""

import time
from typing import TYPE_CHECKING

from ctc.benchmark.dataset import draw_pictures, write, write_inventory
from ctc.benchmark.measuring import (
    Cost,
    Way,
    cost_after_first,
    cost_row,
    in_turns,
    measure,
    temporary_folder,
)
from ctc.params import BenchmarkParams

if TYPE_CHECKING:  # a fresh process that is measured imports this file: it stays small
    import pandas as pd

    from ctc.dataset.reading import Reading

SIDE, BATCH, FEW = 224, 32, 4
ROUNDS = 8  # times that each picture stands in the shards: beginnings count for little
FLOOR, PLAIN, OURS = "decode and resize alone", "one operation after the other", "shards to batches"
STEPS = 40  # in which pictures are changed
RATES = (250, 500, 1_000, 2_000, 4_000)  # pictures a second


def benchmark_input(params: BenchmarkParams) -> "pd.DataFrame":
    """Measure on made-up pictures, stored at 500 pixels, removed at the end; each way in fresh
    processes, without its beginning: graphs that are built, caches that are filled.

    Returns:
        A row a way: `what`, `pictures`, and the medians `cpu_ms_a_picture`, `pictures_per_second`
        and `times_the_floor`; then a row for what GPUs of some speeds need: `cores`.
    """
    with temporary_folder(params.output, "input-") as folder:
        draw_pictures(folder, params.pictures)
        captures = params.pictures * ROUNDS
        write_inventory(str(folder), params.pictures, captures)
        measure(write, str(folder), captures)
        ways = _ways(str(folder / f"dataset-{captures}"))
        turns = in_turns(ways, params.repeats)
    return _table({what: [turn[what].result for turn in turns] for what in ways})


def _ways(dataset: str) -> dict[str, Way]:
    return {
        FLOOR: Way(of_floor, (dataset,)),
        PLAIN: Way(of_plain, (dataset,)),
        OURS: Way(of_reading, (dataset,)),
        "validation: shards to batches": Way(of_validation, (dataset,)),
        "the changes in the step": Way(of_changes, (dataset, False)),
        "the changes in the step by XLA": Way(of_changes, (dataset, True)),
    }


def of_floor(dataset: str) -> Cost:
    """Measure decoding and resizing alone."""
    from ctc.benchmark.plain import counted, decoded_and_resized, pictures

    prepared = pictures(_jpegs(dataset), decoded_and_resized(SIDE, SIDE))
    counted(prepared.take(BATCH))
    cpu, start = time.process_time(), time.perf_counter()
    count = counted(prepared)
    return count, time.process_time() - cpu, time.perf_counter() - start


def of_plain(dataset: str) -> Cost:
    """Measure zoom, crop, rotation, resize and colours, one after the other, on the host."""
    from ctc.benchmark.plain import one_after_the_other, pictures

    some = _jpegs(dataset)[::4]  # each of them takes long
    changed = pictures(some, one_after_the_other(SIDE, SIDE))
    return cost_after_first(changed.batch(FEW, drop_remainder=True), FEW)


def of_reading(dataset: str) -> Cost:
    """Measure all that the host does for a training."""
    from ctc.dataset.reading import training_batches

    return cost_after_first(training_batches(_reading(dataset), 1, seed=0), BATCH)


def of_validation(dataset: str) -> Cost:
    """Measure all that the host does for a validation."""
    from ctc.dataset.reading import validation_batches

    reading = _reading(dataset)
    return cost_after_first(validation_batches(reading).take(reading.validation_steps), BATCH)


def of_changes(dataset: str, jit: bool) -> Cost:
    """Measure what changes pictures in the step, by default as much as `train` does."""
    from ctc.benchmark.plain import as_a_step
    from ctc.dataset.reading import training_batches
    from ctc.model.fitting.augmentation import Augmentation, strength
    from ctc.params import TrainParams

    reading = _reading(dataset)
    step = as_a_step(Augmentation(strength(TrainParams(), reading.image), seed=0), jit)
    (batch,) = [pixels for pixels, _, _ in training_batches(reading, 1, 0).take(1)]
    return cost_after_first((step(batch) for _ in range(STEPS)), BATCH)


def _reading(dataset: str) -> "Reading":
    from ctc.dataset.image_spec import ImageSpec
    from ctc.dataset.manifest import open_dataset
    from ctc.dataset.mixture import Mixture
    from ctc.dataset.reading import Reading
    from ctc.labels import Label

    labels = (Label("species", ("empty", "lion", "zebra")),)
    mixture = Mixture.of(open_dataset(dataset))
    return Reading(mixture, ("train",), labels, ImageSpec(SIDE, SIDE), BATCH)


def _jpegs(dataset: str) -> list[bytes]:
    from ctc.dataset.manifest import open_dataset

    return [record.images[0] for record in open_dataset(dataset).records(("train",))]


def _table(measured: dict[str, list[Cost]]) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame([cost_row(what, costs) for what, costs in measured.items()])
    cost = table.set_index("what")["cpu_ms_a_picture"]
    table["times_the_floor"] = table["cpu_ms_a_picture"] / cost[FLOOR]
    needs = [
        {"what": f"a GPU of {rate} pictures a second", "cores": cost[OURS] / 1_000 * rate}
        for rate in RATES
    ]
    return pd.concat([table, pd.DataFrame(needs)], ignore_index=True)
