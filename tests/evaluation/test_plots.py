import io
import warnings

import numpy as np
import pandas as pd
import pytest
from made_up_answers import SPECIES, answers
from matplotlib.figure import Figure
from PIL import Image

from ctc.evaluation.evaluation import LabelEvaluation, Setting, evaluate
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.plots import comparison
from ctc.evaluation.plots.comparison import comparison_plot
from ctc.evaluation.plots.confusion import NUMBERS_UP_TO, confusion_plot
from ctc.evaluation.plots.curves import effort_plot, empty_plot, reliability_plot
from ctc.evaluation.plots.groups import MOST_ROWS, group_plot
from ctc.labels import Label
from ctc.model.calibration import Calibration


def evaluation(
    names: tuple[str, ...] = SPECIES.classes,
    label: str = "species",
    calibration: Calibration | None = None,
    locations: int = 3,
) -> LabelEvaluation:
    """Of 120 captures at some locations; the last class is never true."""
    asked = Label(label, names)
    generator = np.random.default_rng(0)
    shares = generator.dirichlet([0.4] * len(names), 120)
    truth = [names[number % max(1, len(names) - 1)] for number in range(120)]
    places = [f"place {number % locations}" for number in range(120)]
    said = answers(truth, shares, asked, places)
    setting = Setting(
        split="test",
        by=("location",),
        learnt_from=frozenset({"place 0"}),
        calibration=calibration,
        resampling=Resampling(20),
    )
    (one,) = evaluate(said, (asked,), setting).labels
    return one


def png(figure: Figure) -> Image.Image:
    """The plot as others see it; nothing that matplotlib warns of goes unseen."""
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(target, dpi=120)
    return Image.open(target)


def texts(figure: Figure) -> str:
    axes = figure.axes[0]
    legend = axes.get_legend()
    named = [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join([axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel(), *named])


@pytest.mark.parametrize("count", [1, 2, NUMBERS_UP_TO, 40])
def test_the_confusion_of_few_and_of_many_classes_is_drawn(count: int) -> None:
    one = evaluation(tuple(f"a_long_class_name_{number:02d}" for number in range(count)))
    figure = confusion_plot(one)
    picture = png(figure)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == list(one.confusion.index)
    assert [text.get_text() for text in axes.get_xticklabels()] == list(one.confusion.index)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    numbers = [text.get_text() for text in axes.texts]
    flat = one.confusion.to_numpy().ravel()
    assert numbers == ([str(n) for n in flat] if len(one.confusion) <= NUMBERS_UP_TO else [])
    assert len(np.unique(np.asarray(picture.convert("L")))) > 20
    assert max(picture.size) < 2600


def test_shades_are_shares_of_a_true_class() -> None:
    one = evaluation(("ant", "bee", "cat"))
    shades = np.asarray(confusion_plot(one).axes[0].images[0].get_array())
    counts = one.confusion.to_numpy()
    for row in range(2):
        np.testing.assert_allclose(shades[row], counts[row] / counts[row].sum())
    np.testing.assert_array_equal(shades[2], 0)


def test_a_number_stands_in_the_cell_of_its_true_and_predicted_class() -> None:
    one = evaluation(("ant", "bee", "cat"))
    for text in confusion_plot(one).axes[0].texts:
        column, row = text.get_position()
        assert text.get_text() == str(one.confusion.iloc[int(row), int(column)])


def test_long_names_leave_room_for_the_matrix() -> None:
    figure = confusion_plot(evaluation(("a" * 120, "b" * 200, "c" * 32, "d")))
    png(figure)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert [len(name) for name in names] == [32, 32, 32, 1]


FITTED = Calibration(("d",), ("val",), "mean", 0.9, {"species": 2.0}, {"species": 0.8})


def test_reliability_shows_both_before_and_after_calibration_and_says_how_far_off() -> None:
    one = evaluation(calibration=FITTED)
    figure = reliability_plot(one)
    png(figure)
    assert f"before calibration: off by {one.sureness.error_before:.3f}" in texts(figure)
    assert f"temperature 2.00: off by {one.sureness.error:.3f}" in texts(figure)
    marks = figure.axes[0].collections[-1].get_offsets()
    expected = one.sureness.reliability[["confidence", "accuracy"]].to_numpy()
    np.testing.assert_allclose(np.asarray(marks), expected)
    assert "before" not in texts(reliability_plot(evaluation()))


def test_effort_shows_the_target_and_what_is_accepted() -> None:
    one = evaluation(calibration=FITTED)
    figure = effort_plot(one)
    png(figure)
    share, right = (one.captures.of[f"accepted_{name}"].value for name in ("share", "accuracy"))
    assert f"{share:.1%} are accepted, {right:.1%} of them right" in texts(figure)
    (mark,) = np.asarray(figure.axes[0].collections[0].get_offsets())
    assert mark.tolist() == pytest.approx([share, right])
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), one.effort["share"])


def test_effort_says_when_nothing_is_accepted_and_when_that_is_not_known() -> None:
    nothing = Calibration(("d",), ("val",), "mean", 0.9, {}, {})
    assert "nothing is accepted" in texts(effort_plot(evaluation(calibration=nothing)))
    assert "species: 120 captures" in texts(effort_plot(evaluation()))


def test_the_filter_of_empty_captures_is_drawn() -> None:
    one = evaluation(("animal", "blank", "other"), label="empty")
    assert one.empties is not None
    figure = empty_plot(one, one.empties)
    png(figure)
    lost, removed = one.empty_figures["animals_lost"], one.empty_figures["empty_removed"]
    assert f"{removed:.1%} of the empty captures removed" in texts(figure)
    assert f"{lost:.1%} of the animals lost" in texts(figure)


@pytest.mark.parametrize("locations", [2, MOST_ROWS + 20])
def test_groups_are_drawn_the_worst_on_top(locations: int) -> None:
    groups = evaluation(locations=locations).groups["location"]
    figure = group_plot(groups, "species", "location")
    assert max(png(figure).size) < 2600
    axes = figure.axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    shown = groups.head(MOST_ROWS)
    assert names == [f"{row['value']} ({row['captures']})" for row in shown.to_dict("records")]
    assert axes.yaxis_inverted()
    hidden = f"{locations - MOST_ROWS} better ones not drawn" in texts(figure)
    assert hidden == (locations > MOST_ROWS)


def compared(rows: int = 2, classifiers: int = 2) -> pd.DataFrame:
    """Classifier 1 does not answer the first row, nor has it intervals."""
    return pd.DataFrame(
        [
            (f"label {row}", f"model {one}", 0.5 + 0.1 * one, *ends, 0.25 * row or None)
            for one in range(classifiers)
            for row in range(one == 1, rows)
            for ends in [(None, None) if one == 1 else (0.4, 0.7)]
        ],
        columns=["row", "classifier", "value", "low", "high", "guessing"],
    )


def test_classifiers_stand_in_the_row_of_their_label_each_with_a_mark_of_its_own() -> None:
    figure = comparison_plot(compared(), "accuracy on test", "accuracy")
    png(figure)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["label 0", "label 1"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["guessing", "model 0", "model 1"]
    marks = {
        one.get_label(): one.get_offsets() for one in axes.collections if len(one.get_offsets())
    }
    first, second = marks["model 0"], marks["model 1"]
    assert first[:, 0].tolist() == [0.5, 0.5]
    assert second[:, 0].tolist() == [0.6]
    assert np.abs(first[:, 1] - [0, 1]).max() < 0.5
    assert first[1, 1] < second[0, 1] < 1.5
    assert axes.get_xlim()[1] == 1.02


def test_guessing_is_drawn_where_it_is_known_and_a_loss_beyond_one() -> None:
    figures = compared().assign(value=3.0)
    axes = comparison_plot(figures, "loss", "log_loss", shares=False).axes[0]
    (bars,) = (one for one in axes.collections if one.get_label() == "guessing")
    assert [segment[0, 0] for segment in bars.get_segments()] == [0.25]
    assert axes.get_xlim()[1] >= 3
    axes = comparison_plot(figures.drop(columns="guessing"), "loss", "log_loss").axes[0]
    assert "guessing" not in {one.get_label() for one in axes.collections}


def test_a_plot_of_many_classes_and_classifiers_fits_a_screen() -> None:
    figure = comparison_plot(compared(100, comparison.MOST + 2), "recall", "recall")
    assert len(figure.axes[0].get_yticklabels()) == 20
    assert texts(figure).startswith("recall, 80 more not drawn")
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 1 + comparison.MOST
    assert max(png(figure).size) < 3300
