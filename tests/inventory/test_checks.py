from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from ctc.errors import BadInput
from ctc.inventory.checks.texts import check_paths, checked, spelling
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
    ],
)
def test_names_that_differ_in_their_dress_alone_are_spelt_alike(one, other):
    assert spelling(one) == spelling(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1-5", "15"), ("-1", "1"), ("51+", "51"), ("lion", "lions"), ("0.5", "05"), ("斑马", "狮子")],
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
