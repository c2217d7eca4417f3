"""Plot of what is taken for what."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ctc.evaluation.evaluation import LabelEvaluation
from ctc.evaluation.plots.style import short

NUMBERS_UP_TO = 30  # classes; beyond that numbers in the cells overlap


def confusion_plot(evaluation: LabelEvaluation) -> Figure:
    """Draw the confusion matrix: shade is the share of a true class, the number captures."""
    counts = evaluation.confusion.to_numpy()
    names = [short(name) for name in evaluation.confusion.index]
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    side = min(20.0, 2.5 + 0.55 * len(names))
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shade = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="predicted", ylabel="true", title=f"{evaluation.label}: captures")
    figure.colorbar(shade, label="share of the true class", shrink=0.8)
    if len(names) <= NUMBERS_UP_TO:
        _write_numbers(axes, counts, shares)
    return figure


def _write_numbers(axes: Axes, counts: NDArray[Any], shares: NDArray[Any]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 0.6 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=ink, fontsize=8)
