"""Pictures sorted by what was predicted of them."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_judged import A_LION, A_ZEBRA, ANSWERS, ASKED, TAXONOMY, answer, judged, written

from ctc import storage
from ctc.errors import BadInput, CannotGoOn
from ctc.prediction.formats import check_outputs, write_all
from ctc.prediction.meaning.judged import Asked
from ctc.prediction.meaning.taxonomy import read_taxonomy

PICTURES = {
    "s1/1.jpg": b"one", "s1/2.jpg": b"two", "süd/ö 2.jpg": b"three", "s3/2.jpg": b"four",
    "s4/1.jpg": b"no picture",
}  # fmt: skip


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Where the pictures of the answers lie; one of them does not."""
    for name, data in PICTURES.items():
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pictures" / name).write_bytes(data)
    return replace(ASKED, root=str(tmp_path / "pictures"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        one.relative_to(folder).as_posix(): one.read_bytes()
        for one in folder.rglob("*")
        if not one.is_dir() and one.name != "sorted.csv"
    }


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "sorted.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


SORTED = {
    "empty/species/s1/1.jpg": b"one",
    "empty/species/s1/2.jpg": b"two",
    "species/lion/s1/1.jpg": b"one",
    "species/lion/s1/2.jpg": b"two",
    "empty/species/süd/ö 2.jpg": b"three",
    "species/plains zebra/süd/ö 2.jpg": b"three",
    "empty/empty/s3/2.jpg": b"four",
    "_unreadable/s4/1.jpg": b"no picture",
}


@pytest.mark.parametrize("link", [True, False])
def test_pictures_lie_below_label_and_class_and_stay_where_they_are(
    tmp_path: Path, asked: Asked, link: bool
) -> None:
    folder = written("folders", tmp_path, replace(asked, link=link))
    assert files_of(folder) == SORTED
    first = folder / "species" / "lion" / "s1" / "1.jpg"
    assert first.is_symlink() is link
    assert files_of(tmp_path / "pictures") == PICTURES
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out_folders", "pictures"]


def test_the_list_says_what_lies_where_and_what_could_not_be_read(
    tmp_path: Path, asked: Asked
) -> None:
    rows = rows_of(written("folders", tmp_path, asked))
    assert {row["file"] for row in rows} == {*SORTED, ""}
    (missing,) = [row for row in rows if not row["file"]]
    assert missing["source"].endswith("pictures/s3/1.jpg")
    assert (missing["capture_id"], missing["left_out"]) == ("s3", "no such file")


def test_a_repeated_run_ends_with_the_same_folder(tmp_path: Path, asked: Asked) -> None:
    folder = written("folders", tmp_path, asked)
    before = files_of(folder)
    check_outputs({"folders": str(folder)}, asked)
    written("folders", tmp_path, asked)
    assert files_of(folder) == before
    fewer = written("folders", tmp_path, asked, ANSWERS[:1])
    assert {name.split("/")[-2] for name in files_of(fewer)} == {"s1"}
    assert files_of(tmp_path / "pictures") == PICTURES


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path, asked: Asked) -> None:
    folder = written("folders", tmp_path, asked)
    (folder / "species" / "lion" / "my best.jpg").write_text("mine")
    with pytest.raises(BadInput, match="exists and holds more than predictions; name a new one"):
        check_outputs({"folders": str(folder)}, asked)
    with pytest.raises(CannotGoOn, match="holds other files by now; move them"):
        written("folders", tmp_path, asked)
    assert (folder / "species" / "lion" / "my best.jpg").read_text() == "mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out_folders", "pictures"]


def test_any_other_folder_is_refused_and_an_empty_one_is_filled(
    tmp_path: Path, asked: Asked
) -> None:
    with pytest.raises(BadInput, match="holds more than predictions"):
        check_outputs({"folders": str(tmp_path)}, replace(asked, root=str(tmp_path.parent)))
    with pytest.raises(BadInput, match="holds the pictures themselves; name another folder"):
        check_outputs({"folders": str(tmp_path)}, asked)
    (tmp_path / "out_folders").mkdir()
    check_outputs({"folders": str(tmp_path / "out_folders")}, asked)
    (tmp_path / "file").write_text("a file")
    with pytest.raises(BadInput, match="holds more than predictions"):
        check_outputs({"folders": str(tmp_path / "file")}, asked)


def test_what_breaks_off_leaves_the_former_folder(tmp_path: Path, asked: Asked) -> None:
    folder = written("folders", tmp_path, asked)

    def broken():
        yield judged(asked)[0]
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        list(write_all(broken(), {"folders": str(folder)}, asked))
    assert files_of(folder) == SORTED
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out_folders", "pictures"]


def test_captures_of_private_classes_are_not_laid_out(tmp_path: Path, asked: Asked) -> None:
    person = answer("p", [A_LION], [[0.1, 0.2, 0.7]], images=["s1/1.jpg"])
    private = replace(asked, private=("HUMAN", "person"))
    folder = written("folders", tmp_path, private, [person, ANSWERS[1]])
    assert {name.split("/")[-2] for name in files_of(folder)} == {"süd"}
    assert [row["left_out"] for row in rows_of(folder)] == ["private", "", ""]
    folder = written("folders", tmp_path, asked, [person])
    assert "empty/human/s1/1.jpg" in files_of(folder)


def test_a_group_is_a_folder(tmp_path: Path, asked: Asked) -> None:
    (tmp_path / "pictures" / "taxonomy.csv").write_text(TAXONOMY)
    taxonomy = read_taxonomy(str(tmp_path / "pictures" / "taxonomy.csv"), ASKED.labels)
    found = files_of(written("folders", tmp_path, replace(asked, taxonomy=taxonomy)))
    assert "species/Equus/süd/ö 2.jpg" in found


def test_odd_names_stay_inside_and_apart(tmp_path: Path, asked: Asked) -> None:
    outside = tmp_path / "elsewhere" / "a.jpg"
    outside.parent.mkdir()
    outside.write_bytes(b"outside")
    twice = [
        answer("1", [A_ZEBRA], images=[str(outside)]),
        answer("2", [A_ZEBRA], images=["../elsewhere/a.jpg"]),
        answer("3", [A_ZEBRA], images=["s1/1.jpg"]),
        answer("4", [A_ZEBRA], images=["s1/1.jpg"]),
    ]
    folder = written("folders", tmp_path, asked, twice)
    below = {
        name.removeprefix("species/plains zebra/"): data
        for name, data in files_of(folder).items()
        if name.startswith("species")
    }
    assert below == {
        f"{str(outside)[1:]}": b"outside",
        "%2E%2E/elsewhere/a.jpg": b"outside",
        "s1/1.jpg": b"one",
        "s1/1 (2).jpg": b"one",
    }


def test_names_that_a_file_system_refuses_are_written_otherwise() -> None:
    from ctc.prediction.formats.folders import _safe

    assert _safe("a/b") == "a%2Fb"
    assert _safe("a%2Fb") == "a%252Fb"
    assert [_safe(name) for name in ("..", "x.", "löwe: klein?", "CON ")] == [
        "%2E%2E", "x%2E", "löwe%3A klein%3F", "CON%20"
    ]  # fmt: skip


def test_pictures_in_a_store_are_copied_on_request(tmp_path: Path, bucket: str) -> None:
    storage.write_bytes(f"{bucket}/s1/1.jpg", b"one")
    storage.write_bytes(f"{bucket}/s1/2.jpg", b"two")
    asked = replace(ASKED, root=bucket)
    with pytest.raises(BadInput, match="to which there are no links; allowed: no, which copies"):
        check_outputs({"folders": str(tmp_path / "out")}, asked)
    with pytest.raises(BadInput, match="with format=folders; allowed: a local folder"):
        check_outputs({"folders": f"{bucket}/out"}, asked)
    copied = replace(asked, link=False)
    check_outputs({"folders": str(tmp_path / "out")}, copied)
    folder = written("folders", tmp_path, copied, ANSWERS[:1])
    assert files_of(folder)["species/lion/s1/2.jpg"] == b"two"
