import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ctc.evaluation.metrics import LabelEvaluation
from ctc.evaluation.plots import NUMBERS_UP_TO, confusion_plot


def evaluation(names: list[str]) -> LabelEvaluation:
    generator = np.random.default_rng(0)
    counts = (
        generator.integers(0, 30, (len(names), len(names))) + np.eye(len(names), dtype=int) * 90
    )
    counts[-1] = 0  # a class that was never true
    table = pd.DataFrame(counts, index=names, columns=names)
    return LabelEvaluation("species", {"accuracy": 0.5}, pd.DataFrame(), table, 0)


@pytest.mark.parametrize("count", [1, 2, NUMBERS_UP_TO, 40])
def test_the_confusion_of_few_and_of_many_classes_is_drawn(tmp_path: Path, count: int) -> None:
    one = evaluation([f"a_long_class_name_{number}" for number in range(count)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = confusion_plot(one)
        figure.savefig(tmp_path / "confusion.png")
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == list(one.confusion.index)
    assert [text.get_text() for text in axes.get_xticklabels()] == list(one.confusion.index)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    numbers = [text.get_text() for text in axes.texts]
    flat = one.confusion.to_numpy().ravel()
    assert numbers == ([str(n) for n in flat] if count <= NUMBERS_UP_TO else [])
    with Image.open(tmp_path / "confusion.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20
        assert max(picture.size) < 2500


def test_shades_are_shares_of_a_true_class() -> None:
    one = evaluation(["ant", "bee", "cat"])
    shades = np.asarray(confusion_plot(one).axes[0].images[0].get_array())
    counts = one.confusion.to_numpy()
    for row in range(2):
        np.testing.assert_allclose(shades[row], counts[row] / counts[row].sum())
    np.testing.assert_array_equal(shades[2], 0)


def test_a_number_stands_in_the_cell_of_its_true_and_predicted_class() -> None:
    one = evaluation(["ant", "bee", "cat"])
    for text in confusion_plot(one).axes[0].texts:
        column, row = text.get_position()
        assert text.get_text() == str(one.confusion.iloc[int(row), int(column)])


def test_long_names_leave_room_for_the_matrix(tmp_path: Path) -> None:
    figure = confusion_plot(evaluation(["a" * 120, "b" * 200, "c" * 32]))
    figure.savefig(tmp_path / "confusion.png")
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["a" * 31 + "…", "b" * 31 + "…", "c" * 32]
