import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ctc.dataset.leakage import twins
from ctc.dataset.leakage.report import LeakageReport, leakage
from ctc.dataset.leakage.twins import NEAR, alike
from ctc.dataset.planning import plan_dataset
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams, InventoryParams
from ctc.pictures.fingerprints import FEATURELESS, fingerprint

# --- the sample, by its own report ---

Stored = dict[str, tuple[bytes, bytes]]  # content and perceptual hash of each picture


@pytest.fixture(scope="module")
def single(small_survey) -> Inventory:
    """The small survey with each picture as a capture of its own: bursts, seconds apart."""
    path = str(small_survey.table)
    return take_inventory(InventoryParams(path=path, capture_id="id", check="none"))


@pytest.fixture(scope="module")
def stored(single: Inventory) -> Stored:
    """The pictures of the small survey that can be read."""
    found = {}
    for (image,) in single.table["images"].to_pylist():
        try:
            data = Path(single.root, image).read_bytes()
            picture = Image.open(io.BytesIO(data)).convert("RGB")
        except OSError:
            continue
        one = fingerprint(data, picture)
        found[image] = (one.content, one.perceptual)
    return found


def report(given: Inventory, stored: Stored, **how) -> LeakageReport:
    plan = plan_dataset(given, DatasetParams(**{"split_by": None} | how))
    splits = plan.captures["split"].to_pylist()
    rows = zip(plan.table["capture_id"].to_pylist(), splits, plan.table["images"], strict=True)
    pictures = [
        {"capture_id": capture, "split": split, "content": known[0], "perceptual": known[1]}
        for capture, split, images in rows
        for image in images.as_py()
        if (known := stored.get(image))
    ]
    return leakage(pa.Table.from_pylist(pictures), plan.captures, 60.0)


def kinds(found: LeakageReport) -> dict[str, int]:
    """Captures that have a twin, of each kind that has any."""
    return {kind: count for kind, count in found.captures.items() if count}


def test_a_split_by_location_has_no_leak(single, small_inventory, stored):
    for given in (single, small_inventory):
        found = report(given, stored, group_by="location")
        assert kinds(found) == {}
        assert set(found.metrics().values()) == {0.0}
        assert found.sentences == ()


def test_the_split_that_the_sample_brings_has_no_leak(small_inventory, stored):
    assert kinds(report(small_inventory, stored, split_by="split_name")) == {}


def test_a_split_by_burst_has_no_burst_on_both_sides(single, stored):
    found = report(single, stored, group_by="location+60s")
    assert not {"burst", "duplicate", "capture"} & set(kinds(found))
    assert found.captures["location"] > 50


def test_a_random_split_of_the_sample_leaks(single, small_inventory, stored):
    random = report(small_inventory, stored, group_by=None)
    assert random.captures["location"] > 20
    assert random.captures["near_duplicate"] > 0
    assert "% of the captures of" in random.sentences[0]
    bursts = report(single, stored, group_by=None)
    assert bursts.captures["burst"] > 20
    assert bursts.captures["near_duplicate"] > random.captures["near_duplicate"]


# --- each kind, made up ---

GREY = b"\x0f" * 32


def looks(number: int) -> bytes:
    return np.random.default_rng(number).bytes(32)


def nearly(perceptual: bytes, bits: int) -> bytes:
    """Another hash that differs in so many bits."""
    flipped = np.unpackbits(np.frombuffer(perceptual, np.uint8))
    flipped[np.random.default_rng(0).choice(256, bits, replace=False)] ^= 1
    return np.packbits(flipped).tobytes()


def captures(*rows: tuple) -> pa.Table:
    """Rows of id, split, location, time."""
    names = ("capture_id", "split", "location", "timestamp")
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema)


def pictures(*rows: tuple) -> pa.Table:
    """Rows of id, split, content, perceptual."""
    names = ("capture_id", "split", "content", "perceptual")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def own_pictures(of: pa.Table) -> pa.Table:
    """A picture of its own for each capture."""
    rows = zip(of["capture_id"].to_pylist(), of["split"].to_pylist(), strict=True)
    return pictures(*((*row, b"content%d" % n, looks(n)) for n, row in enumerate(rows)))


def leaks(found: LeakageReport, kind: str) -> Iterator[tuple]:
    table = found.table()
    rows = table[(table["kind"] == kind) & (table["captures"] > 0)]
    return rows[["split", "other", "captures", "share", "example"]].itertuples(index=False)


def test_captures_at_a_location_of_another_split_are_counted():
    given = captures(
        ("a", "train", "north", None), ("b", "train", "south", None), ("c", "test", "north", None),
        ("d", "test", "north", None), ("e", "test", "west", None), ("f", "test", None, None),
    )  # fmt: skip
    found = leakage(own_pictures(given), given, 60)
    assert {tuple(leak) for leak in leaks(found, "location")} == {
        ("train", "test", 1, 0.5, "a ~ c"),
        ("test", "train", 2, 0.5, "c ~ a"),
    }
    assert found.captures == {
        "location": 3, "burst": 0, "near_duplicate": 0, "duplicate": 0, "capture": 0,
    }  # fmt: skip
    assert found.metrics()["test/leakage_location_share"] == 0.5
    assert found.metrics()["leakage/location_captures"] == 3
    assert found.sentences == (
        "50 % of the captures of test are at a location that train has too: figures will be "
        "better than for cameras never seen",
        "1 capture was not judged by location, for their location is not known",
        "6 captures were not judged by burst, for their location is not known (1) or they have "
        "no time that can be read (6)",
    )


def test_captures_of_a_location_within_seconds_are_a_burst():
    given = captures(
        ("a", "train", "north", "2024-05-03 10:00:00"),
        ("b", "val", "north", "2024-05-03 10:01:00"),
        ("c", "val", "north", "2024-05-03 10:02:01"),
        ("d", "train", "north", "2024-05-03 10:03:01"),
        ("e", "val", "south", "2024-05-03 10:03:30"),
        ("f", "val", "north", "at noon"),
    )
    found = leakage(own_pictures(given), given, 60)
    assert {tuple(leak) for leak in leaks(found, "burst")} == {
        ("train", "val", 2, 1.0, "a ~ b"),
        ("val", "train", 2, 0.5, "b ~ a"),
    }
    table = found.table().query("kind == 'burst'").set_index("split")
    assert table["not_judged"].to_dict() == {"train": 0, "val": 1}
    assert "50 % of the captures of val were taken within 60 seconds of one of train at the" in (
        " ".join(found.sentences)
    )
    assert found.sentences[-1] == (
        "1 capture was not judged by burst, for they have no time that can be read"
    )
    assert kinds(leakage(own_pictures(given), given, 59)) == {"location": 5}


def test_a_burst_that_lacks_the_location_alone_says_so():
    time = "2024-05-03 10:00:00"
    given = captures(("a", "train", "north", time), ("b", "test", None, time))
    assert leakage(own_pictures(given), given, 60).sentences[-1] == (
        "1 capture was not judged by burst, for their location is not known"
    )


def test_a_sentence_names_all_splits_the_worst_first():
    given = captures(
        ("a", "train", "north", None), ("b", "test", "north", None), ("c", "test", "west", None),
        ("d", "val", "north", None), ("e", "dev", "south", None), ("f", "new", "north", None),
        ("g", "new", "east", None), ("h", "new", "east", None),
    )  # fmt: skip
    assert (
        leakage(own_pictures(given), given, 60)
        .sentences[0]
        .startswith(
            "100 % of the captures of val, 50 % of those of test and 33 % of those of new are at a "
            "location that train has too"
        )
    )


def test_without_training_the_worst_splits_share_what_they_are_compared_with():
    given = captures(
        ("a", "x", "north", None), ("b", "y", "north", None), ("c", "y", "west", None),
        ("d", "z", "west", None), ("e", "z", "far", None), ("f", "z", "off", None),
    )  # fmt: skip
    assert (
        leakage(own_pictures(given), given, 60)
        .sentences[0]
        .startswith(
            "100 % of the captures of x and 33 % of those of z are at a location that y has too"
        )
    )


def test_the_same_file_and_what_looks_like_it_are_found():
    given = captures(
        *((name, split, None, None) for name, split in zip("abcd", "xyyy", strict=True))
    )
    stored = pictures(
        ("a", "x", b"content0", GREY),
        ("b", "y", b"content0", GREY),
        ("c", "y", b"content1", looks(1)),
        ("c", "y", b"content2", nearly(GREY, NEAR)),
        ("d", "y", b"content3", nearly(GREY, NEAR + 1)),
    )
    found = leakage(stored, given, 60)
    assert list(leaks(found, "duplicate")) == [
        ("y", "x", 1, 1 / 3, "b ~ a"),
        ("x", "y", 1, 1, "a ~ b"),
    ]
    assert [tuple(leak)[:3] for leak in leaks(found, "near_duplicate")] == [
        ("y", "x", 2), ("x", "y", 1),
    ]  # fmt: skip


def test_the_same_id_in_two_splits_is_found():
    given = captures(
        ("a", "train", None, None), ("a", "test", None, None), ("b", "test", None, None)
    )
    found = leakage(own_pictures(given), given, 60)
    assert [tuple(leak)[:4] for leak in leaks(found, "capture")] == [
        ("train", "test", 1, 1.0), ("test", "train", 1, 0.5),
    ]  # fmt: skip


def test_a_capture_stored_in_a_split_that_it_is_not_planned_for_is_seen():
    given = captures(("a", "train", "north", None), ("b", "test", "south", None))
    stored = own_pictures(captures(*((*row, None, None) for row in ("a1", "b2", "a2"))))
    found = leakage(stored, given, 60)
    assert {tuple(leak) for leak in leaks(found, "capture")} == {
        ("1", "2", 1, 1.0, "a ~ a"), ("2", "1", 1, 0.5, "a ~ a"),
    }  # fmt: skip
    assert kinds(found) == {"capture": 2, "location": 2}


def test_featureless_pictures_are_like_nothing_and_are_told():
    given = captures(("a", "train", None, None), ("b", "test", None, None))
    stored = pictures(
        ("a", "train", b"content0", FEATURELESS), ("b", "test", b"content1", FEATURELESS)
    )
    found = leakage(stored, given, 60)
    assert kinds(found) == {}
    assert "test/leakage_near_duplicate_share" not in found.metrics()
    assert found.metrics()["test/leakage_duplicate_share"] == 0
    assert found.sentences[-1] == (
        "2 captures were not judged by near duplicate, for their pictures show too little"
    )


def test_all_splits_that_are_learnt_from_count_as_one():
    given = captures(
        ("a", "train_1", "north", None), ("b", "train_2", "south", None),
        ("c", "test", "north", None), ("d", "test", "south", None), ("e", "val", "west", None),
    )  # fmt: skip
    found = leakage(own_pictures(given), given, 60)
    assert found.captures["location"] == 4
    shares = {name: value for name, value in found.metrics().items() if "location_share" in name}
    assert shares == {"test/leakage_location_share": 1.0, "val/leakage_location_share": 0.0}
    assert found.sentences[0].startswith(
        "100 % of the captures of test are at a location that train*"
    )


def test_twins_in_two_splits_that_are_learnt_from_are_no_leak():
    given = captures(
        ("a", "train_1", "north", None), ("b", "train_2", "north", None), ("c", "test", "x", None)
    )
    assert kinds(leakage(own_pictures(given), given, 60)) == {}
    also = captures(
        *(tuple(row.values()) for row in given.to_pylist()), ("d", "val", "north", None)
    )
    assert kinds(leakage(own_pictures(also), also, 60)) == {"location": 3}


def test_captures_that_are_not_stored_do_not_count():
    given = captures(("a", "train", "north", None), ("b", "test", "north", None))
    stored = own_pictures(captures(("a", "train", None, None), ("z", "test", None, None)))
    found = leakage(stored, given, 60)
    assert kinds(found) == {}
    of_split = found.table().query("kind == 'location'").set_index("split")["not_judged"]
    assert of_split.to_dict() == {"train": 0, "test": 1}


def test_one_split_has_nothing_to_leak_to():
    given = captures(("a", "train", "north", None), ("b", "train", "north", None))
    found = leakage(own_pictures(given), given, 60)
    assert (kinds(found), found.sentences) == ({}, ())


# --- the search among many ---


def hashes(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), np.uint64)


def flipped(of: np.ndarray, share: float) -> np.ndarray:
    bits = np.unpackbits(of.astype(">u8").view(np.uint8), axis=1)
    bits ^= np.random.default_rng(9).random(bits.shape) < share
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)


@pytest.mark.parametrize("pairs", [twins.ALL_PAIRS, 0])
def test_copies_are_found_among_many_however_they_are_searched(monkeypatch, pairs):
    monkeypatch.setattr(twins, "ALL_PAIRS", pairs)
    theirs = hashes(20_000, 1)
    chosen = np.arange(0, 20_000, 40)
    found = alike(np.concatenate([flipped(theirs[chosen], 0.04), hashes(400, 2)]), theirs)
    assert (found[500:] == -1).all()
    assert (found[:500] == chosen).mean() > 0.99


def test_where_thousands_look_alike_one_of_them_is_found(monkeypatch):
    monkeypatch.setattr(twins, "ALL_PAIRS", 0)
    camera = flipped(np.repeat(hashes(1, 1), 5000, 0), 0.03)
    found = alike(camera[:2000], camera[2000:])
    assert (found != -1).mean() > 0.99
    differing = np.bitwise_count(camera[:2000] ^ camera[2000:][found]).sum(1)
    assert (differing[found != -1] <= NEAR).all()
