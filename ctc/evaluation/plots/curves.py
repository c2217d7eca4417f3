"""Plots of how sure a classifier is, and of the work it saves."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ctc.evaluation.evaluation import LabelEvaluation
from ctc.evaluation.plots.style import COLOUR, INK, PALE, SMALL, dress, in_percent, square

SMALLEST, LARGEST = 20.0, 320.0  # area of a mark, in square points


def reliability_plot(evaluation: LabelEvaluation) -> Figure:
    """Draw how often answers are right against how sure they are; a mark's area is its captures."""
    sureness = evaluation.sureness
    figure, axes = square()
    axes.plot([0, 1], [0, 1], color=PALE, linewidth=1, linestyle=":", label="as sure as right")
    if sureness.temperature != 1:
        before = f"before calibration: off by {sureness.error_before:.3f}"
        _marks(axes, sureness.reliability_before, "D", "--", PALE, before)
    now = f"temperature {sureness.temperature:.2f}: off by {sureness.error:.3f}"
    _marks(axes, sureness.reliability, "o", "-", COLOUR, now)
    title = f"{evaluation.label}: {evaluation.captures.count} captures"
    dress(axes, title, "confidence of the answers", "share of right answers")
    in_percent(axes)
    axes.legend(loc="lower right", fontsize=SMALL, frameon=False, labelcolor=INK, markerscale=0.6)
    return figure


def _marks(axes: Axes, bins: pd.DataFrame, mark: str, line: str, colour: str, name: str) -> None:
    areas = SMALLEST + (LARGEST - SMALLEST) * bins["captures"] / bins["captures"].max()
    face = "white" if line == "--" else colour
    axes.plot(bins["confidence"], bins["accuracy"], line, color=colour, linewidth=0.8)
    axes.scatter(
        bins["confidence"], bins["accuracy"], areas, marker=mark, facecolor=face, edgecolor=colour,
        zorder=3, label=name,
    )  # fmt: skip


def effort_plot(evaluation: LabelEvaluation) -> Figure:
    """Draw the accuracy of the answers accepted unseen against their share, the surest first."""
    curve, sureness = evaluation.effort, evaluation.sureness
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(curve["share"], curve["accuracy"], color=COLOUR, linewidth=1.8)
    if sureness.target_accuracy is not None:
        axes.axhline(sureness.target_accuracy, color=PALE, linestyle="--", linewidth=1)
        axes.text(
            1,
            sureness.target_accuracy,
            "target",
            color=INK,
            fontsize=SMALL,
            ha="right",
            va="bottom",
        )
    _mark_accepted(axes, evaluation)
    dress(
        axes, _effort_title(evaluation), "share of captures accepted unseen", "accuracy among them"
    )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(min(0.9, float(curve["accuracy"].min()) - 0.02), 1.005)
    in_percent(axes)
    return figure


def _mark_accepted(axes: Axes, evaluation: LabelEvaluation) -> None:
    of = evaluation.captures.of
    if "accepted_accuracy" in of:
        share, accuracy = of["accepted_share"].value, of["accepted_accuracy"].value
        axes.scatter([share], [accuracy], 90, color=COLOUR, edgecolor="white", zorder=3)


def _effort_title(evaluation: LabelEvaluation) -> str:
    of, sureness = evaluation.captures.of, evaluation.sureness
    if sureness.target_accuracy is None:
        return f"{evaluation.label}: {evaluation.captures.count} captures"
    if "accepted_accuracy" not in of:
        return f"{evaluation.label}: nothing is accepted"
    share, accuracy = of["accepted_share"].value, of["accepted_accuracy"].value
    return (
        f"{evaluation.label}: from confidence {sureness.accepted_confidence:.3f} on,\n"
        f"{share:.1%} are accepted, {accuracy:.1%} of them right"
    )


def empty_plot(evaluation: LabelEvaluation, empties: pd.DataFrame) -> Figure:
    """Draw the share of empty captures removed against that of animals lost.

    Args:
        evaluation: of the label.
        empties: its `empties`, which not every label has.
    """
    figure, axes = square()
    axes.step(empties["lost"], empties["removed"], where="post", color=COLOUR)
    lost, removed = (evaluation.empty_figures[n] for n in ("animals_lost", "empty_removed"))
    axes.scatter([lost], [removed], 90, color=COLOUR, edgecolor="white", zorder=3)
    title = (
        f"{evaluation.label}: {removed:.1%} of the empty captures removed,\n"
        f"{lost:.1%} of the animals lost"
    )
    dress(axes, title, "share of animals lost", "share of empty captures removed")
    in_percent(axes)
    return figure
