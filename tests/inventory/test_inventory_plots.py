import io
from itertools import pairwise

import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ctc.inventory.looks.plots import MOST_BARS, class_plot, location_plot


def classes(counts: dict[str, int]) -> pd.DataFrame:
    return pd.DataFrame(
        {"label": "species", "class": counts.keys(), "captures": counts.values()}
        | {"observations": counts.values()}
    )


def names(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def numbers(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def widths(figure: Figure) -> list[float]:
    return [bar.get_width() for bar in figure.axes[0].patches]


def drawn(figure: Figure) -> Image.Image:
    target = io.BytesIO()
    figure.savefig(target, dpi=120)
    return Image.open(target)


def test_a_bar_is_a_class_with_its_captures():
    figure = class_plot(classes({"lion": 1200, "gnu": 300, "zebra": 12}), "species")
    assert names(figure) == ["lion", "gnu", "zebra"]
    assert numbers(figure) == ["1,200", "300", "12"]
    assert widths(figure) == [1200, 300, 12]
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "species: 3 classes"
    bottom, top = axes.get_ylim()
    assert bottom > top  # the first one on top
    assert axes.get_xlim()[0] == 0 or axes.get_xscale() == "log"


@pytest.mark.parametrize(
    ("rarest", "scale", "says"),
    [(10, "linear", "captures"), (9, "log", "captures (logarithmic scale)")],
)
def test_only_a_wide_range_of_counts_has_a_logarithmic_scale(rarest, scale, says):
    axes = class_plot(classes({"lion": 1000, "gnu": rarest}), "species").axes[0]
    assert (axes.get_xscale(), axes.get_xlabel()) == (scale, says)
    if scale == "log":
        assert 0 < axes.get_xlim()[0] < 1
    else:
        assert axes.get_xlim()[0] == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (0, ""),
        (1, "Not drawn: 1 other class with 40 captures"),
        (9, "Not drawn: 9 other classes with 324 captures"),
    ],
)
def test_the_rarest_of_many_classes_are_said_and_not_drawn(more, says):
    figure = class_plot(classes({f"class {n}": 100 - n for n in range(MOST_BARS + more)}), "x")
    assert figure.get_supxlabel() == says
    assert names(figure) == [f"class {n}" for n in range(MOST_BARS)]
    assert widths(figure) == [100 - n for n in range(MOST_BARS)]
    assert figure.axes[0].get_title(loc="left") == f"x: {MOST_BARS + more} classes"


@pytest.mark.parametrize("count", [1, 2, MOST_BARS, 500])
def test_names_do_not_overlap_and_the_plot_stays_small(count):
    figure = class_plot(classes({f"class number {n}": 9 for n in range(count)}), "species")
    picture = drawn(figure)
    assert max(picture.size) < 2200
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_yticklabels()]
    assert all(above.y0 > below.y1 for above, below in pairwise(boxes))
    assert all(box.x0 >= 0 for box in boxes)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("$x^{$", "$x^{$"),
        ("two\nlines", "two lines"),
        ("a" * 40, "a" * 18 + "…" + "a" * 17),
        ("a\x00b\x1b[1mc\u2028d\x85", "a b [1mc d"),
        ("éland ♀", "éland ♀"),
        ("  ", ""),
    ],
)
def test_odd_names_are_drawn_as_they_are_but_in_one_short_line(name, shown):
    figure = class_plot(classes({name: 3, "lion": 2}), "species")
    drawn(figure)
    assert names(figure) == [shown, "lion"]


def test_long_names_that_differ_at_their_end_stay_apart():
    species = "Cercopithecus albogularis erythrarchus "
    figure = class_plot(classes({species + "north": 3, species + "south": 2}), "species")
    north, south = names(figure)
    assert (north[-5:], south[-5:]) == ("north", "south")
    assert north.startswith("Cercopithecus")


def test_locations_are_drawn_alike():
    table = pd.DataFrame({"location": ["S1", "S2"], "captures": [5, 2], "images": [9, 9]})
    figure = location_plot(table)
    assert (names(figure), numbers(figure)) == (["S1", "S2"], ["5", "2"])
    assert figure.axes[0].get_title(loc="left") == "location: 2 locations"
    drawn(figure)
