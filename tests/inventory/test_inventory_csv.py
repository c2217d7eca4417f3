from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.findings import Case
from ctc.inventory.sources import take_inventory
from ctc.inventory.sources.csv import STANDARD_LABELS
from ctc.inventory.table import Inventory
from ctc.params import InventoryParams


@pytest.fixture
def take(tmp_path: Path):
    def take(text: str | bytes, **given) -> Inventory:
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        given = {"check": "none", "few_captures": 0} | given
        return take_inventory(InventoryParams(path=str(path), **given))

    return take


def rows(inventory: Inventory, *columns: str) -> list[tuple]:
    return [tuple(row[name] for name in columns) for row in inventory.table.to_pylist()]


def cases(inventory: Inventory, what: str) -> list[Case]:
    return [case for one in inventory.findings if one.what == what for case in one.cases]


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
    assert cases(found, what) == [Case("a", "data row 3", "'south', not 'north'")]


def test_a_capture_without_a_picture_is_kept_and_found(take):
    found = take("capture_id,dir,species\na,1,lion\nb,,zebra\nc,,zebra\n")
    assert rows(found, *SPECIES)[1:] == [("b", [], "zebra"), ("c", [], "zebra")]
    assert cases(found, "captures without a picture") == [
        Case("b", "data row 2"),
        Case("c", "data row 3"),
    ]
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


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_mark_that_the_header_has_most_often_is_taken(take, mark):
    text = "capture_id,dir,species,'a;b;c;d|e|f|g'\na,1,lion,x\n"
    found = take(text.replace(",", mark).replace("'", '"'))
    assert rows(found, *SPECIES) == [("a", ["1"], "lion")]


def test_the_mark_that_is_given_is_taken(take):
    text = "capture_id;dir;species;a,b,c,d,e\na;1;lion;x\n"
    assert rows(take(text, delimiter="semicolon"), *SPECIES) == [("a", ["1"], "lion")]
    with pytest.raises(BadInput, match=r"its columns are: capture_id;dir;species;a, b, c"):
        take(text)


@pytest.mark.parametrize(
    ("encoding", "given"),
    [
        ("utf-8", "auto"),
        ("utf-8-sig", "auto"),
        ("utf-16", "auto"),
        ("utf-32", "auto"),
        ("utf-8-sig", "utf8"),
        ("utf-16-le", "utf-16-le"),
        ("cp1252", "cp1252"),
        ("latin-1", "iso-8859-1"),
    ],
)
def test_a_table_is_read_in_its_encoding(take, encoding, given):
    text = "capture_id;dir;species;größe\nä;ü.jpg;éland;ß\n"
    found = take(text.encode(encoding), encoding=given, metadata=("größe",))
    assert rows(found, *SPECIES, "größe") == [("ä", ["ü.jpg"], "éland", "ß")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_and_blank_lines_are_of_any_system(take, line_end):
    lines = ["", "", "capture_id,dir,species", "", "a,1,lion", "", "b,2,zebra"]
    found = take(line_end.join(lines))
    assert rows(found, *SPECIES) == [("a", ["1"], "lion"), ("b", ["2"], "zebra")]


def test_a_name_in_the_header_may_hold_marks_and_lines(take):
    text = 'capture_id,"dir, of\n""it""",species\na,1,lion\n'
    assert rows(take(text, images=('dir, of\n"it"',)), *SPECIES) == [("a", ["1"], "lion")]


def test_empty_columns_and_rows_of_a_spreadsheet_are_left_out(take):
    found = take("capture_id,dir,species,,\na,1,lion,,\n,,,,\nb,2,zebra,,\n,,,,\n")
    assert rows(found, *SPECIES) == [("a", ["1"], "lion"), ("b", ["2"], "zebra")]
    assert cases(found, "rows without a value in any column that is read (left out)") == [
        Case("row", "data row 2"),
        Case("row", "data row 4"),
    ]
    assert found.place_of(1) == "data row 3"


def test_pictures_in_several_columns_and_rows_of_a_capture_are_all_its_pictures(take):
    text = "capture_id,p1,p2,species\na,1,2,lion\nb,9,,lion\na,3,1,zebra\na,,4,lion\n"
    assert rows(take(text, images=("p1", "p2")), *SPECIES) == [
        ("a", ["1", "2", "3", "4"], "lion"),
        ("b", ["9"], "lion"),
        ("a", ["1", "2", "3", "4"], "zebra"),
    ]


def test_observations_that_lack_a_label_are_left_out_where_asked(take):
    text = "capture_id,dir,species,count\na,1,lion,2\na,2,zebra,\nb,3,,1\nc,4,lion,1\nd,5,,\n"
    assert take(text).counts["observations"] == 5
    found = take(text, drop_missing=True)
    assert rows(found, *SPECIES) == [("a", ["1", "2"], "lion"), ("c", ["4"], "lion")]
    assert cases(found, "observations that lack a label (left out: drop_missing)") == [
        Case("a", "data row 2", "no count"),
        Case("b", "data row 3", "no species"),
        Case("d", "data row 5", "no species, count"),
    ]
    assert found.place_of(1) == "data row 4"


def test_nothing_is_left_out_where_no_label_is_missing(take):
    text = "capture_id,dir,species\na,1,lion\n"
    assert take(text, drop_missing=True).findings == take(text).findings


def test_location_and_timestamp_may_have_other_names(take):
    text = "capture_id,dir,species,site,taken,location\na,1,lion,north,9:00,elsewhere\n"
    found = take(text, location="site", timestamp="taken")
    assert found.metadata == ("location", "timestamp")
    assert rows(found, "location", "timestamp") == [("north", "9:00")]
    found = take(text, location="site", metadata=("site", "taken"))
    assert rows(found, *found.metadata) == [("north", "9:00", "north")]
    assert found.metadata == ("site", "taken", "location")


def test_the_capture_may_be_named_by_a_column_that_is_the_location_too(take):
    found = take("location,dir,species\nn,1,lion\n", capture_id="location", location="location")
    assert found.metadata == ()
    found = take("site,dir,species\nn,1,lion\n", capture_id="site", location="site")
    assert rows(found, "capture_id", "location") == [("n", "n")]


def test_a_contradicting_location_of_another_name_is_found_by_its_name_here(take):
    text = "capture_id,dir,species,site\na,1,lion,n\na,2,lion,s\n"
    found = [one for one in take(text, location="site").findings if "several values" in one.what]
    assert [one.column for one in found] == ["location"]


def test_paths_of_windows_and_with_blanks_are_mended_and_said(take):
    text = "capture_id,p1,p2,species\na,Cats\\cat1.jpg, b.jpg ,lion\nb,\t,c d.jpg,lion\n"
    found = take(text, images=("p1", "p2"))
    assert rows(found, "images") == [(["Cats/cat1.jpg", "b.jpg"],), (["c d.jpg"],)]
    assert cases(found, "paths with a backslash (read as /)") == [
        Case("'Cats\\cat1.jpg'", "data row 1")
    ]
    assert cases(found, "paths with blanks around them (read without)") == [
        Case("'\t'", "data row 2"),
        Case("' b.jpg '", "data row 1"),
    ]


def test_a_path_that_names_the_capture_too_is_mended_as_a_path_alone(take):
    found = take("file,species\n a\\1.jpg,lion\n", capture_id="file", images=("file",))
    assert rows(found, *SPECIES) == [(" a\\1.jpg", ["a/1.jpg"], "lion")]


TIMELAPSE = (
    "RootFolder,File,RelativePath,DateTime,Common Name,Zahl\n"
    "S1,1.jpg,A1\\May,03-May-2024 07:15:00,lion,2\nS1,1.jpg,,04-May-2024 07:15:00,zebra,\n"
)


def test_columns_are_joined_where_a_name_says_so(take):
    joined = "RelativePath/File"
    labels = ("species=Common Name", "count=Zahl")
    given = {"capture_id": joined, "images": (joined,), "location": "RootFolder/RelativePath"}
    found = take(TIMELAPSE, **given, timestamp="DateTime", labels=labels)
    assert rows(found, *SPECIES, "count") == [
        ("A1\\May/1.jpg", ["A1/May/1.jpg"], "lion", "2"),
        ("1.jpg", ["1.jpg"], "zebra", None),
    ]
    assert found.labels == ("species", "count")
    assert rows(found, "location", "timestamp") == [
        ("S1/A1\\May", "03-May-2024 07:15:00"),
        ("S1", "04-May-2024 07:15:00"),
    ]


def test_joined_columns_that_are_all_empty_are_an_empty_cell(take):
    found = take("id,a,b,species\n1,x,y,lion\n2,,,lion\n", capture_id="id", images=("a/b",))
    assert rows(found, "images") == [(["x/y"],), ([],)]


def test_a_column_of_that_very_name_is_read_and_no_parts_of_it(take):
    text = "id,a/b,a,b,c=a,c,species\n1,p,x,y,k,z,lion\n"
    found = take(text, capture_id="id", images=("a/b",), metadata=("c=a", "d=c", "a/b"))
    assert found.metadata == ("c=a", "d", "a/b")
    assert rows(found, "images", *found.metadata) == [(["p"], "k", "z", "p")]


def test_labels_and_metadata_may_trade_names_with_other_columns(take):
    text = "capture_id,species,Common Name,sex,age\n1,p\\1.jpg,lion,old,male\n"
    given = {"images": ("species",), "metadata": ("code=species", "what=Common Name")}
    found = take(text, **given, labels=("species=Common Name", "sex=age", "age=sex"))
    assert found.labels == ("species", "sex", "age")
    assert rows(found, *SPECIES, "sex", "age") == [("1", ["p/1.jpg"], "lion", "male", "old")]
    assert rows(found, "code", "what") == [("p\\1.jpg", "lion")]


def test_auto_metadata_leaves_out_what_a_label_is_read_from(take):
    found = take("capture_id,dir,survey,location\n1,a,b,c\n", labels=("season=survey",))
    assert (found.labels, found.metadata) == (("season",), ("location",))


def test_capture_ids_with_blanks_around_them_are_found_once_each(take):
    found = take("capture_id,dir,species\n2,a,lion\n 2,b,lion\n 2,c,lion\n3 ,d,lion\n")
    assert rows(found, *SPECIES) == [
        ("2", ["a"], "lion"),
        (" 2", ["b", "c"], "lion"),
        ("3 ", ["d"], "lion"),
    ]
    assert cases(found, "capture ids with blanks around them (kept as they are)") == [
        Case("' 2'", "data row 2"),
        Case("'3 '", "data row 4"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n\n"])
def test_the_first_line_of_excel_tells_the_mark(take, first, encoding):
    text = f"{first}capture_id;dir;species;a,b,c,d,e\na;1;lion;x\n"
    found = take(text.encode(encoding))
    assert rows(found, *SPECIES) == [("a", ["1"], "lion")]
    assert found.place_of(0) == "data row 1"
    given = take(text.replace(";\n", ":\n", 1), delimiter="semicolon")
    assert given.table == found.table
