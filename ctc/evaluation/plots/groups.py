"""Plot of how good a classifier is at each location, in each survey and the like."""

import pandas as pd
from matplotlib.figure import Figure

from ctc.evaluation.plots.style import COLOUR, INK, SMALL, dress, in_percent, short

MOST_ROWS = 60  # beyond that the plot does not fit a screen
ROW_HEIGHT = 0.26  # inches


def group_plot(groups: pd.DataFrame, label: str, column: str) -> Figure:
    """Draw the accuracy of each group with its interval, the worst on top.

    A diamond is what guessing would score. Locations that were not learnt from are hollow.

    Args:
        groups: what `ctc.evaluation.groups.by_column` returned.
        label: name of the label.
        column: what the groups are values of.
    """
    shown = groups.head(MOST_ROWS)
    figure = Figure(figsize=(8, 1.4 + ROW_HEIGHT * (len(shown) + 1)), layout="constrained")
    axes = figure.subplots()
    rows = range(len(shown))
    axes.hlines(rows, shown["low"], shown["high"], color=COLOUR, linewidth=1.2)
    faces = [COLOUR if seen else "white" for seen in shown.get("learnt_from", [True] * len(shown))]
    axes.scatter(shown["accuracy"], rows, 36, facecolor=faces, edgecolor=COLOUR, zorder=3)
    guesses = shown["majority_accuracy"]
    axes.scatter(guesses, rows, 26, marker="D", facecolor="none", edgecolor=INK, linewidth=0.8)
    counted = zip(shown["value"], shown["captures"], strict=True)
    names = [f"{short(name)} ({captures:,})" for name, captures in counted]
    axes.set_yticks(rows, names, fontsize=SMALL, color=INK, parse_math=False)
    more = f", {len(groups) - len(shown)} better ones not drawn" if len(groups) > len(shown) else ""
    hollow = "; hollow: not learnt from" if "learnt_from" in shown else ""
    dress(axes, f"{label} by {short(column)}{more}", f"accuracy (diamond: guessing{hollow})")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    in_percent(axes, y=False)
    return figure
