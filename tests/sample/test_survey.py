import csv
import itertools
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctc.errors import BadInput
from ctc.sample import Survey, draw_survey
from ctc.sample.scenes import draw_scene

HEADER = (
    "image,species,count,position,survey,dir,id,capture_id,empty,standing,resting,moving,eating,"
    "interacting,babies,location,split_name,timestamp"
)
KINDS = {"elephant", "giraffe", "lion", "ostrich", "zebra"}
POSES = ("standing", "resting", "moving", "eating")
BEHAVIOURS = (*POSES, "interacting", "babies")
BROKEN = 7


def rows_of(survey: Survey) -> list[dict[str, str]]:
    with survey.table.open(newline="") as file:
        return list(csv.DictReader(file))


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def captures_of(rows: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    captures: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        captures[row["capture_id"]].append(row)
    return captures


def opened(folder: Path, row: dict[str, str]) -> np.ndarray:
    with Image.open(folder / row["dir"]) as image:
        assert image.format == "JPEG"
        return np.asarray(image.convert("RGB"), dtype=np.float32)


def at_night(row: dict[str, str]) -> bool:
    return not 6 <= datetime.fromisoformat(row["timestamp"]).hour < 18


@pytest.fixture(scope="module")
def survey(tmp_path_factory) -> Survey:
    return draw_survey(tmp_path_factory.mktemp("survey"), 60, 128, 3, BROKEN)


@pytest.fixture(scope="module")
def rows(survey) -> list[dict[str, str]]:
    return rows_of(survey)


@pytest.fixture(scope="module")
def good(survey, rows) -> list[dict[str, str]]:
    return rows[: survey.images]


@pytest.fixture(scope="module")
def pictures(survey, good) -> list[np.ndarray]:
    return [opened(survey.table.parent, row) for row in good]


def test_same_arguments_give_the_same_bytes(tmp_path):
    draw_survey(tmp_path / "one", 12, 64, 5, 5)
    draw_survey(tmp_path / "two", 12, 64, 5, 5)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_another_seed_gives_other_pictures_and_another_table(tmp_path):
    one = draw_survey(tmp_path / "one", 10, 64, 5, 0)
    two = draw_survey(tmp_path / "two", 10, 64, 6, 0)
    assert one.table.read_bytes() != two.table.read_bytes()
    first = "S1-01/S1-01_000000_1.jpg"
    assert (tmp_path / "one" / first).read_bytes() != (tmp_path / "two" / first).read_bytes()


def test_broken_files_leave_the_good_captures_as_they_are(tmp_path):
    plain = draw_survey(tmp_path / "plain", 10, 64, 5, 0)
    mixed = draw_survey(tmp_path / "mixed", 10, 64, 5, 3)
    assert rows_of(mixed)[: plain.images] == rows_of(plain)
    assert bytes_of(tmp_path / "plain").items() - bytes_of(tmp_path / "mixed").items() == {
        ("table.csv", plain.table.read_bytes())
    }


def test_header_is_that_of_panthera(survey):
    assert survey.table.read_text().splitlines()[0] == HEADER


def test_survey_counts_what_the_table_holds(survey, rows):
    assert survey.table.name == "table.csv"
    assert (survey.captures, survey.broken) == (60, BROKEN)
    assert len(rows) == survey.images + survey.broken
    assert len(captures_of(rows)) == survey.captures + survey.broken
    assert [row["id"] for row in rows] == [str(i + 1) for i in range(len(rows))]


def test_paths_are_unique_and_lie_in_the_folder_of_their_location(rows):
    assert len({row["dir"] for row in rows}) == len(rows)
    assert all(row["dir"] == f"{row['location']}/{row['image']}" for row in rows)
    assert {row["survey"] for row in rows} == {"sample"}
    assert {row["position"] for row in rows} == {""}


def test_empty_captures_have_no_labels(rows):
    empty = [row for row in rows if row["empty"] == "empty"]
    assert empty
    assert all(row[name] == "" for row in empty for name in ("species", "count", *BEHAVIOURS))


def test_animals_have_one_pose_and_a_count_that_fits(rows):
    animals = [row for row in rows if row["empty"] == "species"]
    assert {row["species"] for row in animals} == KINDS
    assert {row["count"] for row in animals} == {"1", "2", "3"}
    assert {row[name] for row in animals for name in BEHAVIOURS} == {"0", "1"}
    assert all([row[pose] for pose in POSES].count("1") == 1 for row in animals)


def test_company_is_needed_to_interact_and_to_be_a_baby(rows):
    meeting = [row for row in rows if row["interacting"] == "1"]
    families = [row for row in rows if row["babies"] == "1"]
    assert meeting
    assert families
    assert all(row["standing"] == "1" for row in meeting)
    assert all(int(row["count"]) >= 2 + int(row["babies"]) for row in meeting)
    assert all(int(row["count"]) >= 2 for row in families)


def test_pictures_of_a_capture_share_all_but_file_id_and_time(rows):
    for burst in captures_of(rows).values():
        assert 1 <= len(burst) <= 3
        own = {"image", "dir", "id", "timestamp"}
        shared = [{k: v for k, v in row.items() if k not in own} for row in burst]
        assert all(one == shared[0] for one in shared)
        times = [datetime.fromisoformat(row["timestamp"]) for row in burst]
        assert all(1 <= (b - a).seconds <= 2 for a, b in itertools.pairwise(times))


def test_times_go_forward_within_a_location(rows):
    for location in {row["location"] for row in rows}:
        times = [row["timestamp"] for row in rows if row["location"] == location]
        assert times == sorted(times)
        assert len(set(times)) == len(times)


def test_every_class_is_in_every_split_about_equally_often(good):
    bursts = [burst[0] for burst in captures_of(good).values()]
    for split, captures in (("train", 36), ("val", 12), ("test", 12)):
        kinds = [row["species"] for row in bursts if row["split_name"] == split]
        assert len(kinds) == captures
        assert kinds.count("") == round(0.4 * captures)
        counts = [kinds.count(kind) for kind in KINDS]
        assert min(counts) >= 1
        assert max(counts) - min(counts) <= 1


def test_splits_share_no_location(rows):
    splits = {(row["location"], row["split_name"]) for row in rows}
    assert len(splits) == len({location for location, _ in splits}) == 10
    assert sorted(split for _, split in splits) == ["test"] * 2 + ["train"] * 6 + ["val"] * 2


def test_every_good_file_opens_in_the_right_size(pictures):
    assert {picture.shape for picture in pictures} == {(96, 128, 3)}


@pytest.mark.parametrize("size", [65, 1100])
def test_other_sizes_are_four_to_three(tmp_path, size):
    survey = draw_survey(tmp_path, 1, size, 0, 0)
    assert opened(tmp_path, rows_of(survey)[0]).shape == (round(size * 0.75), size, 3)


def test_night_is_grey_and_dark_and_day_is_coloured(good, pictures):
    nights = [at_night(row) for row in good]
    assert 0.15 < np.mean(nights) < 0.55
    for night, picture in zip(nights, pictures, strict=True):
        colour = float(np.mean(picture.max(axis=2) - picture.min(axis=2)))
        assert (colour < 2) if night else (colour > 12)
        # The flash does not reach the sky.
        assert (picture[:15].mean() < 60) == night


def test_pictures_of_a_burst_differ_and_a_moving_animal_the_most(good, pictures):
    change: dict[str, list[float]] = defaultdict(list)
    for (before, a), (after, b) in itertools.pairwise(zip(good, pictures, strict=True)):
        if before["capture_id"] == after["capture_id"]:
            change[before["moving"]].append(float(np.mean(np.abs(a - b) > 40)))
            assert not np.array_equal(a, b)
    assert np.mean(change["1"]) > 2 * np.mean(change["0"])


def test_animals_are_where_the_labels_say_and_nowhere_else(good, pictures):
    scenes = [draw_scene(index, 128, 96, 3) for index in range(10)]
    changed: dict[str, list[float]] = {"empty": [], "species": []}
    for row, picture in zip(good, pictures, strict=True):
        if row["location"] in ("S1-06", "S1-10"):
            continue  # a waterhole changes with the light more than this measure allows for
        scene = scenes[int(row["location"][-2:]) - 1]
        (x, y), still = scene.margin, scene.night if at_night(row) else scene.day
        plain = np.asarray(still.convert("L"), dtype=np.float32)[y : y + 96, x : x + 128]
        # The ground alone, whatever the light: above it are clouds, below it waving grass.
        ours, plain = picture.mean(axis=2)[42:80], plain[42:80]
        stray = ours * np.median(plain) / np.median(ours) - plain
        changed[row["empty"]].append(float(np.mean(np.abs(stray) > 32)))
    assert min(changed["species"]) > 0.04
    assert np.median(changed["empty"]) < 0.02
    assert max(changed["empty"]) < 0.08  # a branch, or haze


def test_broken_files_cannot_be_read(survey, rows):
    folder = survey.table.parent
    bad = rows[survey.images :]
    for row in bad:
        with pytest.raises(OSError), Image.open(folder / row["dir"]) as image:  # noqa: PT011
            image.load()
    contents = [(folder / row["dir"]).read_bytes() for row in bad[:4]]
    truncated, empty, html, text = contents
    assert truncated.startswith(b"\xff\xd8")
    assert empty == b""
    assert html.startswith(b"<!DOCTYPE html>")
    assert text.isascii()
    assert not (folder / bad[4]["dir"]).exists()
    assert all(row["species"] in KINDS for row in bad)


def test_stale_pictures_go_and_foreign_files_stay(tmp_path):
    before = rows_of(draw_survey(tmp_path, 20, 64, 1, 0))
    (tmp_path / "S1-01" / "notes.txt").write_text("mine")
    (tmp_path / "S1-01" / "S1-01_999999_1.jpg").write_text("mine too")
    after = rows_of(draw_survey(tmp_path, 5, 64, 1, 0))
    left = {path for path in bytes_of(tmp_path) if path != "table.csv"}
    foreign = {"S1-01/notes.txt", "S1-01/S1-01_999999_1.jpg"}
    assert left == {row["dir"] for row in after} | foreign
    assert len(before) > len(after)


def test_a_missing_file_is_missing_even_where_a_former_survey_had_one(tmp_path):
    draw_survey(tmp_path, 10, 64, 1, 0)
    last = rows_of(draw_survey(tmp_path, 5, 64, 1, 5))[-1]
    assert last["capture_id"] == "S1-10_000009"
    assert not (tmp_path / last["dir"]).exists()


def test_a_folder_with_a_table_of_someone_else_is_refused(tmp_path):
    (tmp_path / "S1-01").mkdir()
    for name in ("keep.jpg", "S1-01/S1-01_000900_1.jpg"):
        (tmp_path / name).write_text("mine")
    lines = [
        "survey,dir",
        "other,S1-01/S1-01_000900_1.jpg",
        "sample,../keep.jpg",
        "sample,keep.jpg",
    ]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    with pytest.raises(
        BadInput, match=r"table\.csv' is not of a drawn survey; name another folder"
    ):
        draw_survey(tmp_path, 1, 64, 1, 0)
    (tmp_path / "table.csv").write_text("\n".join([*lines, "sample,S1-02/S1-02_000901_1.jpg"]))
    draw_survey(tmp_path, 1, 64, 1, 0)
    assert (tmp_path / "keep.jpg").read_text() == "mine"
    assert (tmp_path / "S1-01" / "S1-01_000900_1.jpg").read_text() == "mine"


@pytest.mark.parametrize(
    ("captures", "size", "seed", "broken", "sentence"),
    [
        (0, 320, 0, 0, "a survey of 0 captures cannot be drawn; allowed: 1 or more"),
        (1, 63, 0, 0, "pictures of 63 pixels; allowed: 64 to 2048 pixels"),
        (1, 2049, 0, 0, "pictures of 2049 pixels; allowed: 64 to 2048 pixels"),
        (1, 320, 0, -1, "-1 broken files cannot be written; allowed: 0 or more"),
        (1, 320, -1, 0, "the seed -1 is negative; allowed: 0 or more"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_written(
    tmp_path, captures, size, seed, broken, sentence
):
    with pytest.raises(BadInput) as caught:
        draw_survey(tmp_path / "out", captures, size, seed, broken)
    assert str(caught.value) == sentence
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_output(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(BadInput, match="is a file; allowed: a folder, or nothing yet"):
        draw_survey(tmp_path / "out", 1, 64, 0, 0)
