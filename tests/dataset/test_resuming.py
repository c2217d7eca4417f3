"""Writing a dataset again: after a kill, after a change, or for nothing."""

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest
from PIL import Image

from ctc import storage
from ctc.dataset import planning, writing
from ctc.dataset.manifest import Dataset, open_dataset
from ctc.dataset.outputs import check_output
from ctc.dataset.planning import plan_dataset
from ctc.dataset.resuming import origin_of
from ctc.dataset.writing import write_dataset
from ctc.errors import BadInput
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams
from ctc.storage import s3
from ctc.storage.unfinished import place_of

ROOT = Path(__file__).parent.parent.parent
CAPTURES, A_SHARD = 24, 4
PATIENCE_S = 60.0


def inventory(root: Path, captures: int = CAPTURES) -> Inventory:
    """As many captures of a picture each, of which every ninth does not exist."""
    ids = [f"c{number:03d}" for number in range(captures)]
    images = [[f"{number}.jpg"] for number in range(captures)]
    table = pa.table(
        {
            "capture_id": ids,
            "images": pa.array(images, pa.list_(pa.string())),
            "species": ["lion", "zebra"] * (captures // 2),
            "split_name": ["train", "train", "val"] * (captures // 3),
        }
    )
    return Inventory(table, ("species",), "t.csv", str(root))


def draw(folder: Path, captures: int = CAPTURES, size: tuple[int, int] = (40, 30)) -> Path:
    folder.mkdir()
    for number in range(captures):
        if number % 9:
            Image.linear_gradient("L").resize(size).rotate(number).save(folder / f"{number}.jpg")
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return draw(tmp_path / "pictures")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch) -> None:
    monkeypatch.setattr(planning, "CAPTURES_A_SHARD", A_SHARD)


def params(**given) -> DatasetParams:
    return DatasetParams(**{"max_side": 32, "workers": 1} | given)


def write(root: Path, output: Path | str, **given) -> Dataset:
    return write_dataset(plan_dataset(inventory(root), params(**given)), str(output))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def inodes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.glob("*.tfrecord")}


def stopped(root: Path, output: Path, monkeypatch, after: int = 3, **given) -> Path:
    """Write until some shards are finished, then fail as a full disk does; return the work."""

    def some(function, tasks, workers):
        for number, task in enumerate(tasks):
            if number == after:
                raise OSError(28, "No space left on device")
            yield task, function(task)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "run_tasks", some)
        with pytest.raises(OSError, match="No space left"):
            write(root, output, **given)
    plan = plan_dataset(inventory(root), params(**given))
    return place_of(str(output)).work(origin_of(plan).key)


# --- what is kept ---


def test_a_run_that_was_stopped_is_gone_on_with(pictures, tmp_path, monkeypatch):
    place = tmp_path / "sets" / "out"
    whole = write(pictures, tmp_path / "whole")
    work = stopped(pictures, place, monkeypatch)
    finished = inodes(work / "dataset")
    assert len(finished) == 3
    assert names(place.parent) == [work.name]
    dataset = write(pictures, place)
    assert dataset.kept == 3
    assert dataset.notes == (
        f"3 of {len(whole.shards)} shards of an earlier run were verified and kept",
    )
    assert finished.items() <= inodes(place).items()
    assert bytes_of(place) == bytes_of(whole.folder)
    assert names(place.parent) == ["out"]


def test_a_finished_shard_that_was_damaged_is_written_anew(pictures, tmp_path, monkeypatch):
    place = tmp_path / "sets" / "out"
    whole = write(pictures, tmp_path / "whole")
    work = stopped(pictures, place, monkeypatch)
    one, other, _ = sorted((work / "dataset").iterdir())
    one.write_bytes(one.read_bytes()[:-1] + b"?")
    (work / "reports" / f"{other.name}.json").write_text("{")
    (work / "dataset" / ".0123.left by a kill").touch()
    dataset = write(pictures, place)
    assert dataset.kept == 1
    assert bytes_of(place) == bytes_of(whole.folder)


def test_resume_no_starts_anew(pictures, tmp_path, monkeypatch):
    place = tmp_path / "sets" / "out"
    stopped(pictures, place, monkeypatch)
    dataset = write(pictures, place, resume=False)
    assert (dataset.kept, dataset.notes) == (0, ())
    before = inodes(place)
    again = write(pictures, place, resume=False)
    assert (again.kept, again.notes) == (0, ())
    assert not before.items() & inodes(place).items()
    assert names(place.parent) == ["out"]


def test_a_complete_dataset_is_verified_and_kept(pictures, tmp_path):
    place = tmp_path / "sets" / "out"
    first = write(pictures, place)
    before, at = bytes_of(place), place.stat().st_ino
    again = write(pictures, place)
    assert again == first == open_dataset(str(place))
    assert again.kept == len(first.shards)
    assert again.notes == (f"the dataset at '{place}' was complete; it was verified and kept",)
    assert (bytes_of(place), place.stat().st_ino) == (before, at)
    assert names(place.parent) == ["out"]


@pytest.mark.parametrize("name", ["train-00001-of-00004.tfrecord", "skipped.csv", "images.parquet"])
@pytest.mark.parametrize("damage", ["bytes", "missing"])
def test_a_complete_dataset_that_was_damaged_is_mended(pictures, tmp_path, name, damage):
    place = tmp_path / "sets" / "out"
    write(pictures, place)
    before = bytes_of(place)
    data = (place / name).read_bytes()
    (place / name).unlink()
    if damage == "bytes":
        middle = len(data) // 2
        (place / name).write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    again = write(pictures, place)
    what = "is missing" if damage == "missing" else "is not as it was written"
    damaged = f"the dataset at '{place}' is damaged ('{name}' {what}); it is written anew"
    assert again.notes[0] == damaged
    assert again.kept == (len(again.shards) - 1 if name.endswith(".tfrecord") else 0)
    assert bytes_of(place) == before
    assert names(place.parent) == ["out"]


def test_a_shard_of_other_captures_is_not_kept(pictures, tmp_path, monkeypatch):
    stopped_at, complete = tmp_path / "stopped", tmp_path / "complete"
    stopped(pictures, stopped_at, monkeypatch, after=5)
    write(pictures, complete)
    # As another version of the code or of numpy may do.
    shuffled = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: shuffled(seed + 1))
    whole = write(pictures, tmp_path / "whole")
    for place in (stopped_at, complete):
        dataset = write(pictures, place)
        assert dataset.kept == 0
        assert bytes_of(place) == bytes_of(whole.folder)


def test_what_is_done_again_is_not_encoded_again_after_a_kill_in_the_very_last_moment(
    pictures, tmp_path, monkeypatch
):
    place = tmp_path / "sets" / "out"
    with monkeypatch.context() as patch:
        # The reports stay, while the shards are in place.
        patch.setattr(writing.storage, "remove_folder", lambda _: None)
        first = write(pictures, place)
    assert len(names(place.parent)) == 2
    again = write(pictures, place)
    assert again.kept == len(first.shards)
    assert names(place.parent) == ["out"]


@pytest.mark.parametrize(
    ("resume", "said"), [(True, "again to go on"), (False, "again with resume=yes to go on")]
)
def test_a_run_that_is_stopped_says_how_to_go_on(
    pictures, tmp_path, monkeypatch, capsys, resume, said
):
    stopped(pictures, tmp_path / "out", monkeypatch, resume=resume)
    assert capsys.readouterr().err.endswith(f", stopped; run {said}\n")
    stopped(pictures, tmp_path / "other", monkeypatch, after=0)
    assert capsys.readouterr().err.endswith(", stopped\n")


def test_a_picture_that_can_be_read_now_gets_into_its_shard(pictures, tmp_path, monkeypatch):
    place = tmp_path / "sets" / "out"
    first = write(pictures, place)
    assert first.skipped == {"no such file": 3, "none of its pictures can be read": 3}
    before = inodes(place)
    shutil.copy(pictures / "1.jpg", pictures / "0.jpg")
    dataset = write(pictures, place)
    assert dataset.skipped == {"no such file": 2, "none of its pictures can be read": 2}
    assert dataset.kept == len(first.shards) - 1
    assert len(before.items() - inodes(place).items()) == 1
    assert bytes_of(place) == bytes_of(write(pictures, tmp_path / "whole").folder)
    stopped(pictures, tmp_path / "other", monkeypatch, after=5)
    shutil.copy(pictures / "1.jpg", pictures / "9.jpg")
    (pictures / "18.jpg").touch()  # which gives another reason
    assert write(pictures, tmp_path / "other").kept < 5
    assert bytes_of(tmp_path / "other") == bytes_of(write(pictures, tmp_path / "new").folder)


# --- what is noticed ---


def test_a_dataset_of_other_parameters_is_replaced_and_the_difference_said(pictures, tmp_path):
    place = tmp_path / "out"
    write(pictures, place)
    (note,) = write(pictures, place, quality=50, min_side=20).notes
    assert note == (
        f"the dataset at '{place}' was written with min_side=none (now 20), quality=85 (now 50); "
        "it is replaced"
    )
    assert write(pictures, place, quality=50, min_side=20, workers=2, private=()).kept == 6


def test_a_dataset_of_another_inventory_or_folder_is_replaced_and_that_said(pictures, tmp_path):
    place = tmp_path / "out"
    first = write(pictures, place)
    fewer = inventory(pictures, 12)
    (note,) = write_dataset(plan_dataset(fewer, params()), str(place)).notes
    assert f"inventory=digest {first.inventory_digest} (now digest {fewer.digest})" in note
    other = shutil.copytree(pictures, tmp_path / "other")
    (note,) = write_dataset(plan_dataset(inventory(other, 12), params()), str(place)).notes
    assert f"image_root={pictures} (now {other})" in note


def test_a_dataset_of_an_older_version_is_replaced_and_that_said(pictures, tmp_path):
    write(pictures, tmp_path / "out")
    about = tmp_path / "out" / "dataset.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"schema_version": 1}))
    (note,) = write(pictures, tmp_path / "out").notes
    assert note.endswith(
        "has schema version 1; allowed: 2: write the dataset again; it is replaced"
    )


def test_unfinished_work_of_other_parameters_is_kept_and_named(pictures, tmp_path, monkeypatch):
    place = tmp_path / "sets" / "out"
    work = stopped(pictures, place, monkeypatch, quality=50)
    kept = bytes_of(work / "dataset")
    (note,) = write(pictures, place).notes
    assert note == (
        f"unfinished work that was begun with quality=50 (now 85) lies at '{work}'; it is kept: "
        "write that dataset to its end, or delete the folder"
    )
    assert bytes_of(work / "dataset") == kept
    assert names(place.parent) == [work.name, "out"]
    assert write(pictures, place, quality=50).kept == 3
    assert names(place.parent) == ["out"]


def test_work_without_a_finished_shard_is_not_left(pictures, tmp_path, monkeypatch):
    stopped(pictures, tmp_path / "sets" / "out", monkeypatch, after=0)
    assert names(tmp_path / "sets") == []


def test_the_work_of_an_output_whose_name_begins_alike_is_none_of_ours(
    pictures, tmp_path, monkeypatch
):
    stopped(pictures, tmp_path / "out.2", monkeypatch)
    assert write(pictures, tmp_path / "out").notes == ()


# --- one at a time ---


def test_a_second_run_for_the_same_output_is_refused(pictures, tmp_path):
    place = tmp_path / "out"
    lock = place_of(str(place)).lock
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for attempt in (check_output, lambda output: write(pictures, output)):
            with pytest.raises(BadInput) as refused:
                attempt(str(place))
            assert str(refused.value) == f"another run is writing '{place}'; wait until it ends"
        assert lock.exists()
    write(pictures, place)  # what a killed run leaves is no lock
    assert not lock.exists()


# --- on S3 ---


@pytest.fixture
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("CTC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_run_on_s3_that_was_stopped_is_gone_on_with(
    pictures, tmp_path, bucket, cache, monkeypatch
):
    whole = write(pictures, tmp_path / "whole")
    stopped(pictures, bucket, monkeypatch)
    assert not storage.exists(bucket)
    dataset = write(pictures, bucket)
    assert dataset.kept == 3
    assert bytes_of(dataset.folder) == bytes_of(whole.folder)
    assert [*storage.list_files(bucket)] == names(whole.folder)
    assert names(cache / "unfinished") == []
    assert write(pictures, bucket).notes[0].endswith("was complete; it was verified and kept")


def test_a_run_that_was_killed_while_it_put_files_on_s3_is_gone_on_with(
    pictures, tmp_path, bucket, cache, monkeypatch
):
    def killed(source, uri, last, elsewhere):
        storage.put_file(source / "skipped.csv", f"{uri}/skipped.csv")
        raise ConnectionError("cut off")

    whole = write(pictures, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(storage, "put_folder", killed)
        with pytest.raises(ConnectionError):
            write(pictures, bucket)
    dataset = write(pictures, bucket)
    assert dataset.kept == len(dataset.shards)
    assert [*storage.list_files(bucket)] == names(whole.folder)
    assert not storage.exists(f"{bucket}/.unfinished")


@pytest.mark.parametrize("cached", [False, True])
def test_a_dataset_on_s3_that_lost_a_shard_is_mended(pictures, bucket, cache, cached):
    first = write(pictures, bucket)
    path, name = first.folder / first.shards[0].name, first.shards[0].name
    before = path.read_bytes()
    s3.delete(f"{bucket}/{name}")
    if not cached:
        storage.remove_folder(cache)
    again = write(pictures, bucket)
    damaged = f"the dataset at '{bucket}' is damaged ('{name}' is missing); it is written anew"
    assert again.notes[0] == damaged
    assert again.kept == len(first.shards) - (not cached)
    assert storage.read_bytes(f"{bucket}/{name}") == before


# --- kill -9 ---

SCRIPT = """
import sys

from ctc.dataset import planning
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams

if __name__ == "__main__":
    planning.CAPTURES_A_SHARD = 4
    params = DatasetParams(inventory=sys.argv[1], max_side=200, workers=2)
    dataset = write_dataset(plan_dataset(Inventory.read(sys.argv[1]), params), sys.argv[2])
    print(dataset.kept)
"""
# Ends the process as kill -9 does, between the two renames that put a dataset in its place, or
# before the former one is removed.
BETWEEN = """
import os
import pathlib
import signal
import sys

from ctc.storage import local

if sys.argv[3] == "renames":
    rename = pathlib.Path.rename

    def renamed(self, target):
        if self.name == "dataset":
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    pathlib.Path.rename = renamed
else:
    local.remove_folder = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
"""


class Killing:
    """Pictures, and ways to write them in another process."""

    def __init__(self, folder: Path, captures: int) -> None:
        self.folder = folder
        self.output = folder / "sets" / "out"
        root = draw(folder / "pictures", captures, (800, 600))
        inventory(root, captures).write(str(folder / "inventory.parquet"))
        (folder / "write.py").write_text(SCRIPT)
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def command(self) -> list[str]:
        return [sys.executable, "write.py", "inventory.parquet", str(self.output)]

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def finish(self) -> None:
        done = subprocess.run(
            self.command(), cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]

    def span(self) -> float:
        """Write undisturbed, and return the seconds from the first sign of it to the last."""
        process = self.start(self.command())
        wait_until(self.has_begun, process)
        begun = time.monotonic()
        wait_until(lambda: not self.has_begun(), process)
        took = time.monotonic() - begun
        process.communicate()
        return took

    def has_begun(self) -> bool:
        """Say whether there is unfinished work."""
        return any(self.output.parent.glob(".out.*.partial"))

    def finished(self) -> int:
        """Shards of the unfinished work."""
        return len([*self.output.parent.glob(".out.*.partial/reports/[!.]*.json")])


class ByEntryPoint(Killing):
    """The same by the entry point."""

    def command(self) -> list[str]:
        given = {"inventory": "inventory.parquet", "output": str(self.output), "max_side": 200}
        options = [text for name, value in given.items() for text in (f"--{name}", str(value))]
        return [sys.executable, "-m", "entrypoints.dataset", *options]


def kill(process: subprocess.Popen[str], workers: bool) -> None:
    """End a process by SIGKILL, and its workers where asked; wait until all are gone."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for one in [process, *(family if workers else [])]:
        try:
            one.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    process.communicate()
    psutil.wait_procs(family, timeout=PATIENCE_S)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def begin_with(output: Path, whole: dict[str, bytes], older: bool) -> None:
    """Have nothing at the output, or a dataset of another quality."""
    shutil.rmtree(output, ignore_errors=True)
    if older:
        output.mkdir(parents=True)
        about = json.loads(whole["dataset.json"])
        about["parameters"]["quality"] = "50"
        (output / "dataset.json").write_text(json.dumps(about))


def check_nothing_is_left(killing: Killing, whole: dict[str, bytes]) -> None:
    assert bytes_of(killing.output) == whole
    assert names(killing.output.parent) == ["out"]


@pytest.fixture(scope="module")
def killing(tmp_path_factory) -> Killing:
    return Killing(tmp_path_factory.mktemp("killing"), 36)


@pytest.fixture(scope="module")
def whole(killing) -> dict[str, bytes]:
    """What an undisturbed run writes."""
    killing.finish()
    return bytes_of(killing.output)


@pytest.mark.parametrize("workers", [False, True])
def test_after_a_kill_the_same_command_ends_as_if_nothing_had_been(killing, whole, workers):
    shutil.rmtree(killing.output.parent)
    process = killing.start(killing.command())
    wait_until(lambda: killing.finished() >= 3, process)
    kill(process, workers)
    kept = killing.finished()
    assert 3 <= kept < 9
    again = killing.start(killing.command())
    assert int(again.communicate()[0]) >= kept
    check_nothing_is_left(killing, whole)


@pytest.mark.parametrize("moment", ["renames", "removal"])
def test_after_a_kill_in_the_last_moment_too(killing, whole, moment):
    begin_with(killing.output, whole, older=True)
    (killing.folder / "kill.py").write_text(BETWEEN + SCRIPT)
    command = [sys.executable, "kill.py", *killing.command()[2:], moment]
    process = killing.start(command)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert killing.output.exists() == (moment == "removal")
    killing.finish()
    check_nothing_is_left(killing, whole)


@pytest.mark.slow
@pytest.mark.usefixtures("module_store")
@pytest.mark.parametrize("older", [False, True])
def test_ten_kills_at_random_moments_change_nothing(tmp_path, older):
    killing = ByEntryPoint(tmp_path, 600)
    span = killing.span()
    whole = bytes_of(killing.output)
    moments, in_the_middle = random.Random(older), 0
    for _ in range(10):
        if not killing.has_begun():
            begin_with(killing.output, whole, older)
        process = killing.start(killing.command())
        wait_until(killing.has_begun, process)
        time.sleep(moments.uniform(0, 0.7 * span))  # a later run has less to do
        kill(process, workers=moments.random() < 0.5)
        in_the_middle += killing.has_begun()
    assert in_the_middle >= 5
    killing.finish()
    check_nothing_is_left(killing, whole)


# --- a full disk ---

ON_A_SMALL_DISK = """
import resource
import sys

from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams
from entrypoints.command import step_command


@step_command(DatasetParams)
def main(params):
    # As a full disk is: the first bytes of a file are written, the others are not.
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))
    write_dataset(plan_dataset(Inventory.read(params.inventory), params), params.output)


if __name__ == "__main__":
    main()
"""


def test_a_full_disk_is_one_sentence_and_leaves_what_is_finished(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    Image.new("RGB", (40, 30)).save(tmp_path / "small.png")
    Image.fromarray(noise).save(tmp_path / "large.png")
    images = pa.array([["small.png"], ["large.png"]], pa.list_(pa.string()))
    columns = {"capture_id": ["1", "2"], "images": images, "species": ["lion", "zebra"]}
    table = pa.table(columns | {"split_name": ["first", "second"]})
    path, output = tmp_path / "inventory.parquet", tmp_path / "out" / "d"
    Inventory(table, ("species",), "t.csv", str(tmp_path)).write(str(path))
    script = tmp_path / "script.py"
    script.write_text(ON_A_SMALL_DISK)
    command = [sys.executable, script, f"--inventory={path}", f"--output={output}", "--workers=1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    *_, said = found.stderr.splitlines()
    (work,) = place_of(str(output)).unfinished()
    full = work / "dataset" / "second-00000-of-00001.tfrecord"
    assert (found.returncode, found.stdout) == (1, "")
    assert said == f"Error: '{full}': File too large; make room and give the same command again"
    assert "Traceback" not in found.stderr
    assert names(work / "dataset") == ["first-00000-of-00001.tfrecord"]
    assert names(output.parent) == [work.name]
    plan = plan_dataset(
        Inventory.read(str(path)), DatasetParams(inventory=str(path), output=str(output), workers=1)
    )
    again = write_dataset(plan, str(output))
    assert (again.kept, again.splits) == (1, {"first": 1, "second": 1})
    assert names(output.parent) == ["d"]
