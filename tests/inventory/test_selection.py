from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from ctc.errors import BadInput
from ctc.inventory.captures import Captures
from ctc.inventory.splits.selection import Choice, choose_by_class, choose_by_number
from ctc.inventory.table import Inventory
from ctc.parameter import words
from ctc.params import Selection


def inventory(*rows: tuple[str, str | None, str | None]) -> Inventory:
    """Rows of capture id, empty and species."""
    names = ("capture_id", "empty", "species")
    table = pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in rows],
        pa.schema([(name, pa.string()) for name in names]),
    )
    return Inventory(table, ("empty", "species"), "t.csv", "/data")


FEW = inventory(
    ("a", "species", "lion"),
    ("b", "species", "zebra"),
    ("c", "species", "mountain lion"),
    ("d", "empty", None),
    ("e", "vehicle", None),
    ("f", "species", "lion"),
    ("f", "species", "zebra"),
    ("g", None, None),
)


def by_class(**how) -> dict[str, str]:
    """The reason of each capture that is left out."""
    choice = Choice(Captures.of(FEW))
    choose_by_class(FEW, choice, Selection(**how))
    out = choice.left_out()
    return dict(zip(out["capture_id"].to_pylist(), out["reason"].to_pylist(), strict=True))


def test_without_a_word_all_captures_take_part():
    assert by_class() == {}


def test_a_capture_goes_when_one_of_its_observations_has_a_removed_class():
    lion, vehicle = "removed: species=lion", "removed: empty=vehicle"
    found = by_class(remove=("species=lion", "empty=vehicle"))
    assert found == {"a": lion, "f": lion, "e": vehicle}


def test_a_capture_stays_when_every_label_has_a_kept_class():
    kept = by_class(keep=("species=lion", "species=mountain lion"))
    assert kept == dict.fromkeys("bdeg", "not kept: species")
    assert by_class(keep=("empty=empty",)) == dict.fromkeys("abcefg", "not kept: empty")
    assert set(by_class(keep=("empty=species", "species=zebra"))) == set("acdeg")


def test_what_is_removed_is_not_kept():
    found = by_class(keep=("species=lion", "species=zebra"), remove=("species=zebra",))
    assert found["b"] == found["f"] == "removed: species=zebra"
    assert "a" not in found


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("lion", "found 'lion'; allowed: LABEL=CLASS"),
        ("specie=lion", "the inventory has no label 'specie'; it has: empty, species"),
        ("species=loin", "'species' has no class 'loin'; it has: lion, 'mountain lion', zebra"),
        ("species=", "'species' has no class ''; it has: lion, 'mountain lion', zebra"),
    ],
)
@pytest.mark.parametrize("what", ["keep", "remove"])
def test_a_class_that_does_not_exist_is_refused(what, word, sentence):
    with pytest.raises(BadInput) as refused:
        by_class(**{what: (word,)})
    assert str(refused.value) == f"{what}: {sentence}"


@pytest.mark.parametrize(
    ("name", "mark", "quoted"),
    [
        ("wild boar", "blank", "'species=wild boar'"),
        ("wild, or not", "comma", "'species=wild, or not'"),
    ],
)
def test_a_class_that_lost_its_quotes_is_recognized(name, mark, quoted):
    given = inventory(("a", None, name), ("b", None, "wilder"))
    with pytest.raises(BadInput) as refused:
        choose_by_class(given, Choice(Captures.of(given)), Selection(remove=("species=wild",)))
    assert str(refused.value) == (
        f"remove: 'species' has no class 'wild'; it has: '{name}', wilder; a class with a {mark} "
        f'stands in quotes: remove="{quoted}"'
    )
    assert words("remove", quoted) == (f"species={name}",)


def test_a_sentence_names_forty_classes_at_most():
    many = inventory(*((str(n), None, f"s{n:03d}") for n in range(43)))
    with pytest.raises(BadInput, match=r"it has: s000, s001, .*, s039 and 3 more$"):
        choose_by_class(many, Choice(Captures.of(many)), Selection(keep=("species=s",)))


# --- how many ---


def many(captures: int = 600) -> tuple[Inventory, np.ndarray]:
    """60 % zebras, 30 % lions, 10 % without species, and a split for each: 0 or 1."""
    names = ["zebra"] * 6 + ["lion"] * 3 + [None]
    rows = [(f"c{n}", "species", names[n % 10]) for n in range(captures)]
    return inventory(*rows), np.arange(captures) // 10 % 3 // 2  # two thirds, one third


def left(seed: int = 0, captures: int = 600, **how) -> tuple[dict[tuple, int], set[str], Counter]:
    """How many are left of each split and species, which, and the reasons of the others."""
    given, split_of = many(captures)
    choice = Choice(Captures.of(given))
    choose_by_number(given, choice, split_of, Selection(**how), seed)
    species = given.table["species"].to_pylist()
    rows = np.flatnonzero(choice.taking)
    counts = Counter((int(split_of[row]), species[row]) for row in rows)
    ids = {f"c{row}" for row in rows}
    return dict(counts), ids, Counter(choice.left_out()["reason"].to_pylist())


def test_balance_leaves_every_class_what_the_least_frequent_of_the_split_has():
    counts, _, reasons = left(balance="species")
    assert counts == {(0, "zebra"): 120, (0, "lion"): 120, (1, "zebra"): 60, (1, "lion"): 60}
    assert reasons == {"balanced: species": 180, "balanced: species is missing": 60}


def test_a_cap_leaves_a_class_so_many_in_each_split():
    counts, _, reasons = left(cap=("species=100",))
    assert counts == {
        (0, "zebra"): 100, (0, "lion"): 100, (0, None): 40,
        (1, "zebra"): 100, (1, "lion"): 60, (1, None): 20,
    }  # fmt: skip
    assert reasons == {"capped: species": 160 + 20}


def test_balance_comes_before_the_cap():
    counts, _, reasons = left(balance="species", cap=("species=100", "empty=150"))
    assert sum(counts[0, name] for name in ("zebra", "lion")) == 150
    assert counts[1, "zebra"] == counts[1, "lion"] == 60
    assert reasons["capped: species"] == 40
    assert reasons["capped: empty"] == 50


def test_which_captures_stay_is_drawn_by_the_seed():
    _, one, _ = left(cap=("species=50",))
    _, again, _ = left(cap=("species=50",))
    _, other, _ = left(seed=1, cap=("species=50",))
    assert one == again
    assert len(one - other) > 50


def test_who_stays_among_few_stays_among_more():
    _, few, _ = left(cap=("species=20",))
    _, more, _ = left(cap=("species=40",))
    assert few < more


def test_captures_that_are_added_displace_few():
    _, before, _ = left(cap=("species=50",))
    _, after, _ = left(captures=660, cap=("species=50",))
    assert len(before - after) < 0.2 * len(before)


def test_captures_that_are_out_already_do_not_count():
    given, split_of = many()
    choice = Choice(Captures.of(given))
    choice.leave_out(np.arange(600) >= 300, "before")
    choose_by_number(given, choice, split_of, Selection(balance="species"), 0)
    left_of = Counter(split_of[choice.taking].tolist())
    assert left_of == {0: 120, 1: 60}
    assert Counter(choice.left_out()["reason"].to_pylist())["before"] == 300


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"balance": "age"}, "balance: the inventory has no label 'age'; it has: empty, species"),
        ({"cap": ("age=3",)}, "cap: the inventory has no label 'age'; it has: empty, species"),
        *(
            ({"cap": words}, "cap: found '{}'; allowed: LABEL=NUMBER with a number from 1, each")
            for words in (
                ("species",), ("species=0",), ("species=-1",), ("species=2.5",), ("species=²",),
                ("species=1", "species=1"),
            )
        ),
    ],
)  # fmt: skip
def test_a_number_or_label_that_cannot_be_is_refused(how, sentence):
    with pytest.raises(BadInput) as refused:
        left(**how)
    assert str(refused.value).startswith(sentence.format(how.get("cap", ("",))[-1]))


def test_when_no_capture_is_left_every_reason_is_named():
    choice = Choice(Captures.of(FEW))
    choice.leave_out(np.arange(7) < 2, "one reason")
    choice.check_any()
    choice.leave_out(np.ones(7, bool), "another")
    with pytest.raises(BadInput) as refused:
        choice.check_any()
    assert str(refused.value) == "no capture is left to write: 5 x another, 2 x one reason"
