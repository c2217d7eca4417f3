"""Tables that cannot be used: each is answered with one sentence."""

from pathlib import Path

import pytest

from ctc import storage
from ctc.errors import BadInput
from ctc.inventory.sources import take_inventory
from ctc.inventory.sources.delimited import CsvTable
from ctc.params import InventoryParams

STANDARD = "capture_id,dir,species\n"
MANY = STANDARD + "a,1,x\n" * 20_000
KEPT = (
    "cannot be kept: each of labels and metadata stands once, and none is called capture_id or "
    "images"
)


def refusal(path: Path, **given) -> str:
    """What is said of a table; the file is called T."""
    with pytest.raises(BadInput) as refused:
        take_inventory(InventoryParams(path=str(path), check="none", **given))
    return str(refused.value).replace(str(path), "T")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "'T': found no header; allowed: a header of different names"),
        ("\n\n", "'T': found no header; allowed: a header of different names"),
        (",,\na,1,x\n", "'T': found no header; allowed: a header of different names"),
        (STANDARD, "'T' holds no captures"),
        (STANDARD.strip(), "'T' holds no captures"),
        (STANDARD + ",,\n,,\n", "'T' holds no captures"),
        ("a,dir,dir\n", "'T': found column 'dir' twice; allowed: a header of different names"),
        (STANDARD + "a,1,x\nb,2\n", "'T': data row 2 has 2 values; allowed: 3, as the header has"),
        (STANDARD + "\na,1,x,y\n", "'T': data row 1 has 4 values; allowed: 3, as the header has"),
        (STANDARD + "a,1", "'T': data row 1 has 2 values; allowed: 3, as the header has"),
        (
            STANDARD + 'a,1,"x\n\ny"\nb,2,x,y\n',
            "'T': data row 2 has 4 values; allowed: 3, as the header has",
        ),
        (MANY + "a,1\n", "'T': data row 20001 has 2 values; allowed: 3, as the header has"),
        (
            STANDARD + 'a,1,x\nb,2,"x\nc,3,y\n',
            "'T' cannot be read as a CSV: the quotes of data row 2 do not match",
        ),
        (
            # Two that are not closed: what is between them would be one value.
            STANDARD + 'a,1,"x\nb,2,"y\nc,3,z\n',
            "'T' cannot be read as a CSV: the quotes of data row 1 do not match",
        ),
        (
            'capture_id,"dir,species\na,1,x\n',
            "'T' cannot be read as a CSV: the quotes of the header do not match",
        ),
        (
            STANDARD + "a,1,x\n,2,y\nc,3,z\n,4,\n",
            "'T': column 'capture_id' is empty in 2 rows, the first is data row 2",
        ),
        (
            STANDARD + "a,1,x\n,2,y\n",
            "'T': column 'capture_id' is empty in 1 row, the first is data row 2",
        ),
        (
            (STANDARD + "a,1,größe\n").encode("latin-1"),
            "'T' is not in utf-8: byte 0xf6 of line 2 does not fit; name its encoding, such as "
            "encoding=cp1252",
        ),
        (
            # Far behind the header, where only the reader of the rows comes.
            MANY.encode() + b"a,1,\xff\n",
            "'T' is not in utf-8: byte 0xff of line 20002 does not fit; name its encoding, such as "
            "encoding=cp1252",
        ),
        (
            STANDARD.encode("utf-16") + b"a",
            "'T' is not in utf-16: byte 0x61 of line 2 does not fit; name its encoding, such as "
            "encoding=utf-8",
        ),
        (
            STANDARD.encode("utf-16-le"),
            "'T' holds zero bytes; if it is a table as text, name its encoding, such as "
            "encoding=utf-16-le",
        ),
        (
            b"PK\x03\x04\x14\0\x06\0",
            "'T' is a zip archive or an Excel workbook; allowed: a table as text, such as CSV",
        ),
        (b"PAR1\x15", "'T' is a Parquet file; allowed: a table as text, such as CSV"),
        ("x" * 200_000, "'T' cannot be read as a CSV: its header is too long"),
        (
            STANDARD + "a,1,x\n" + "b,2," + "x" * (1 << 23) + "\nc,3,x\n",
            "'T' cannot be read as a CSV: it has a row longer than 4194304 bytes",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path, content, sentence):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refusal(path) == sentence


@pytest.mark.parametrize(
    ("header", "given", "sentence"),
    [
        ("id,dir,species", {}, "'T' has no column 'capture_id'; it has: id, dir, species"),
        (
            "capture_id,dir,species",
            {"images": ("p1",)},
            "'T' has no column 'p1'; it has: capture_id, dir, species",
        ),
        (
            "capture_id,dir,species",
            {"metadata": ("x",)},
            "'T' has no column 'x'; it has: capture_id, dir, species",
        ),
        (
            "capture_id,dir,species,",
            {"labels": ("sex",)},
            "'T' has no column 'sex'; it has: capture_id, dir, species",
        ),
        (
            "capture_id,dir,species,",
            {"metadata": ("",)},
            "'T' has no column ''; it has: capture_id, dir, species",
        ),
        (
            "capture_id,dir,species",
            {"location": "site"},
            "location: 'T' has no column 'site'; it has: capture_id, dir, species",
        ),
        (
            "capture_id,dir,species",
            {"timestamp": "taken"},
            "timestamp: 'T' has no column 'taken'; it has: capture_id, dir, species",
        ),
        (
            "capture_id;dir;species",
            {"delimiter": "comma"},
            "'T' has none of the standard label columns; name yours with `labels`; its columns "
            "are: capture_id;dir;species",
        ),
        (
            "capture_id,dir",
            {"labels": ()},
            "no label given; the columns of 'T' are: capture_id, dir",
        ),
        (
            "capture_id,dir,species",
            {"labels": ("species",), "metadata": ("species",)},
            f"column 'species' {KEPT}",
        ),
        ("capture_id,dir,species", {"labels": ("species",) * 2}, f"column 'species' {KEPT}"),
        (
            "id,dir,images",
            {"capture_id": "id", "labels": ("images",)},
            f"column 'images' {KEPT}",
        ),
        (
            "capture_id,dir,location,site",
            {"labels": ("location",), "location": "site"},
            f"column 'location' {KEPT}",
        ),
        (
            "id,dir",
            {"capture_id": "id", "labels": ("id",)},
            "column 'id' names the capture and cannot be a label",
        ),
        (
            "capture_id,dir,species",
            {"images": ()},
            "no column of pictures given; name at least one",
        ),
        (
            "capture_id,dir,a/b",
            {"labels": ("a/b",)},
            "label 'a/b': a label's name starts with a letter or digit and holds letters, "
            "digits, '_', '-' and '.' only; give it another with NAME=COLUMN, such as "
            "species='Common Name'",
        ),
        (
            "capture_id,dir, species",
            {"labels": ("species",)},
            "'T' has no column 'species'; it has: capture_id, dir, ' species'",
        ),
        (
            "capture_id,dir, beast,",
            {},
            "'T' has none of the standard label columns; name yours with `labels`; its columns "
            "are: capture_id, dir, ' beast'",
        ),
        (
            "RelativePath,File,species",
            {"images": ("RelativePath/Datei",), "capture_id": "File"},
            "'T' has no column 'Datei' (of 'RelativePath/Datei'); it has: RelativePath, File, "
            "species",
        ),
        (
            "capture_id,dir,species,site",
            {"location": "site/"},
            "location: 'T' has no column '' (of 'site/'); it has: capture_id, dir, species, site",
        ),
        (
            "capture_id,dir,Common Name",
            {"labels": ("species=Common name",)},
            "'T' has no column 'Common name'; it has: capture_id, dir, Common Name",
        ),
        (
            "capture_id,dir,x",
            {"labels": ("=x",)},
            "label '=x': a label's name starts with a letter or digit and holds letters, "
            "digits, '_', '-' and '.' only; give it another with NAME=COLUMN, such as "
            "species='Common Name'",
        ),
        ("capture_id,dir,x,y", {"labels": ("a=x", "a=y")}, f"column 'a' {KEPT}"),
        ("capture_id,dir,x,y", {"labels": ("a=x",), "metadata": ("a=y",)}, f"column 'a' {KEPT}"),
        (
            "capture_id,dir,species,x,y",
            {"metadata": ("location=x",), "location": "y"},
            f"column 'location' {KEPT}",
        ),
        *(
            (
                "capture_id,dir,species",
                {"encoding": name},
                f"'T': unknown encoding '{name}'; allowed: auto, utf-8, utf-16, cp1252 and other "
                "names of Python's text encodings",
            )
            for name in ("utf-9", "hex", "", "undefined")
        ),
        (
            "capture_id,dir,species,größe",
            {"encoding": "ascii"},
            "'T' is not in ascii: byte 0xc3 of line 1 does not fit; name its encoding, such as "
            "encoding=utf-8",
        ),
    ],
)
def test_columns_that_do_not_fit_are_refused(tmp_path, header, given, sentence):
    path = tmp_path / "table.csv"
    path.write_text(f"{header}\n")
    assert refusal(path, **given) == sentence


def test_a_table_that_loses_every_observation_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("capture_id,dir,species,count\na,1,lion,\nb,2,,3\n")
    assert refusal(path, drop_missing=True) == (
        "drop_missing: every observation of 'T' lacks one of the labels species, count; name "
        "fewer labels"
    )


def test_what_is_no_file_is_refused(tmp_path):
    assert refusal(tmp_path / "none.csv") == "no table at 'T'"
    assert refusal(tmp_path) == (
        "'T' is a folder; allowed: a CSV file; a folder of pictures is read with source=folders, "
        "a Camtrap DP package with source=camtrap_dp"
    )
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    assert refusal(loop) == "'T' cannot be read: too many levels of symbolic links"


def test_a_table_on_s3_that_is_not_there_is_refused(bucket):
    with pytest.raises(BadInput, match=r"^no table at 's3://.*/none\.csv'$"):
        CsvTable.open(f"{bucket}/none.csv")
    storage.write_bytes(f"{bucket}/survey/1.jpg", b"x")
    with pytest.raises(BadInput, match=r"^'s3://.*/survey' is a folder; .* source=folders"):
        CsvTable.open(f"{bucket}/survey")


@pytest.mark.parametrize("tail", ["", "\n"])
@pytest.mark.parametrize("row", [b'a,1,"x', b'"a,1,x', b'a,1,"x"y'])
def test_quotes_are_looked_at_across_blocks(tmp_path, monkeypatch, row, tail):
    """Wherever a block of the file ends."""
    good = b'capture_id,dir,species\n"a","1","x ""y"""\n"b,c",2,"x\n"\n'
    for size in range(1, 12):
        monkeypatch.setattr("ctc.inventory.sources.quoting.BLOCK", size)
        assert CsvTable.parse("T", good).rows(["capture_id"]).num_rows == 2
        with pytest.raises(BadInput, match="the quotes of data row 3 do not match"):
            CsvTable.parse("T", good + row + tail.encode())
