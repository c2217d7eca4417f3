from collections import Counter

import pyarrow as pa
import pytest

from ctc.errors import BadInput
from ctc.inventory.splits import assign, shares
from ctc.inventory.table import Inventory

SHARES = ("train=0.7", "val=0.2", "test=0.1")


def inventory(ids: list[str], **columns: list[str | None]) -> Inventory:
    images = pa.array([["1"] for _ in ids], pa.list_(pa.string()))
    table = pa.table({"capture_id": ids, "images": images, **columns})
    return Inventory(table, ("species",) if "species" in columns else (), "t.csv", "/data")


def drawn(ids: list[str], seed: int = 0, splits: tuple[str, ...] = SHARES) -> dict[str, str]:
    return dict(zip(ids, assign(inventory(ids), None, splits, seed).to_pylist(), strict=True))


IDS = [f"S{number % 7}/{number}" for number in range(5000)]


def test_a_column_names_the_split_of_each_row():
    given = inventory(["a", "b", "c"], part=["train", None, "test.2"])
    assert assign(given, "part", SHARES, 0).to_pylist() == ["train", None, "test.2"]


def test_a_label_may_name_the_split():
    given = inventory(["a", "b"], species=["lion", "zebra"])
    assert assign(given, "species", SHARES, 0).to_pylist() == ["lion", "zebra"]


@pytest.mark.parametrize("name", ["part_name", "capture_id", "images"])
def test_a_column_that_cannot_name_the_split_is_refused(name):
    given = inventory(["a"], part=["train"], species=["lion"])
    with pytest.raises(BadInput) as refused:
        assign(given, name, SHARES, 0)
    assert str(refused.value) == (
        f"split_by: the inventory has no column '{name}'; it has: part, species; "
        "none draws the splits by the shares of `splits`"
    )


@pytest.mark.parametrize("name", ["a/b", "..", "my split", "-x", "ü", "a\n"])
def test_a_split_that_cannot_be_a_part_of_a_files_name_is_refused(name):
    sentence = f"split '{name}': a split's name starts with a letter or digit"
    with pytest.raises(BadInput) as refused:
        assign(inventory(["a", "b"], part=["train", name]), "part", SHARES, 0)
    assert str(refused.value).startswith(sentence)
    with pytest.raises(BadInput) as refused:
        shares((f"{name}=1",))
    assert str(refused.value).startswith(sentence)


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


def test_all_rows_of_a_capture_are_on_the_same_side():
    rows = [capture for capture in IDS[:200] for _ in range(3)]
    split = assign(inventory(rows), None, SHARES, 0).to_pylist()
    assert len(set(zip(rows, split, strict=True))) == 200


def test_another_seed_draws_other_splits():
    one, other = drawn(IDS, 0), drawn(IDS, 1)
    assert one == drawn(IDS, 0)
    assert sum(one[capture] != other[capture] for capture in IDS) > 1000
