import pytest

from ctc.errors import BadInput
from ctc.labels import MISSING, Label, check_names, chosen


def test_the_index_of_a_class_is_its_place():
    label = Label("species", ("lion", "zebra"))
    assert [label.index(name) for name in label.classes] == [0, 1]


@pytest.mark.parametrize("value", [None, "", "Lion", "leopard"])
def test_what_is_no_class_is_missing(value):
    assert Label("species", ("lion", "zebra")).index(value) == MISSING


@pytest.mark.parametrize("name", ["a", "7", "species_2", "a-b.c", "A" * 80])
def test_a_plain_name_can_be_a_label(name):
    check_names([name])


@pytest.mark.parametrize("name", ["", "a/b", "a b", "_a", "-a", ".a", "größe", "a\n", "a:b"])
def test_a_name_that_mlflow_or_keras_would_refuse_cannot_be_a_label(name):
    with pytest.raises(BadInput) as refused:
        check_names(["fine", name])
    assert str(refused.value).startswith(f"label '{name}': a label's name starts with a letter")


PRESENT = ("empty", "species", "count")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("all",), PRESENT),
        (("count", "empty"), ("count", "empty")),
        (("count", "empty", "count"), ("count", "empty")),
    ],
)
def test_labels_are_chosen_in_the_order_asked(asked, found):
    assert chosen(asked, PRESENT) == found


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("sex",), "unknown label 'sex'; the dataset has: empty, species, count"),
        (("all", "empty"), "unknown label 'all'; the dataset has: empty, species, count"),
        ((), "no label given; the dataset has: empty, species, count"),
    ],
)
def test_labels_that_are_not_there_are_refused_with_those_that_are(asked, sentence):
    with pytest.raises(BadInput) as refused:
        chosen(asked, PRESENT)
    assert str(refused.value) == sentence


def test_a_column_called_all_is_chosen_by_its_name():
    assert chosen(("all", "empty"), ("empty", "all")) == ("all", "empty")
