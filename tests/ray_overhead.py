"""What Ray costs beside the processes of this machine: the same work in turns, as a ratio.

`python tests/ray_overhead.py 2048 3` writes datasets of 1,024 and of 2,048 pictures of 3 megapixels
and labels as many, three times each, with two workers: processes of this machine, and two Ray
nodes of one core each. It checks that the bytes are the same, and prints medians.
"""

import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ray_nodes import ray_nodes

from ctc.benchmark.dataset import draw_pictures, write_inventory
from ctc.benchmark.predict import CLASSIFIER, save_classifier
from ctc.params import DatasetParams, PredictParams

WORKERS, DRAWN, SIDE = 2, 100, 96
ENGINES = ("local", "ray")


def of_dataset(folder: Path, count: int, engine: str) -> bytes:
    from ctc.dataset.planning import plan_dataset
    from ctc.dataset.writing import write_dataset
    from ctc.inventory.table import Inventory

    path, output = folder / f"inventory-{count}.parquet", folder / "dataset"
    workers = WORKERS if engine == "local" else 0
    asked = DatasetParams(
        inventory=str(path), group_by=None, resume=False, engine=engine, workers=workers
    )
    dataset = write_dataset(plan_dataset(Inventory.read(str(path)), asked), str(output))
    return b"".join(sorted(one.read_bytes() for one in dataset.folder.iterdir()))


def of_predict(folder: Path, count: int, engine: str) -> bytes:
    from ctc.model.classifier import Classifier
    from ctc.prediction.labelling import label_all, plan_labelling
    from ctc.prediction.photos.sources import captures_of

    images, output = folder / f"inventory-{count}.parquet", folder / "predictions.csv"
    place = folder / CLASSIFIER
    asked = PredictParams(
        images=str(images), output=str(output), engine=engine, batch_size="16", resume=False
    )
    classifier = Classifier.load(place)
    label_all(plan_labelling(asked, captures_of(asked), classifier, place, str(place)))
    return output.read_bytes()


def main(most: int, repeats: int) -> None:
    """Measure both steps and print a line a step, number of pictures and engine."""
    with tempfile.TemporaryDirectory() as name, ray_nodes(WORKERS) as nodes:
        os.environ.update(nodes.environment)
        folder = Path(name)
        draw_pictures(folder, DRAWN)
        save_classifier(name, "tiny", SIDE)
        for count in (most // 2, most):
            write_inventory(name, DRAWN, count)
        for step, do in {"dataset": of_dataset, "predict": of_predict}.items():
            for engine in ENGINES:
                do(folder, most // 2, engine)  # what is loaded once is loaded
            rows = [in_turns(do, folder, count, repeats) for count in (most // 2, most)]
            fewer, more = rows
            further = {engine: more[engine] - fewer[engine] for engine in ENGINES}
            for what, row in {most // 2: fewer, most: more, "each further": further}.items():
                ratio = row["ray"] / row["local"]
                print(f"{step} | {what} | {row['local']:.1f} | {row['ray']:.1f} | {ratio:.2f}")


def in_turns(
    do: Callable[[Path, int, str], bytes], folder: Path, count: int, repeats: int
) -> dict[str, float]:
    """Return the median of the seconds of each engine."""
    took: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    digests = set()
    for _ in range(repeats):
        for engine in ENGINES:
            began = time.monotonic()
            content = do(folder, count, engine)
            took[engine].append(time.monotonic() - began)
            digests.add(hashlib.sha256(content).hexdigest())
    assert len(digests) == 1, "the bytes differ"
    return {engine: statistics.median(seconds) for engine, seconds in took.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
