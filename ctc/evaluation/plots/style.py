"""What the plots have in common."""

import io
import warnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ctc.pictures.captions import one_line, shortened

INK, COLOUR, PALE, GRID = "#222222", "#31688e", "#999999", "#dddddd"
LONGEST = 32  # characters of a name; beyond that no room is left for the plot
SMALL = 9  # points


def short(name: str) -> str:
    """Return a name in one line that leaves room for the plot."""
    return shortened(one_line(name), LONGEST)


def square() -> tuple[Figure, Axes]:
    """Return a plot of one share against another, 0 to 1 both."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")
    return figure, axes


def dress(axes: Axes, title: str, x: str, y: str = "") -> None:
    """Write title and names of the axes; draw a grid below all else."""
    axes.set_title(title, loc="left", color=INK, fontsize=11, parse_math=False)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0, colors=INK, labelsize=SMALL)


def in_percent(axes: Axes, x: bool = True, y: bool = True) -> None:
    """Write shares as percentages."""
    if x:
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    if y:
        axes.yaxis.set_major_formatter(PercentFormatter(1))


def png(figure: Figure) -> bytes:
    """Return a plot as a PNG file."""
    target = io.BytesIO()
    with warnings.catch_warnings():
        # Its font has no Chinese letters, say: a box stands for each.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        figure.savefig(target, format="png", dpi=120)
    return target.getvalue()
