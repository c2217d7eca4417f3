"""Plot of one figure of several classifiers beside each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ctc.evaluation.plots.style import INK, PALE, SMALL, dress, in_percent, short

# Each classifier has a mark of its own: the colours (Okabe & Ito 2008) only help.
MARKS = (
    ("o", "#0072b2"), ("s", "#d55e00"), ("^", "#009e73"), ("D", "#cc79a7"), ("v", "#56b4e9"),
    ("X", "#e69f00"),
)  # fmt: skip
MOST = len(MARKS)  # classifiers
MOST_MARKS = 120  # beyond that nobody scrolls
ROW, STEP = 0.22, 0.16  # inches: between rows, and of each classifier in a row


def comparison_plot(figures: pd.DataFrame, title: str, x: str, shares: bool = True) -> Figure:
    """Draw a figure of classifiers: a row a label or class, a mark a classifier with its interval.

    Args:
        figures: columns `row` (name of the label or class), `classifier`, `value`, `low` and `high`
            (ends of the interval; missing where there is none) and, if that is to be drawn,
            `guessing`. Rows and classifiers stand in the order in which they first appear; the
            first `MOST` classifiers are drawn, and as many rows as make `MOST_MARKS`.
        title: of the plot.
        x: what is drawn.
        shares: whether it is a share, 0 to 1.
    """
    classifiers = list(dict.fromkeys(figures["classifier"]))[:MOST]
    every = list(dict.fromkeys(figures["row"]))
    rows = every[: MOST_MARKS // len(classifiers)]
    more = f", {len(every) - len(rows)} more not drawn" if len(every) > len(rows) else ""
    height = 1.2 + len(rows) * (ROW + STEP * len(classifiers)) + 0.22 * len(classifiers)
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    _draw_guessing(axes, figures, rows)
    for number, name in enumerate(classifiers):
        _draw(axes, figures[figures["classifier"] == name], rows, number, len(classifiers))
    axes.set_yticks(range(len(rows)), [short(row) for row in rows], color=INK, parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    dress(axes, title + more, x)
    if shares:
        axes.set_xlim(-0.02, 1.02)
        in_percent(axes, y=False)
    figure.legend(loc="outside lower left", fontsize=SMALL, frameon=False, labelcolor=INK)
    return figure


def _draw(axes: Axes, of: pd.DataFrame, rows: Sequence[str], number: int, count: int) -> None:
    """Draw one classifier of `count`; those of a row stand below each other."""
    mark, colour = MARKS[number]
    of = of[of["row"].isin(rows)]
    share = STEP / (ROW + STEP * count)
    y = np.array([rows.index(row) for row in of["row"]]) + share * (number - (count - 1) / 2)
    low, high = (of[end].astype(float) for end in ("low", "high"))
    axes.hlines(y, low, high, color=colour, linewidth=1.4)
    axes.scatter(
        of["value"], y, 34, marker=mark, color=colour, zorder=3, label=of["classifier"].iloc[0]
    )


def _draw_guessing(axes: Axes, figures: pd.DataFrame, rows: Sequence[str]) -> None:
    """Draw what guessing scores as a line across a row: it is the same for all on a ground."""
    if "guessing" not in figures:
        return
    known = figures.dropna(subset=["guessing"]).drop_duplicates("row").set_index("row")["guessing"]
    y = np.array([place for place, row in enumerate(rows) if row in known])
    values = [known[row] for row in rows if row in known]
    if values:
        axes.vlines(values, y - 0.4, y + 0.4, color=PALE, linewidth=2, label="guessing")
