"""Plots of an inventory: bars on a light ground, one colour, readable without telling colours."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from ctc.inventory.table import LOCATION
from ctc.pictures.captions import one_line, shortened

MOST_BARS = 60  # beyond that the plot does not fit a screen
LONGEST = 36  # characters of a name; beyond that no room is left for the bars
WIDE_RANGE = 100  # the commonest is so many times the rarest: only a log scale shows both
INK, BAR, GRID = "#222222", "#31688e", "#dddddd"
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # no line through a number
WIDTH, BAR_HEIGHT = 8.0, 0.26  # inches


def class_plot(classes: pd.DataFrame, label: str) -> Figure:
    """Draw the captures of each class of a label, commonest first.

    Args:
        classes: rows of `class_table` that are of this label.
        label: its name.
    """
    return _bars(
        classes["class"].tolist(), classes["captures"].tolist(), label, ("class", "classes")
    )


def location_plot(locations: pd.DataFrame) -> Figure:
    """Draw the captures at each location, commonest first.

    Args:
        locations: what `location_table` returned.
    """
    names = locations[LOCATION].tolist()
    return _bars(names, locations["captures"].tolist(), LOCATION, ("location", "locations"))


def _bars(
    names: Sequence[str], counts: Sequence[int], title: str, units: tuple[str, str]
) -> Figure:
    named = [shortened(one_line(name), LONGEST) for name in names[:MOST_BARS]]
    shown, rest = counts[:MOST_BARS], counts[MOST_BARS:]
    figure = Figure(figsize=(WIDTH, 1.1 + BAR_HEIGHT * (len(named) + 1)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(range(len(named)), shown, color=BAR, height=0.72)
    numbers = [f"{count:,}" for count in shown]
    axes.bar_label(bars, numbers, padding=4, fontsize=9, color=INK, bbox=ON_WHITE)
    axes.set_yticks(range(len(named)), named, fontsize=9, color=INK, parse_math=False)
    _scale(axes, shown)
    _dress(axes, f"{title}: {len(names):,} {units[len(names) != 1]}")
    if rest:  # as a bar, the sum of hundreds would leave the others no room
        others = f"{len(rest):,} other {units[len(rest) > 1]} with {sum(rest):,} captures"
        figure.supxlabel(f"Not drawn: {others}", x=0.01, ha="left", fontsize=9, color=INK)
    return figure


def _scale(axes: Axes, counts: Sequence[int]) -> None:
    """Begin the scale at 0, or take a logarithmic one from below the rarest class."""
    if max(counts) > WIDE_RANGE * max(1, min(counts)):
        axes.set_xscale("log")
        axes.set_xlim(0.5, max(counts) * 4)  # a bar of 1 is seen, a number behind the longest too
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("captures (logarithmic scale)", color=INK)
    else:
        axes.set_xlim(0, max(1, max(counts)) * 1.12)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("captures", color=INK)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=12, parse_math=False)
    axes.invert_yaxis()  # the commonest on top
    axes.margins(y=0.01)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=INK, labelsize=9)
