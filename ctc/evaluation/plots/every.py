"""All plots of a label, each under the name of its file."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from ctc.evaluation.evaluation import LabelEvaluation
from ctc.evaluation.plots.confusion import confusion_plot
from ctc.evaluation.plots.curves import effort_plot, empty_plot, reliability_plot
from ctc.evaluation.plots.groups import group_plot
from ctc.evaluation.plots.style import png

CONFUSION, RELIABILITY, EFFORT, EMPTY_FILTER = "confusion", "reliability", "effort", "empty_filter"


def plots_of(one: LabelEvaluation) -> dict[str, bytes]:
    """Return the plots that there are as PNG; none where no capture was judged."""
    return {name: png(figure) for name, figure in _drawn(one)} if one.captures.count else {}


def group_name(column: str) -> str:
    """Return the name of the plot of the values of a piece of metadata."""
    return f"by_{column}"


def _drawn(one: LabelEvaluation) -> Iterator[tuple[str, Figure]]:
    yield CONFUSION, confusion_plot(one)
    yield RELIABILITY, reliability_plot(one)
    yield EFFORT, effort_plot(one)
    if one.empties is not None:
        yield EMPTY_FILTER, empty_plot(one, one.empties)
    for column, groups in one.groups.items():
        if len(groups) > 1:  # one alone is all captures
            yield group_name(column), group_plot(groups, one.label, column)
