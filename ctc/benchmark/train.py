"""How fast the fit loop is with everything on, beside `train_on_batch` on the same batches."""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ctc.benchmark.dataset import draw_pictures, write, write_inventory
from ctc.benchmark.measuring import (
    Cost,
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
    import keras
    import pandas as pd

    from ctc.model.planning.training_plan import TrainingPlan

BATCH = 32
EPOCHS = 2  # that are measured, after one in which all is made ready
IN_MEMORY, FROM_SHARDS = "train_on_batch from memory", "train_on_batch from shards"
FIT = "the fit loop with everything on"

# Trains as planned, tracked in a store below a folder, and calls back after each epoch.
Fit = Callable[["TrainingPlan", Path, Callable[[], None]], None]


def benchmark_train(params: BenchmarkParams, fit: Fit) -> "pd.DataFrame":
    """Measure on made-up pictures, removed at the end; each way in fresh processes.

    All have the same network, optimiser, loss and changes of pictures. `train_on_batch` has no
    metrics but the loss, and is measured from its second step on: over batches in memory, and over
    those that are read from shards meanwhile. The fit loop is what `train` does from the end of its
    first epoch to the end of its last: it reads, steps, computes metrics, shows progress, validates
    (a batch an epoch), logs, and keeps and uploads its state after each epoch.

    Args:
        params: what is asked for.
        fit: trains, and can be imported by name.

    Returns:
        A row a way: `what`, `pictures`, the medians `cpu_ms_a_picture` and `pictures_per_second`,
        and those of the ratios of its rate to the two of `train_on_batch` in the same turn,
        `of_the_rate_in_memory` and `of_the_rate_from_shards`.
    """
    with temporary_folder(params.output, "train-") as folder:
        write_pictures(folder, params.pictures)
        ways = _ways(folder.resolve(), params, fit)
        turns = in_turns(ways, params.repeats)
    return _table([{what: one.result for what, one in turn.items()} for turn in turns])


def write_pictures(folder: Path, count: int) -> None:
    """Write a dataset of so many pictures, a batch of which is to validate by."""
    draw_pictures(folder, count)
    write_inventory(str(folder), count, count, validation=min(BATCH, count // 3))
    measure(write, str(folder), count)


def _ways(folder: Path, params: BenchmarkParams, fit: Fit) -> dict[str, Way]:
    return {
        IN_MEMORY: Way(of_batches_in_memory, (folder, params)),
        FROM_SHARDS: Way(of_batches_from_shards, (folder, params)),
        FIT: Way(of_fit, (folder, params, fit)),
    }


def of_batches_in_memory(folder: Path, params: BenchmarkParams) -> Cost:
    """Measure steps over the batches of an epoch, again and again."""
    from ctc.dataset.reading import training_batches

    plan = _plan(folder, params)
    batches = list(training_batches(plan.training, 1, plan.params.seed))
    rounds = [batches[0], *batches * EPOCHS]
    return cost_after_first(_steps(plan, rounds), plan.training.batch_size)


def of_batches_from_shards(folder: Path, params: BenchmarkParams) -> Cost:
    """Measure steps over batches that are read meanwhile."""
    from ctc.dataset.reading import training_batches

    plan = _plan(folder, params)
    batches = training_batches(plan.training, 1 + EPOCHS, plan.params.seed)
    rounds = batches.take(1 + EPOCHS * params.steps)
    return cost_after_first(_steps(plan, rounds), plan.training.batch_size)


def of_fit(folder: Path, params: BenchmarkParams, fit: Fit) -> Cost:
    """Measure what `train` does, from the end of its first epoch to the end of its last."""
    ends: list[tuple[float, float]] = []
    plan = _plan(folder, params)
    with TemporaryDirectory(prefix="run-", dir=folder) as own:
        fit(plan, Path(own), lambda: ends.append((time.process_time(), time.perf_counter())))
    (first_cpu, first), *_, (last_cpu, last) = ends
    return (
        EPOCHS * plan.training.steps * plan.training.batch_size,
        last_cpu - first_cpu,
        last - first,
    )


def _steps(plan: "TrainingPlan", batches: Iterable[Any]) -> Iterator[Any]:
    from ctc.model.fitting.computing import as_planned

    with as_planned(plan):
        model = _model(plan)
        for pixels, classes, weights in batches:
            yield model.train_on_batch(pixels, classes, weights)


def _model(plan: "TrainingPlan") -> "keras.Model":
    from ctc.model.fitting.fit import trainable
    from ctc.model.fitting.optimizers import learning_rate
    from ctc.model.network.backbones import build_network

    network = build_network(plan.params.model, plan.labels, plan.training.image, "none")
    return trainable(network, plan, learning_rate(plan.params, plan.steps), judged=False)


def _plan(folder: Path, params: BenchmarkParams) -> "TrainingPlan":
    from ctc.dataset.mixture import open_mixture
    from ctc.model.planning.training_plan import plan_training
    from ctc.params import TrainParams

    asked = TrainParams(
        dataset=(str(folder / f"dataset-{params.pictures}"),),
        labels=("species",),
        model=params.model,
        image_size=params.image_size,
        batch_size=BATCH,
        steps_per_epoch=params.steps,
        epochs=1 + EPOCHS,
        output=str(folder / "classifier"),
    )
    return plan_training(open_mixture(asked.dataset), asked, None)


def _table(turns: list[dict[str, Cost]]) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame([cost_row(what, [turn[what] for turn in turns]) for what in turns[0]])
    for name, beside in (("in_memory", IN_MEMORY), ("from_shards", FROM_SHARDS)):
        table[f"of_the_rate_{name}"] = [_ratio(turns, what, beside) for what in table["what"]]
    return table


def _ratio(turns: list[dict[str, Cost]], what: str, beside: str) -> float:
    return statistics.median(rate(turn[what]) / rate(turn[beside]) for turn in turns)
