"""Answers that differ from the truth, the most suspicious first: wrong answers, or wrong labels."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctc.dataset.mixture import Mixture
from ctc.evaluation.known import Floats, Ints, Known

COLUMNS = (
    "capture_id", "label", "truth", "prediction", "confidence", "suspicion", "likely_label_error",
    "images", "location",
)  # fmt: skip


def suspects(known: Known) -> pd.DataFrame:
    """Return a row a capture whose answer is not its truth, with the columns named in `COLUMNS`.

    `suspicion` says how much surer the classifier is of its answer than of the truth, each measured
    by how sure it usually is of captures of that class: -2..2. So a class that is always answered
    with doubt is not under suspicion for that. A `likely_label_error` is an answer at least as sure
    as usual for its class, the surest of such (the confident joint of Northcutt et al. 2021, doi
    10.1613/jair.1.12125).
    """
    usual, locations = usual_confidence(known), known.locations
    rows = np.flatnonzero(~known.right)
    said, truth = known.said[rows], known.truth[rows]
    above = known.probabilities[rows] - usual
    suspicion = above[np.arange(len(rows)), said] - above[np.arange(len(rows)), truth]
    table = pd.DataFrame(
        {
            "capture_id": [known.capture_ids[row] for row in rows],
            "label": known.label,
            "truth": [known.classes[place] for place in truth],
            "prediction": [known.classes[place] for place in said],
            "confidence": known.confidence[rows],
            "suspicion": suspicion,
            "likely_label_error": _likely(known, rows, usual),
            "images": known.images[rows],
            "location": [locations[row] for row in rows],
        },
        columns=list(COLUMNS),
    )
    ranked = ["suspicion", "confidence"]
    return table.sort_values(ranked, ascending=False, kind="stable", ignore_index=True)


def with_paths(suspects: pd.DataFrame, mixture: Mixture, splits: tuple[str, ...]) -> pd.DataFrame:
    """Return suspects with `paths`: the pictures of each as the inventory has them, by "; "."""
    wanted = {*suspects["capture_id"]}
    paths: dict[str, list[str]] = {}
    for part in mixture.parts:
        columns = part.dataset.images().select(["capture_id", "split", "image"]).to_pydict()
        for capture, split, image in zip(*columns.values(), strict=True):
            if split in splits and capture in wanted:
                paths.setdefault(capture, []).append(image)
    listed = ["; ".join(paths.get(capture, ())) for capture in suspects["capture_id"]]
    return suspects.assign(paths=listed)


def usual_confidence(known: Known) -> Floats:
    """Return [C]: the mean probability of a class, of the captures that are said to be of it.

    A class that no capture is of, and one that the classifier does not know, has 0.
    """
    of_class = np.eye(len(known.classes))[known.truth]
    captures = of_class.sum(axis=0)
    return np.asarray((of_class * known.probabilities).sum(axis=0) / np.maximum(captures, 1))


def _likely(known: Known, rows: Ints, usual: Floats) -> NDArray[np.bool_]:
    """[rows], whether the answer is as sure as usual, and the truth a class that was learnt.

    The answer is the most probable class, so it is the surest of those that are as sure as usual.
    """
    said = known.said[rows]
    sure = (known.confidence[rows] >= usual[said]) & (usual[said] > 0)
    return np.asarray(sure & known.answerable[known.truth[rows]])
