from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Finding
from ctc.inventory.sources import take_inventory
from ctc.inventory.sources.csv import STANDARD_LABELS
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams


@pytest.fixture
def take(tmp_path: Path):
    def take(text: str | bytes, **given) -> Inventory:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return take_inventory(InventoryParams(path=str(path), **given))

    return take


def rows(inventory: Inventory, *columns: str) -> list[tuple]:
    return [tuple(row[name] for name in columns) for row in inventory.table.to_pylist()]


SPECIES = ("capture_id", "images", "species")


def test_a_row_a_capture_is_an_observation_a_row(take):
    found = take("capture_id,dir,species\nb,1.jpg,lion\na,2.jpg,zebra\n")
    assert rows(found, *SPECIES) == [("b", ["1.jpg"], "lion"), ("a", ["2.jpg"], "zebra")]
    assert found.labels == ("species",)
    assert found.findings == ()


def test_several_rows_of_a_capture_are_its_pictures_in_the_order_of_the_table(take):
    text = "capture_id,dir,species\na,9.jpg,lion\nb,5.jpg,\na,1.jpg,lion\na,9.jpg,lion\n"
    assert rows(take(text), *SPECIES) == [
        ("a", ["9.jpg", "1.jpg"], "lion"),
        ("b", ["5.jpg"], None),
    ]


def test_several_picture_columns_are_read_row_by_row(take):
    text = "capture_id,p1,p2,p3,species\na,z,y,,lion\nb,,,w,zebra\na,x,z,v,lion\n"
    found = take(text, images=("p1", "p2", "p3"))
    assert rows(found, *SPECIES) == [("a", ["z", "y", "x", "v"], "lion"), ("b", ["w"], "zebra")]


def test_picture_columns_are_read_in_the_order_given(take):
    found = take("capture_id,p1,p2,species\na,x,y,lion\n", images=("p2", "p1"))
    assert rows(found, "images") == [(["y", "x"],)]


def test_several_animals_of_a_capture_are_several_observations_of_all_its_pictures(take):
    text = "capture_id,dir,species,count\na,1,lion,2\na,1,zebra,1\na,2,lion,2\na,2,zebra,1\n"
    found = take(text)
    assert rows(found, *SPECIES, "count") == [
        ("a", ["1", "2"], "lion", "2"),
        ("a", ["1", "2"], "zebra", "1"),
    ]
    assert found.counts == {"captures": 1, "images": 2, "observations": 2}


def test_a_row_without_labels_beside_one_with_labels_is_no_observation(take):
    text = "capture_id,dir,species,count\na,1,,\na,2,lion,\nb,3,,\nb,4,,\n"
    assert rows(take(text), *SPECIES, "count") == [
        ("a", ["1", "2"], "lion", None),
        ("b", ["3", "4"], None, None),
    ]


def test_values_stay_the_text_they_are(take):
    text = 'capture_id,dir,species,count\n01,a,NA,10-50\n1,b,null,1.0\nnan,c," x ",TRUE\n'
    assert rows(take(text), *SPECIES, "count") == [
        ("01", ["a"], "NA", "10-50"),
        ("1", ["b"], "null", "1.0"),
        ("nan", ["c"], " x ", "TRUE"),
    ]


@pytest.mark.parametrize("cell", ["", '""'])
def test_an_empty_cell_is_missing(take, cell):
    text = f"capture_id,dir,species,count,location\na,1,{cell},3,{cell}\n"
    assert rows(take(text), "species", "count", "location") == [(None, "3", None)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_byte_order_mark_quotes_and_newlines_in_them_are_read(take, line_end):
    lines = ["capture_id,dir,species", '"a ""1""","x,y.jpg","two\nlines"', "b,ü.jpg,größe"]
    found = take(b"\xef\xbb\xbf" + line_end.join([*lines, ""]).encode())
    assert rows(found, *SPECIES) == [
        ('a "1"', ["x,y.jpg"], "two\nlines"),
        ("b", ["ü.jpg"], "größe"),
    ]


def test_newlines_in_quotes_are_read_in_a_table_of_several_blocks(take):
    """Of 1 MiB each, as pyarrow cuts it."""
    value = "line\n" * 1000
    lines = "".join(f'c{number},{number}.jpg,"{value}"\n' for number in range(500))
    found = take(f"capture_id,dir,species\n{lines}")
    assert found.table.num_rows == 500
    assert found.class_counts("species") == {value: 500}


def test_a_single_quote_mark_within_a_value_is_a_character(take):
    assert rows(take('capture_id,dir,species\na,1,6" duck\n'), "species") == [('6" duck',)]


def test_columns_may_have_any_name(take):
    text = "id,__row,__split,my label,file,kind\na,r,s,l,1,k\n"
    names = {"capture_id": "id", "images": ("file",), "labels": ("__row",)}
    with pytest.raises(BadInput, match="label '__row'"):
        take(text, **names)
    names |= {"labels": ("kind",), "metadata": ("__row", "my label", "__split", "id")}
    found = take(text, **names)
    assert found.metadata == ("__row", "my label", "__split", "id")
    assert rows(found, "capture_id", *found.metadata) == [("a", "r", "l", "s", "a")]


def test_auto_takes_the_standard_columns_in_their_order(take):
    text = "timestamp,other,count,capture_id,dir,empty,location\nt,o,1,a,1,e,l\n"
    found = take(text)
    assert found.labels == ("empty", "count")
    assert found.metadata == ("location", "timestamp")
    wide = ",".join(("capture_id", "dir", *reversed(STANDARD_LABELS)))
    assert take(f"{wide}\n{wide}\n").labels == STANDARD_LABELS


def test_auto_metadata_leaves_out_what_is_used_otherwise(take):
    text = "survey,location,split_name,dir\na,b,c,1\n"
    found = take(text, capture_id="survey", labels=("location",))
    assert (found.labels, found.metadata) == (("location",), ("split_name",))


def test_no_label_at_all_is_refused_with_the_columns_there_are(take):
    with pytest.raises(BadInput, match=r"no label given; the columns of .* are: capture_id, dir"):
        take("capture_id,dir\na,1\n", labels=())


def test_classes_that_differ_in_blanks_or_case_alone_are_found(take):
    found = take("capture_id,dir,species\na,1,Cat \nb,2,cat\nc,3,dog\nd,4,hot dog\n")
    (finding,) = found.findings
    assert finding.what.startswith("classes of 'species' with several spellings")
    assert (finding.count, finding.example) == (1, "'Cat ' and 'cat'")


def test_metadata_keeps_the_first_known_value_and_contradictions_are_found(take):
    text = (
        "capture_id,dir,species,location,survey,timestamp\n"
        "a,1,lion,,s,1\na,2,lion,north,s,2\na,3,lion,south,s,3\n"
        "b,4,lion,east,s,4\nb,5,lion,,s,5\n"
    )
    found = take(text)
    assert rows(found, "capture_id", "location", "survey", "timestamp") == [
        ("a", "north", "s", "1"),
        ("b", "east", "s", "4"),
    ]
    what = "captures with several values of 'location' (the first was kept)"
    assert found.findings == (Finding(what, 1, "a", "location"),)


def test_a_capture_without_a_picture_is_kept_and_found(take):
    found = take("capture_id,dir,species\na,1,lion\nb,,zebra\nc,,zebra\n")
    assert rows(found, *SPECIES)[1:] == [("b", [], "zebra"), ("c", [], "zebra")]
    assert found.findings == (Finding("captures without a picture", 2, "b"),)
    assert found.counts == {"captures": 3, "images": 1, "observations": 3}


def test_pictures_start_from_the_folder_of_the_table(take, tmp_path):
    found = take("capture_id,dir,species\na,1,lion\n")
    assert (found.source, found.root) == (str(tmp_path / "table.csv"), str(tmp_path))


def test_a_table_is_read_from_s3(bucket):
    uri = storage.join(bucket, "tables", "t.csv")
    storage.write_bytes(uri, b"capture_id,dir,species\na,1,lion\n")
    found = take_inventory(InventoryParams(path=uri))
    assert rows(found, *SPECIES) == [("a", ["1"], "lion")]
    assert found.root == storage.join(bucket, "tables")


STANDARD = "capture_id,dir,species\n"


@pytest.mark.parametrize(
    ("text", "given", "sentence"),
    [
        ("", {}, "'T': found no header; allowed: a header of different names"),
        ("\n", {}, "'T': found no header; allowed: a header of different names"),
        (STANDARD, {}, "'T' holds no captures"),
        ("a,dir,dir\n", {}, "'T': found column 'dir' twice; allowed: a header of different names"),
        ("id,dir,species\na,1,l\n", {}, "'T' has no column 'capture_id'; it has: id, dir, species"),
        (
            STANDARD,
            {"images": ("p1",)},
            "'T' has no column 'p1'; it has: capture_id, dir, species",
        ),
        (
            STANDARD,
            {"metadata": ("x",)},
            "'T' has no column 'x'; it has: capture_id, dir, species",
        ),
        (
            STANDARD,
            {"labels": ("sex",)},
            "'T' has no column 'sex'; it has: capture_id, dir, species",
        ),
        (
            "capture_id;dir;species\n",
            {},
            "'T' is separated by ';'; allowed are commas",
        ),
        (
            STANDARD + "a,1,x\n,2,y\nc,3,z\n,,\n",
            {},
            "column 'capture_id' is empty in 2 rows, the first is data row 2",
        ),
        (
            STANDARD,
            {"labels": ("species",), "metadata": ("species",)},
            "column 'species' cannot be kept: each of labels and metadata stands once, "
            "and none is called capture_id or images",
        ),
        (
            STANDARD,
            {"labels": ("species", "species")},
            "column 'species' cannot be kept: each of labels and metadata stands once, "
            "and none is called capture_id or images",
        ),
        (
            "id,dir,images\n",
            {"capture_id": "id", "labels": ("images",)},
            "column 'images' cannot be kept: each of labels and metadata stands once, "
            "and none is called capture_id or images",
        ),
        (
            "id,dir\na,1\n",
            {"capture_id": "id", "labels": ("id",)},
            "column 'id' names the capture and cannot be a label",
        ),
        (STANDARD, {"images": ()}, "no column of pictures given; name at least one"),
        (
            "capture_id,dir,a/b\n",
            {"labels": ("a/b",)},
            "label 'a/b': a label's name starts with a letter or digit and holds letters, "
            "digits, '_', '-' and '.' only; rename the column",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(take, tmp_path, text, given, sentence):
    with pytest.raises(BadInput) as refused:
        take(text, **given)
    assert str(refused.value) == sentence.replace("'T'", f"'{tmp_path / 'table.csv'}'")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (STANDARD.encode() + "a,1,größe\n".encode("latin-1"), "UTF-8"),
        ("capture_id,dir,größe\n".encode("latin-1"), "UTF-8"),
        (STANDARD.encode("utf-16"), "UTF-8"),
        # Far behind the header, where only the reader of the rows comes.
        (STANDARD.encode() + b"a,1,x\n" * 20_000 + b"a,1,\xff\n", "UTF8"),
        (STANDARD + "a,1,x,y\n", "Expected 3 columns, got 4"),
        (STANDARD + 'a,1,"x\nb,2,y\n', "its quotes do not match"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(take, text, reason):
    with pytest.raises(BadInput, match=rf"cannot be read as a CSV.*{reason}") as refused:
        take(text)
    assert "\n" not in str(refused.value)


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"^no table at '.*/none\.csv'$"):
        take_inventory(InventoryParams(path=str(tmp_path / "none.csv")))


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(BadInput, match=r"^'.*' is a folder; a CSV file is allowed$"):
        take_inventory(InventoryParams(path=str(tmp_path)))
