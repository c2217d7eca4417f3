from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from ctc.errors import BadInput
from ctc.inventory.checks.texts import check_paths, checked
from ctc.inventory.checks.times import look_at_times
from ctc.inventory.checks.values import spelling
from ctc.inventory.findings import Finding
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams

TEXT = pa.string()
CHOICE = "labels with one class, of which nothing can be learnt"
ALIKE = "classes of 'species' with several spellings (each is a class of its own)"


def inventory(
    ids: Sequence[str],
    images: Sequence[Sequence[str]] | None = None,
    **labels: Sequence[str | None],
) -> Inventory:
    """Rows with these captures; the source has them from data row 11 on."""
    lists = images or [[f"{number}.jpg"] for number in range(len(ids))]
    columns = {"capture_id": pa.array(ids, TEXT), "images": pa.array(lists, pa.list_(TEXT))}
    table = pa.table(columns | {name: pa.array(column, TEXT) for name, column in labels.items()})
    places = np.arange(11, 11 + len(ids))
    return Inventory(table, tuple(labels), "survey.csv", "", places=places)


def with_metadata(
    ids: Sequence[str], species: Sequence[str | None], **metadata: Sequence[str | None]
) -> Inventory:
    given = inventory(ids, species=species, **metadata)
    return replace(given, labels=("species",))


def found(given: Inventory, few: int = 0) -> dict[str, Finding]:
    after = checked(given, InventoryParams(few_captures=few))
    return {finding.what: finding for finding in after.findings}


def cases(finding: Finding) -> list[str]:
    return [str(case) for case in finding.cases]


# --- labels ---


def test_labels_without_a_choice_are_found_together():
    given = inventory(
        "abc",
        empty=["empty", "species", "species"],
        species=[None, "lion", "lion"],
        count=[None, "1", "1"],
        sex=[None] * 3,
    )
    findings = found(given)
    assert set(findings) == {CHOICE, "labels without any value"}
    assert cases(findings[CHOICE]) == ["species ('lion')", "count ('1')"]
    assert cases(findings["labels without any value"]) == ["sex"]


def test_few_captures_are_counted_as_captures_rarest_first():
    species = ["zebra", "zebra", "zebra", "lion", "lion", "lion", "lion", "gnu"]
    count = ["1", "2", "3", "1", "1", "1", "2", "1"]
    given = inventory("aabcdecf", species=species, count=count)
    what = "classes of 'species' with fewer than {} captures"
    assert found(given, 2)[what.format(2)].column == "species"
    assert cases(found(given, 2)[what.format(2)]) == ["gnu (data row 18; 1 capture)"]
    # The zebra was seen in three rows, but in two captures.
    assert cases(found(given, 3)[what.format(3)]) == [
        "gnu (data row 18; 1 capture)",
        "zebra (data row 11; 2 captures)",
    ]
    assert len(found(given, 4)[what.format(4)].cases) == 3
    assert what.format(1) not in found(given, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zebra", "zebra "),
        ("grey fox", "Grey_Fox"),
        ("grey fox", "greyfox"),
        ("grey-fox", "grey  fox"),
        ("éland", "e\u0301land"),
        ("éland", "Eland"),
        ("Straße", "STRASSE"),
        (" 10", "10"),
        ("deer 1", "Deer_1"),
        ("A-1", "a1 "),
        ("A _1", "A1"),
    ],
)
def test_names_that_differ_in_their_dress_alone_are_spelt_alike(one, other):
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1-5", "15"),
        ("-1", "1"),
        ("A1-1", "A11"),
        ("51+", "51"),
        ("lion", "lions"),
        ("0.5", "05"),
        ("斑马", "狮子"),
    ],
)
def test_names_that_say_something_else_are_not_spelt_alike(one, other):
    assert spelling(one) != spelling(other)


def test_several_spellings_are_found_where_the_rarest_is():
    given = inventory("abcde", species=["Zebra", "zebra ", "Zebra", "lion", None])
    (finding,) = found(given).values()
    assert (finding.what, finding.column) == (ALIKE, "species")
    assert cases(finding) == [
        "'Zebra' and 'zebra ' (data row 12; 'Zebra' 2 captures, 'zebra ' 1 capture)"
    ]


def test_values_that_look_like_a_missing_one_are_found_in_labels_and_locations():
    species = ["NA", "lion", "n/a", "?", "lion", "NA", None, "nandu", " None "]
    places = ["north", "NULL", "north", "-", "nan", "canada", "-", None, "north"]
    given = with_metadata("abcdefghi", species, location=places, survey=["NA"] * 9)
    findings = found(given)
    what = (
        "values of '{}' that look like a missing one (kept as a {}; an empty cell is a missing one)"
    )
    assert set(findings) == {what.format("species", "class"), what.format("location", "location")}
    assert cases(findings[what.format("species", "class")]) == [
        "NA (data row 11; 2 captures)",
        "n/a (data row 13; 1 capture)",
        "? (data row 14; 1 capture)",
        " None  (data row 19; 1 capture)",
    ]
    assert cases(findings[what.format("location", "location")]) == [
        "NULL (data row 12; 1 capture)",
        "- (data row 14; 2 captures)",
        "nan (data row 15; 1 capture)",
    ]


def test_near_equal_locations_are_found():
    species = ["lion", "gnu"] * 3
    given = with_metadata("abcdef", species, location=["A1", "a1", "A1 ", "A_1", "A1", "B1"])
    (finding,) = found(given).values()
    assert finding.what == "locations with several spellings (each is a location of its own)"
    assert finding.column == "location"
    assert cases(finding) == [
        "'A1' and 'A1 ' and 'A_1' and 'a1' (data row 13; 'A1' 2 captures, 'A1 ' 1 capture, "
        "'A_1' 1 capture, 'a1' 1 capture)"
    ]


# --- times ---


def test_times_that_cannot_be_read_are_found_once_a_capture():
    times = ["2024-05-03 07:15:00", "at dawn", "at dawn", None, "03/05/2024", "2024:05:03 07:15:00"]
    given = with_metadata("abbcde", ["lion"] * 6, timestamp=times)
    (finding,) = look_at_times(given).findings
    assert (finding.what, finding.column) == ("times that cannot be read", "timestamp")
    assert cases(finding) == [
        "at dawn (data row 12; capture b)",
        "03/05/2024 (data row 15; capture d)",
    ]


@pytest.mark.parametrize("times", [{}, {"timestamp": ["2024-05-03", None]}])
def test_without_such_times_nothing_is_found(times):
    assert look_at_times(with_metadata("ab", ["lion"] * 2, **times)).findings == ()


# --- the source ---


def test_what_the_source_noticed_stays():
    noticed = Finding("rows dropped", 1, "data row 3")
    given = inventory("ab", species=["lion", "gnu"])
    after = checked(
        Inventory(given.table, given.labels, "t.csv", "", (noticed,)), InventoryParams()
    )
    assert [finding.what for finding in after.findings] == [
        "rows dropped",
        "classes of 'species' with fewer than 10 captures",
    ]


# --- paths ---


@pytest.mark.parametrize(
    "path", ["../x.jpg", "a/../../x.jpg", "..", "a\\..\\x.jpg", "s3://bucket/a/../x.jpg", "a/.."]
)
def test_a_path_that_climbs_out_is_refused_with_its_place(path):
    given = inventory("abc", [["1.jpg"], [], ["2.jpg", path]])
    with pytest.raises(BadInput) as error:
        checked(given, InventoryParams())
    assert str(error.value) == (
        f"'survey.csv', data row 13: picture '{path}' climbs out of the image root; paths without "
        "'..' are allowed"
    )


def test_an_inventory_that_knows_no_rows_names_the_picture_alone():
    given = inventory("ab", [["1.jpg"], ["../2.jpg"]])
    with pytest.raises(BadInput, match=r"^'survey.csv': picture '../2.jpg' climbs"):
        check_paths(Inventory(given.table, (), "survey.csv", ""))


def test_the_row_is_right_however_the_table_lies_in_memory():
    lists = [["../0.jpg"], ["1.jpg"], ["2.jpg", "3.jpg"], [], ["4.jpg"], ["../5.jpg"]]
    whole = inventory("abcdef", lists)
    parts = pa.concat_tables([whole.table.slice(1, 2), whole.table.slice(3)])
    given = Inventory(parts, (), "survey.csv", "", places=np.arange(1, 6))
    with pytest.raises(BadInput, match=r"data row 5: picture '../5.jpg'"):
        check_paths(given)


def test_dots_within_names_do_not_climb():
    given = inventory("ab", [["a..b/..c.jpg", "d../x...jpg"], ["./1.jpg", ".../2.jpg"]])
    check_paths(given)


def test_pictures_named_by_a_url_are_found_once_a_capture():
    images = [["http://x.org/1.jpg", "1.jpg"]] * 2 + [["s3://b/1.jpg", "file:///1.jpg"]]
    given = inventory("aab", [*images], species=["gnu", "lion", "gnu"])
    (finding,) = found(given).values()
    assert finding.what == "pictures named by a URL that cannot be read"
    assert cases(finding) == ["http://x.org/1.jpg (data row 11; capture a)"]
