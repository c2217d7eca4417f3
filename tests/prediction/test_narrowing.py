"""The classes that there can be, and rolling up to groups."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from made_up_judged import (
    A_LION,
    A_ZEBRA,
    ASKED,
    CALIBRATION,
    EMPTY,
    SOMETHING,
    SPECIES,
    TAXONOMY,
    answer,
)

from ctc.errors import BadInput
from ctc.labels import Label
from ctc.prediction.meaning.allowed import Allowed, read_allowed, renormalised
from ctc.prediction.meaning.judged import Asked, check_rollup, judge
from ctc.prediction.meaning.taxonomy import Taxonomy, read_taxonomy
from ctc.prediction.predictions import Prediction

LABELS = (EMPTY, SPECIES)


@pytest.fixture
def taxonomy(tmp_path: Path) -> Taxonomy:
    (tmp_path / "taxonomy.csv").write_text(TAXONOMY)
    return read_taxonomy(str(tmp_path / "taxonomy.csv"), LABELS)


def said_of(shares: list[float], asked: Asked = ASKED, **changed) -> Prediction:
    return judge(answer("1", [shares]), replace(asked, **changed)).rows["species"]


# --- classes that there can be ---


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ((), {}),
        (("zebra", "lion"), {"species": ("lion", "zebra")}),
        (("lion", "plains zebra", "lion"), {"species": ("lion", "plains zebra")}),
        (("species=lion", "empty=species"), {"species": ("lion",), "empty": ("species",)}),
        (("lion", "empty=human"), {"species": ("lion",), "empty": ("human",)}),
    ],
)
def test_a_list_allows_the_classes_of_the_label_that_has_them(
    given: tuple[str, ...], found: Allowed
) -> None:
    assert read_allowed(given, LABELS) == found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.txt", "\ufefflion\n\n  plains zebra \n", {"species": ("lion", "plains zebra")}),
        ("a.txt", "empty=human\nostrich", {"empty": ("human",), "species": ("ostrich",)}),
        ("a.json", '["ostrich"]', {"species": ("ostrich",)}),
        ("A.JSON", '{"empty": ["human", "empty"]}', {"empty": ("empty", "human")}),
    ],
)
def test_a_file_allows_classes(tmp_path: Path, name: str, text: str, found: Allowed) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_allowed((str(tmp_path / name),), LABELS) == found


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (["lion", "unicorn"], "unknown class 'unicorn' of 'species'; allowed: lion, zebra, plains"),
        (["fur=brown"], "unknown class 'fur=brown' of 'empty'; allowed: empty, species, human"),
        (["empty=lion"], "unknown class 'lion' of 'empty'; allowed: empty, species, human"),
        ({"fur": ["brown"]}, "unknown label 'fur'; allowed: empty, species"),
        ({"species": []}, "found no class; allowed: at least one class a label"),
        ([], "found no class; allowed: at least one class a label"),
        ({}, "found no class; allowed: at least one class a label"),
        ({"species": "lion"}, "found no list of names; allowed: a list of names in .json"),
        ([1], "found no list of names; allowed: a list of names in .json"),
        (3, "found no list of names; allowed: a list of names in .json"),
    ],
)
def test_what_allows_nothing_or_what_nobody_knows_is_refused(
    tmp_path: Path, content: object, sentence: str
) -> None:
    path = tmp_path / "classes.json"
    path.write_text(json.dumps(content))
    with pytest.raises(BadInput) as refused:
        read_allowed((str(path),), LABELS)
    assert str(refused.value).startswith(f"classes: '{path}': {sentence}")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(BadInput, match=r"a.json' cannot be read: .*; allowed: a list of names"):
        read_allowed((str(tmp_path / "a.json"),), LABELS)
    with pytest.raises(BadInput, match=r"b.txt': no such file"):
        read_allowed((str(tmp_path / "b.txt"),), LABELS)


def test_a_name_of_two_labels_has_to_say_which() -> None:
    twins = (Label("day", ("lion", "hare")), Label("night", ("lion", "owl")))
    with pytest.raises(BadInput, match="'lion' is a class of day and night; write LABEL=CLASS"):
        read_allowed(("lion",), twins)
    assert read_allowed(("lion", "owl"), twins) == {"night": ("lion", "owl")}


def test_a_merged_class_is_the_class_that_it_counts_as() -> None:
    merged = Label("species", ("lion", "zebra"), {"cub": "lion"})
    assert read_allowed(("cub",), (merged,)) == {"species": ("lion",)}


def test_probabilities_of_the_allowed_classes_add_up_to_one_and_keep_their_proportions() -> None:
    row = said_of(A_ZEBRA, allowed={"species": ("lion", "zebra")})
    assert row.probabilities == pytest.approx({"lion": 0.02 / 0.47, "zebra": 0.45 / 0.47})
    assert row.prediction == "zebra"
    assert row.allowed_share == pytest.approx(0.47)
    assert said_of(A_ZEBRA).allowed_share is None


@given(
    arrays.arrays(
        np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.floats(0, 1)
    )
)
def test_what_is_renormalised_adds_up_to_one_in_the_same_order(shares: np.ndarray) -> None:
    left = renormalised(shares)
    assert left.sum(axis=1) == pytest.approx(np.ones(len(shares)))
    assert (left >= 0).all()
    for before, after in zip(shares, left, strict=True):
        if before.sum() > 0:
            assert after == pytest.approx(before / before.sum())


def test_the_list_is_applied_to_each_picture_before_they_are_combined() -> None:
    two = answer("1", [[0.1, 0.1, 0.7, 0.1], [0.5, 0.3, 0.1, 0.1]])
    asked = replace(ASKED, aggregate="vote", allowed={"species": ("lion", "zebra")})
    found = judge(two, asked)
    assert found.rows["species"].probabilities["lion"] == pytest.approx((0.5 + 0.625) / 2)
    first, second = found.pictures["species"]
    assert first is not None
    assert second is not None
    assert [first.probabilities["lion"], second.probabilities["lion"]] == pytest.approx(
        [0.5, 0.625]
    )


def test_leaving_classes_out_accepts_nothing_that_was_not_accepted() -> None:
    assert said_of(A_LION).accepted is True
    assert said_of(A_LION, allowed={"species": ("lion", "zebra")}).accepted is True
    surer = said_of(A_ZEBRA, allowed={"species": ("lion", "zebra")})
    assert surer.confidence is not None
    assert surer.confidence > 0.9
    assert surer.accepted is False
    other = said_of(A_LION, allowed={"species": ("zebra", "ostrich")})
    assert (other.prediction, other.accepted) == ("zebra", False)
    assert said_of(A_LION, allowed={"species": ("lion",)}, calibration=None).accepted is None


def test_a_capture_that_failed_has_no_share() -> None:
    failed = answer("1", [], faults=["no such file"])
    row = judge(failed, replace(ASKED, allowed={"species": ("lion",)})).rows["species"]
    assert (row.prediction, row.allowed_share, row.accepted) == (None, None, False)


# --- rolling up ---


def test_a_class_that_is_sure_stands(taxonomy: Taxonomy) -> None:
    row = said_of(A_LION, taxonomy=taxonomy)
    assert (row.prediction, row.rank, row.accepted) == ("lion", "species", True)
    assert row.confidence == pytest.approx(0.9)


def test_where_no_class_is_sure_the_narrowest_group_that_is_stands(taxonomy: Taxonomy) -> None:
    row = said_of(A_ZEBRA, taxonomy=taxonomy)
    assert (row.prediction, row.rank, row.accepted) == ("Equus", "genus", False)
    assert row.confidence == pytest.approx(0.95)
    assert (row.top, row.probabilities["plains zebra"]) == ("plains zebra", pytest.approx(0.5))


def test_where_no_group_is_sure_the_class_stands_and_is_not_accepted(taxonomy: Taxonomy) -> None:
    row = said_of(SOMETHING, taxonomy=taxonomy)
    assert (row.prediction, row.rank, row.accepted) == ("lion", "species", False)


def test_another_confidence_may_make_a_group_sure(taxonomy: Taxonomy) -> None:
    row = said_of(SOMETHING, taxonomy=taxonomy, rollup_confidence=0.5)
    assert (row.prediction, row.rank, row.accepted) == ("Equus", "genus", False)
    same = said_of(A_ZEBRA, taxonomy=taxonomy, rollup_confidence=0.5)
    assert (same.prediction, same.rank, same.accepted) == ("plains zebra", "species", False)


def test_groups_are_of_the_classes_that_there_can_be(taxonomy: Taxonomy) -> None:
    row = said_of(A_ZEBRA, taxonomy=taxonomy, allowed={"species": ("lion", "zebra", "ostrich")})
    assert (row.prediction, row.rank) == ("zebra", "species")
    assert row.accepted is False


def test_a_label_that_the_table_does_not_know_is_not_rolled_up(taxonomy: Taxonomy) -> None:
    found = judge(answer("1", [A_LION], [[0.4, 0.3, 0.3]]), replace(ASKED, taxonomy=taxonomy))
    assert found.rows["empty"].prediction == "empty"


@given(
    st.lists(st.floats(0.001, 1), min_size=6, max_size=6),
    st.lists(st.sampled_from(["A", "B", None]), min_size=6, max_size=6),
    st.floats(0.3, 0.99),
)
def test_a_group_holds_the_sum_of_its_classes_and_is_the_narrowest_that_is_sure(
    shares: list[float], narrow: list[str | None], at_least: float
) -> None:
    names = [f"c{number}" for number in range(6)]
    probabilities = {name: share / sum(shares) for name, share in zip(names, shares, strict=True)}
    groups = {name: (group, "all") for name, group in zip(names, narrow, strict=True)}
    table = Taxonomy("species", ("genus", "kingdom"), groups, {})
    found = table.surest(probabilities, at_least)
    sums = {
        group: sum(probabilities[name] for name in names if groups[name][0] == group)
        for group in {*narrow} - {None}
    }
    assert found is not None  # everything is in one kingdom
    assert found.probability >= at_least
    if found.rank == "genus":
        assert found.probability == pytest.approx(sums[found.name])
        assert found.probability == pytest.approx(max(sums.values()))
    else:
        assert all(value < at_least for value in sums.values())


def test_scientific_names_are_no_groups(taxonomy: Taxonomy) -> None:
    assert taxonomy.ranks == ("genus", "family", "order")
    assert taxonomy.scientific_names["plains zebra"] == "Equus quagga"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("species\nlion\n", "has the columns species; allowed: the class, then a column"),
        ("class,class\nlion,Mammalia\n", "found column 'class' twice; allowed"),
        ("species,genus\nlion,A\nlion,B\n", "data row 2: found the class 'lion' again"),
        ("species,genus\n,A\n", "data row 1: found no class; allowed: each once"),
        ("species,genus\nunicorn,A\n", "knows no class of the classifier; it has: empty, species"),
    ],
)
def test_a_table_that_says_nothing_of_the_classes_is_refused(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "taxonomy.csv"
    path.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_taxonomy(str(path), LABELS)
    assert sentence in str(refused.value)


def test_a_taxonomy_that_could_change_nothing_is_refused(taxonomy: Taxonomy) -> None:
    check_rollup(replace(ASKED, taxonomy=taxonomy))
    check_rollup(ASKED)
    unsure = replace(CALIBRATION, accepted_confidence={"empty": 0.5})
    for asked in (
        replace(ASKED, taxonomy=taxonomy, calibration=unsure),
        replace(ASKED, taxonomy=taxonomy, calibration=None),
        replace(ASKED, taxonomy=taxonomy, aggregate="max"),
    ):
        with pytest.raises(BadInput, match="no confidence is accepted for species, so that no"):
            check_rollup(asked)
        check_rollup(replace(asked, rollup_confidence=0.8))
    lonely = replace(taxonomy, groups={"lion": (None, None, None)})
    with pytest.raises(BadInput, match="no class that is asked for belongs to a group"):
        check_rollup(replace(ASKED, taxonomy=lonely))
    names = replace(lonely, ranks=(), groups={"lion": ()})
    check_rollup(replace(ASKED, taxonomy=names))  # of scientific names alone


def test_the_first_pictures_of_a_burst_belong_to_its_first_stack() -> None:
    burst = answer("1", [A_LION, A_ZEBRA], faults=[None, None, "empty file", None, None])
    rows = judge(burst, ASKED).pictures["species"]
    assert [row and row.prediction for row in rows] == [
        "lion", "lion", None, "lion", "plains zebra"
    ]  # fmt: skip
