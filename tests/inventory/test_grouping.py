from collections import Counter
from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from ctc.errors import BadInput
from ctc.inventory.captures import UNKNOWN, Captures
from ctc.inventory.splits.assigning import ONE_BY_ONE, assign_groups
from ctc.inventory.splits.costs import Counts, Goal
from ctc.inventory.splits.drawing import NEAR, SLIGHT
from ctc.inventory.splits.grouping import YEAR, GroupBy, group, read_group_by
from ctc.inventory.table import Inventory
from ctc.sample.plan import plan as sample_plan

SHARES = [0.7, 0.15, 0.15]


def inventory(*rows: tuple[str, str | None, str | None]) -> Inventory:
    """Rows of capture id, location and timestamp."""
    ids, locations, times = zip(*rows, strict=True)
    images = pa.array([["1"] for _ in rows], pa.list_(pa.string()))
    table = pa.table(
        {
            "capture_id": ids,
            "images": images,
            "location": pa.array(locations, pa.string()),
            "timestamp": pa.array(times, pa.string()),
        }
    )
    return Inventory(table, (), "t.csv", "/data")


def groups(given: Inventory, by: GroupBy) -> set[str]:
    """The groups, each as the ids of its captures."""
    captures = Captures.of(given)
    found: dict[int, list[str]] = {}
    ids = captures.ids.to_pylist()
    for capture, number in zip(ids, group(given, captures, by).of_capture, strict=True):
        found.setdefault(int(number), []).append(capture)
    assert sorted(found) == list(range(len(found)))
    return {"".join(sorted(members)) for members in found.values()}


def at(clock: str) -> str:
    return f"2024-05-03 {clock}"


# --- which captures stay together ---


def test_captures_of_a_location_stay_together_and_those_without_one_too():
    given = inventory(
        ("a", "north", None), ("b", None, None), ("c", "south", None), ("d", "north", None),
        ("e", None, None),
    )  # fmt: skip
    assert groups(given, GroupBy("location")) == {"ad", "be", "c"}


def test_a_burst_goes_on_as_long_as_no_gap_is_too_long():
    given = inventory(
        ("c", "north", at("10:01:50")), ("a", "north", at("10:00:00")),
        ("b", "north", at("10:01:00")), ("d", "north", at("10:02:51")),
        ("x", "south", at("10:00:30")), ("y", "south", at("10:00:31")),
    )  # fmt: skip
    assert groups(given, GroupBy("location", 60)) == {"abc", "d", "xy"}
    assert groups(given, GroupBy("location", 61)) == {"abcd", "xy"}
    assert groups(given, GroupBy("location", 0)) == set("abcdxy")


def test_captures_without_a_time_are_one_group_a_location_and_are_told():
    given = inventory(
        ("a", "north", at("10:00:00")), ("b", "north", "in the morning"), ("c", "north", None),
        ("d", "south", None), ("e", None, at("10:00:00")), ("f", None, at("23:00:00")),
    )  # fmt: skip
    assert groups(given, GroupBy("location", 60)) == {"a", "bc", "d", "ef"}
    found = group(given, Captures.of(given), GroupBy("location", 60)).findings
    assert [(one.count, one.example, one.column) for one in found] == [
        (2, "e", "location"),
        (3, "b", "timestamp"),
    ]


def test_the_first_row_of_a_capture_says_where_it_is():
    given = inventory(("a", "north", None), ("b", "south", None), ("a", "south", None))
    assert groups(given, GroupBy("location")) == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("location", None), ("location+60s", 60), ("location+1.5m", 90), ("location+8760h", YEAR)],
)
def test_what_stays_together_is_read_from_a_word(text, seconds):
    found = read_group_by(text, inventory(("a", "north", None)))
    assert found == GroupBy("location", seconds)
    assert read_group_by(str(found), inventory(("a", "north", None))) == found


@pytest.mark.parametrize("text", ["camera", "camera+60s", "capture_id", "images"])
def test_a_column_that_does_not_exist_is_refused(text):
    name = text.removesuffix("+60s")
    with pytest.raises(BadInput) as refused:
        read_group_by(text, inventory(("a", "north", None)))
    assert str(refused.value) == (
        f"group_by: the inventory has no column '{name}'; it has: location, timestamp; such a "
        "column, or bursts in one such as location+60s, or none, are allowed"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "location+60",
            "'location+60' has no unit; write location+60s for seconds, or m for minutes, or h "
            "for hours",
        ),
        (
            "location+99999999999999s",
            "found 'location+99999999999999s'; allowed: a gap of at most a year, 31536000s",
        ),
        ("location+8761h", "found 'location+8761h'; allowed: a gap of at most a year, 31536000s"),
    ],
)
def test_a_gap_that_cannot_be_is_refused(text, sentence):
    with pytest.raises(BadInput) as refused:
        read_group_by(text, inventory(("a", "north", None)))
    assert str(refused.value) == f"group_by: {sentence}"


def test_bursts_need_times():
    given = inventory(("a", "north", "03/05/2024"), ("b", "north", None))
    with pytest.raises(BadInput, match=r"^no time of the column 'timestamp' .* is '03/05/2024'"):
        group(given, Captures.of(given), GroupBy("location", 60))
    timeless = Inventory(given.table.drop_columns("timestamp"), (), "t.csv", "/data")
    with pytest.raises(BadInput, match=r"'location\+60s' needs the column 'timestamp', which"):
        read_group_by("location+60s", timeless)


# --- which split a group goes to ---


def random_groups(count: int, captures: int, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Groups of different sizes, each with species of its own liking, and a count."""
    rng = np.random.default_rng(seed)
    more = rng.choice(count, captures - count, p=rng.dirichlet(np.full(count, 2.0)))
    members = np.concatenate([np.arange(count), more])
    liking = np.cumsum(rng.dirichlet(np.full(5, 0.5), count), 1)
    species = (rng.random(captures)[:, None] > liking[members]).sum(1).clip(0, 4)
    return members, [species, rng.integers(-1, 4, captures)]


@pytest.mark.parametrize("seed", [0, 1, 7, 13, 26])
def test_few_groups_are_divided_as_well_as_can_be(seed):
    members, classes = random_groups(7, 500, seed)
    counts = Counts.of(members, classes)
    goal, table = Goal.of(counts, np.array(SHARES)), counts.dense()
    costs = [goal.whole_cost(table, np.array(splits)) for splits in product(range(3), repeat=7)]
    found = goal.whole_cost(table, assign_groups(members, classes, SHARES, 0))
    assert min(costs) - 1e-9 <= found <= min(costs) * (1 + NEAR) + SLIGHT


def sample_groups() -> tuple[np.ndarray, list[np.ndarray]]:
    """The locations of the demo's 600 captures, with their animals, and whether there is any."""
    captures = sample_plan(600, 0)
    animals = ["elephant", "giraffe", "lion", "ostrich", "zebra"]
    species = np.array([animals.index(one.kind) if one.kind else UNKNOWN for one in captures])
    return np.array([one.place for one in captures]), [species, (species == UNKNOWN).astype(int)]


def test_among_few_groups_too_the_seed_decides_and_nothing_is_lost_by_it():
    members, classes = sample_groups()
    counts = Counts.of(members, classes)
    goal, table = Goal.of(counts, np.array(SHARES)), counts.dense()
    assert counts.groups == 10
    found = [assign_groups(members, classes, SHARES, seed) for seed in range(5)]
    assert len({tuple(split_of == 0) for split_of in found}) > 1  # val and test swapped is little
    costs = [goal.whole_cost(table, split_of) for split_of in found]
    assert max(costs) <= min(costs) * (1 + NEAR) + SLIGHT
    away = [
        np.abs(np.bincount(split_of[members], minlength=3) / len(members) - SHARES).max()
        for split_of in found
    ]
    assert away == pytest.approx([away[0]] * 5, abs=0.01)
    again = assign_groups(members, classes, SHARES, 3)
    assert (again == found[3]).all()


def test_many_groups_bring_shares_and_classes_close_to_what_is_asked():
    members, classes = random_groups(2000, 20_000, 0)
    split_of = assign_groups(members, classes, SHARES, 0)[members]
    for codes in (np.zeros(20_000, int), *classes):
        for each in range(codes.max() + 1):
            share = np.bincount(split_of[codes == each], minlength=3) / (codes == each).sum()
            assert share == pytest.approx(SHARES, abs=0.005)


def test_very_many_groups_are_spread_with_the_rare_classes_in_every_split():
    count = ONE_BY_ONE + 50_000
    rng = np.random.default_rng(0)
    species = rng.integers(0, 3, count)
    species[rng.choice(count, 3, replace=False)] = 3
    split_of = assign_groups(np.arange(count), [species], SHARES, 0)
    for each in range(3):
        share = np.bincount(split_of[species == each], minlength=3) / (species == each).sum()
        assert share == pytest.approx(SHARES, abs=0.001)
    assert sorted(split_of[species == 3]) == [0, 1, 2]


def test_a_class_of_as_many_groups_as_there_are_splits_is_in_all_of_them():
    species = np.zeros(60, int)
    species[[3, 17, 41]] = 1
    split_of = assign_groups(np.arange(60) // 2, [species], SHARES, 0)[np.arange(60) // 2]
    assert sorted(split_of[species == 1]) == [0, 1, 2]


def test_the_seed_decides_what_goes_where():
    members, classes = random_groups(300, 900, 1)
    one, again, other = (assign_groups(members, classes, SHARES, seed) for seed in (0, 0, 1))
    assert (one == again).all()
    assert (one != other).any()


def test_no_split_is_left_empty():
    members = np.array([0] * 98 + [1, 2])
    split_of = assign_groups(members, [], SHARES, 0)
    assert Counter(split_of.tolist()) == {0: 1, 1: 1, 2: 1}
    assert split_of[0] == 0
