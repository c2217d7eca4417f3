from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from ctc.errors import BadInput
from ctc.inventory.captures import UNKNOWN, Captures
from ctc.inventory.findings import Finding
from ctc.inventory.splits.splitting import Splitting, shares, split
from ctc.inventory.table import Inventory
from ctc.params import DatasetSplits

SHARES = ("train=0.7", "val=0.2", "test=0.1")


def inventory(ids: list[str], **columns: list[str | None]) -> Inventory:
    images = pa.array([["1"] for _ in ids], pa.list_(pa.string()))
    texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    table = pa.table({"capture_id": ids, "images": images, **texts})
    return Inventory(table, ("species",) if "species" in columns else (), "t.csv", "/data")


def divide(given: Inventory, seed: int = 0, taking: list[bool] | None = None, **how) -> Splitting:
    captures = Captures.of(given)
    mask = np.ones(len(captures), bool) if taking is None else np.array(taking)
    shares_drawn = {"splits": SHARES} if how.get("split_by", "auto") is None else {}
    return split(given, captures, mask, DatasetSplits(**shares_drawn | how), seed)


def named(given: Inventory, seed: int = 0, **how) -> dict[str, str | None]:
    """The split of each capture."""
    found = divide(given, seed, **how)
    names = [None if place == UNKNOWN else found.names[place] for place in found.of_capture]
    return dict(zip(Captures.of(given).ids.to_pylist(), names, strict=True))


def drawn(ids: list[str], seed: int = 0, splits: tuple[str, ...] = SHARES) -> dict[str, str]:
    return named(inventory(ids), seed, split_by=None, group_by=None, splits=splits)


IDS = [f"S{number % 7}/{number}" for number in range(5000)]


# --- a column names them ---


def test_a_column_names_the_split_of_each_capture():
    given = inventory(["a", "b", "a", "c"], part=["train", None, "train", "test.2"])
    assert named(given, split_by="part") == {"a": "train", "b": None, "c": "test.2"}
    assert divide(given, split_by="part").sentence == "the splits are those of column 'part'"


def test_a_label_may_name_the_split():
    given = inventory(["a", "b"], species=["lion", "zebra"])
    assert named(given, split_by="species") == {"a": "lion", "b": "zebra"}


def test_by_default_split_name_names_it_where_there_is_one():
    given = inventory(["a", "b"], split_name=["x", "y"], location=["north", "south"])
    assert named(given) == {"a": "x", "b": "y"}
    found = divide(given)
    assert (found.split_by, found.group_by) == ("split_name", "none")


@pytest.mark.parametrize("name", ["part_name", "capture_id", "images"])
def test_a_column_that_cannot_name_the_split_is_refused(name):
    given = inventory(["a"], part=["train"], species=["lion"])
    with pytest.raises(BadInput) as refused:
        divide(given, split_by=name)
    assert str(refused.value) == (
        f"split_by: the inventory has no column '{name}'; it has: part, species; "
        "none draws the splits by the shares of `splits`"
    )


@pytest.mark.parametrize("split_by", ["auto", "split_name"])
def test_a_column_of_splits_and_groups_to_be_drawn_contradict_each_other(split_by):
    given = inventory(["a"], split_name=["train"], location=["north"])
    with pytest.raises(BadInput) as refused:
        divide(given, split_by=split_by, group_by="location")
    assert str(refused.value) == (
        "group_by: 'location' cannot be kept together, for column 'split_name' names the splits; "
        "split_by=none draws them"
    )


@pytest.mark.parametrize("split_by", ["auto", "split_name"])
def test_a_column_of_splits_and_shares_to_be_drawn_contradict_each_other(split_by):
    given = inventory(["a"], split_name=["train"])
    with pytest.raises(BadInput) as refused:
        divide(given, split_by=split_by, splits=("train=0.8", "test=0.2"))
    assert str(refused.value) == (
        "splits: train=0.8 test=0.2 cannot be drawn, for column 'split_name' names the splits; "
        "split_by=none draws them"
    )
    assert named(given, split_by=split_by, splits=DatasetSplits().splits) == {"a": "train"}


def test_an_empty_split_name_is_like_none():
    given = inventory(list("abcdef"), split_name=[None] * 6, location=list("uvwxyz"))
    found = divide(given, splits=("x=0.5", "y=0.5"), group_by="location")
    assert (found.split_by, found.group_by, found.names) == ("none", "location", ("x", "y"))
    assert Counter(found.of_capture.tolist()) == {0: 3, 1: 3}


def with_finding(column: str) -> Inventory:
    """A capture that has several values of a column."""
    what = f"captures with several values of '{column}' (the first was kept)"
    table = inventory(["a"], part=["train"], other=["x"]).table
    return Inventory(table, (), "t.csv", "/data", (Finding(what, 1, "a", column),))


def test_a_capture_of_two_splits_is_refused():
    with pytest.raises(BadInput) as refused:
        divide(with_finding("part"), split_by="part")
    assert str(refused.value) == (
        "1 captures with several values of 'part' (the first was kept), such as a; a capture "
        "belongs to one split"
    )


def test_a_capture_with_two_values_of_another_column_is_not():
    assert named(with_finding("other"), split_by="part") == {"a": "train"}


@pytest.mark.parametrize("name", ["a/b", "..", "my split", "-x", "ü", "a\n"])
def test_a_split_that_cannot_be_a_part_of_a_files_name_is_refused(name):
    sentence = f"split '{name}': a split's name starts with a letter or digit"
    with pytest.raises(BadInput) as refused:
        divide(inventory(["a", "b"], part=["train", name]), split_by="part")
    assert str(refused.value).startswith(sentence)
    with pytest.raises(BadInput) as refused:
        shares((f"{name}=1",))
    assert str(refused.value).startswith(sentence)


def test_splits_whose_names_differ_in_case_only_are_refused():
    sentence = (
        "splits 'Train' and 'train' differ in case only: on some disks their files are the same; "
        "spell them alike, or name one otherwise"
    )
    with pytest.raises(BadInput) as refused:
        divide(inventory(["a", "b"], part=["train", "Train"]), split_by="part")
    assert str(refused.value) == sentence
    with pytest.raises(BadInput) as refused:
        shares(("Train=0.5", "train=0.5"))
    assert str(refused.value) == sentence


# --- drawn, capture by capture ---


def test_shares_are_read_in_their_order():
    assert list(shares(SHARES).items()) == [("train", 0.7), ("val", 0.2), ("test", 0.1)]
    assert shares(("all=1",)) == {"all": 1.0}
    assert shares(tuple(f"s{n}=0.1" for n in range(10)))["s9"] == 0.1


@pytest.mark.parametrize("splits", [("train",), ("train=",), ("train=half",), ("train:1",)])
def test_a_share_that_is_no_number_is_refused(splits):
    with pytest.raises(BadInput, match=r"^splits?:? .*allowed: NAME=SHARE$|^split 'train:1'"):
        shares(splits)


@pytest.mark.parametrize(
    "splits",
    [
        (),
        ("train=0.7", "val=0.2"),
        ("train=0.7", "val=0.4"),
        ("train=1.5", "val=-0.5"),
        ("train=1", "val=0"),
        ("train=0.5", "train=0.5"),
        ("train=1", "train=1"),
        ("train=nan",),
        ("train=inf",),
    ],
)
def test_shares_that_do_not_add_up_are_refused(splits):
    with pytest.raises(BadInput) as refused:
        shares(splits)
    assert str(refused.value) == (
        f"splits: found '{' '.join(splits)}'; allowed: positive shares that add up to 1"
    )


def test_drawn_splits_are_near_their_shares():
    counts = Counter(drawn(IDS).values())
    assert set(counts) == {"train", "val", "test"}
    for name, share in shares(SHARES).items():
        # Four standard deviations of a binomial.
        assert abs(counts[name] - 5000 * share) < 4 * (5000 * share * (1 - share)) ** 0.5


def test_captures_that_are_added_move_no_other():
    before = drawn(IDS[::3])
    after = drawn(IDS[::-1])
    assert all(after[capture] == split for capture, split in before.items())


def test_what_was_drawn_in_earlier_versions_is_drawn_today():
    assert drawn(["a", "b", "c", "d", "e", "f", "g", "h"]) == {
        "a": "train", "b": "val", "c": "val", "d": "train",
        "e": "val", "f": "train", "g": "train", "h": "train",
    }  # fmt: skip


def test_another_seed_draws_other_splits():
    one, other = drawn(IDS, 0), drawn(IDS, 1)
    assert one == drawn(IDS, 0)
    assert sum(one[capture] != other[capture] for capture in IDS) > 1000


def test_where_no_location_is_known_captures_are_drawn_one_by_one():
    for columns in ({}, {"location": [None] * 50}):
        found = divide(inventory(IDS[:50], **columns))
        assert (found.split_by, found.group_by) == ("none", "none")
        assert found.sentence == (
            "the splits are drawn capture by capture, blind to locations and times"
        )


# --- drawn, group by group ---


def located(captures: int = 400, locations: int = 20) -> Inventory:
    place = [number * number % locations for number in range(captures)]
    return inventory(
        [f"c{number}" for number in range(captures)],
        location=[f"L{each}" for each in place],
        species=["lion" if each % 3 else "zebra" for each in place],
        timestamp=[f"2024-05-03 10:{number // 60:02d}:{number % 60:02d}" for number in range(400)],
    )


@pytest.mark.parametrize("group_by", ["auto", "location"])
def test_a_location_is_on_one_side(group_by):
    given = located()
    found = named(given, split_by=None, group_by=group_by)
    pairs = set(zip(given.table["location"].to_pylist(), found.values(), strict=True))
    assert len(pairs) == len({location for location, _ in pairs})
    assert {name for _, name in pairs} == {"train", "val", "test"}
    splitting = divide(given, split_by=None, group_by=group_by)
    counts = Counter(found.values())
    reached = ", ".join(f"{name} {counts[name] / 4:.0f} %" for name in ("train", "val", "test"))
    assert (splitting.split_by, splitting.group_by) == ("none", "location")
    assert splitting.sentence == (
        "the splits are drawn; captures with the same 'location' stay on one side "
        f"({len(pairs)} groups): {reached}"
    )


def test_the_shares_that_groups_allow_are_told():
    given = inventory([f"c{n}" for n in range(10)], location=["u"] * 4 + ["v"] * 3 + ["w"] * 3)
    taking = [True] * 9 + [False]
    found = divide(given, taking=taking, split_by=None)
    assert found.sentence.endswith("(3 groups): train 44 %, val 33 %, test 22 %")


def test_a_burst_is_on_one_side():
    given = inventory(
        [f"c{number}" for number in range(60)],
        location=["north"] * 60,
        timestamp=[f"2024-05-03 {n // 3:02d}:00:{n % 3 * 20:02d}" for n in range(60)],
    )
    found = list(named(given, split_by=None, group_by="location+20s").values())
    assert found[::3] == found[1::3] == found[2::3]
    assert Counter(found[::3]) == {"train": 14, "val": 4, "test": 2}
    splitting = divide(given, split_by=None, group_by="location+20s")
    assert splitting.group_by == "location+20s"
    assert "follow each other within 20 seconds stay on one side (20 groups)" in splitting.sentence


def test_shares_are_of_the_captures_that_take_part_and_bursts_of_all():
    given = inventory(
        [f"c{number}" for number in range(40)],
        location=["north"] * 40,
        timestamp=[f"2024-05-03 10:{n % 20:02d}:{n // 20 * 30:02d}" for n in range(40)],
    )
    taking = [number < 20 for number in range(40)]
    halves = {"split_by": None, "splits": ("a=0.5", "b=0.5")}
    found = divide(given, taking=taking, group_by="location+5s", **halves)
    assert Counter(found.of_capture[:20].tolist()) == {0: 10, 1: 10}
    with pytest.raises(BadInput, match=r"^group_by: 1 group by 'location\+30s' cannot fill 2"):
        divide(given, taking=taking, group_by="location+30s", **halves)


def test_fewer_groups_than_splits_are_refused():
    given = inventory(["a", "b", "c"], location=["north", "north", "south"])
    with pytest.raises(BadInput) as refused:
        divide(given, split_by=None)
    assert str(refused.value) == (
        "group_by: 2 groups by 'location' cannot fill 3 splits; name fewer `splits`, or smaller "
        "groups such as location+60s, or none"
    )


def test_captures_without_a_location_are_told():
    given = inventory(list("abcd"), location=["north", "south", None, "west"])
    (finding,) = divide(given, split_by=None).findings
    assert (finding.count, finding.example, finding.column) == (1, "c", "location")
