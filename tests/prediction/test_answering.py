"""Answers are written as they come: a run that was stopped goes on, to the same bits."""

import dataclasses
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import ROOT
from made_up_dataset import encoded

from ctc.dataset.image_spec import ImageSpec
from ctc.errors import BadInput, CannotGoOn
from ctc.labels import Label
from ctc.model.classifier import Classifier, Origin
from ctc.params import PredictParams
from ctc.prediction.answers import Answer
from ctc.prediction.asking.batch_sizes import batch_size_of
from ctc.prediction.asking.batches import Asking
from ctc.prediction.asking.predicting import answer_all
from ctc.prediction.photos.captures import Captures, PhotoCapture
from ctc.prediction.photos.sources import captures_of
from ctc.prediction.stored import answering
from ctc.prediction.stored.answering import Answered, answered, part_ranges
from ctc.prediction.stored.resuming import Question

PICTURES, SIZE = 30, 4
BROKEN = {"p03.jpg", "p17.jpg"}
KILLS = 10


@pytest.fixture(scope="module")
def classifier(small_classifier: Path) -> Classifier:
    return Classifier.load(small_classifier)


def draw(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3)).astype(np.uint8)
        name = f"p{number:02d}.jpg"
        data = encoded(pixels, "JPEG")
        (folder / name).write_bytes(data[: len(data) // 2] if name in BROKEN else data)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of which two are broken; read only."""
    return draw(tmp_path_factory.mktemp("new") / "pictures", PICTURES)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of eight pictures."""
    monkeypatch.setattr(answering, "BATCHES_A_PART", 2)


@dataclasses.dataclass(frozen=True)
class Line:
    """A folder that is to be answered for an output."""

    classifier: Classifier
    model: Path
    captures: Captures
    output: Path

    def question(self, batch_size: int = SIZE) -> Question:
        return Question.of(self.model, self.captures, str(batch_size))

    def answers(self, batch_size: int = SIZE, resume: bool = True) -> tuple[list[Answer], Answered]:
        question = self.question(batch_size)
        with answered(self.classifier, question, self.captures, str(self.output), resume) as found:
            self.output.write_text("made from the answers")
            return list(found), found

    def stopped_after(self, parts: int, batch_size: int = SIZE) -> None:
        """Leave what a run leaves that is killed after so many parts."""
        written = answering.write_part

        def until(path: Path, answers: Iterator[Answer], labels: tuple[Label, ...]) -> None:
            if path.name == f"part-{parts:05d}.parquet":
                raise KeyboardInterrupt
            written(path, answers, labels)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(answering, "write_part", until)
            with pytest.raises(KeyboardInterrupt):
                self.answers(batch_size)

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.output.parent.iterdir() if path != self.output)


@pytest.fixture
def line(classifier, small_classifier, folder, small_parts, tmp_path) -> Line:
    captures = captures_of(PredictParams(images=str(folder)))
    return Line(classifier, small_classifier, captures, tmp_path / "out" / "predictions.csv")


def check_same(one: list[Answer], other: list[Answer]) -> None:
    """To the bit, and in the same order."""
    assert [a.capture_id for a in one] == [a.capture_id for a in other]
    for a, b in zip(one, other, strict=True):
        for field in dataclasses.fields(Answer):
            if field.name != "probabilities":
                assert getattr(a, field.name) == getattr(b, field.name)
        for label, said in a.probabilities.items():
            np.testing.assert_array_equal(said, b.probabilities[label])


def test_answers_in_parts_are_those_of_one_go(line: Line) -> None:
    answers, found = line.answers()
    assert [one.capture_id for one in answers] == [f"p{n:02d}.jpg" for n in range(PICTURES)]
    assert {one.capture_id for one in answers if one.failures} == BROKEN
    straight = list(answer_all(Asking(line.classifier, SIZE), line.captures))
    for one, other in zip(answers, straight, strict=True):
        assert (one.images, one.faults, one.seen) == (other.images, other.faults, other.seen)
        for label, said in one.probabilities.items():
            np.testing.assert_allclose(said, other.probabilities[label], atol=1e-5)
    assert (found.kept, len(found.parts), found.remarks) == (0, 4, ())
    assert line.left == []


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(line: Line, parts: int) -> None:
    undisturbed, _ = line.answers()
    line.stopped_after(parts)
    assert len(line.left) == 1
    answers, found = line.answers()
    assert found.kept == 8 * parts
    check_same(answers, undisturbed)
    assert line.left == []


def test_what_is_not_whole_is_answered_again(line: Line) -> None:
    undisturbed, _ = line.answers()
    line.stopped_after(3)
    (work,) = line.output.parent.glob(".*.partial")
    damaged = work / "part-00001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    (work / ".0123456789ab.part-00003.parquet").write_bytes(b"half a part")
    answers, found = line.answers()
    assert found.kept == 16
    check_same(answers, undisturbed)
    assert line.left == []


def test_nothing_is_kept_without_resume_nor_without_any_part(line: Line) -> None:
    line.stopped_after(2)
    assert line.answers(resume=False)[1].kept == 0
    line.stopped_after(0)
    assert line.left == []


def test_another_question_starts_anew_and_says_so(line: Line) -> None:
    line.stopped_after(2)
    answers, found = line.answers(batch_size=2)
    (remark,) = found.remarks
    assert "batch_size=4 (now 2)" in remark
    assert (found.kept, len(answers), line.left) == (0, PICTURES, [])


def test_the_question_is_the_classifier_and_the_pictures(line: Line, folder, tmp_path) -> None:
    fewer = captures_of(PredictParams(images=str(folder / "p00.jpg")))
    asked = line.question()
    changed = tmp_path / "classifier"
    changed.mkdir()
    for path in line.model.iterdir():
        (changed / path.name).write_bytes(path.read_bytes())
    assert Question.of(changed, line.captures, "4") == asked
    (changed / "part").mkdir()
    (changed / "part" / "of it").write_bytes(b"1")
    asked_whole = Question.of(changed, line.captures, "4")
    assert asked_whole.key != asked.key
    (changed / "part" / "of it").write_bytes(b"2")
    assert Question.of(changed, line.captures, "4").key != asked_whole.key
    (changed / "classifier.json").write_bytes(b" " + (changed / "classifier.json").read_bytes())
    assert Question.of(changed, line.captures, "4").key != asked.key
    assert Question.of(line.model, fewer, "4").key != asked.key


def test_two_runs_do_not_write_the_same_output(line: Line) -> None:
    where = str(line.output)
    with (
        answered(line.classifier, line.question(), line.captures, where, True),
        pytest.raises(BadInput, match="another run is writing"),
        answered(line.classifier, line.question(), line.captures, where, True),
    ):
        pass


def test_answers_stay_where_the_output_fails(line: Line) -> None:
    where = str(line.output)
    with (
        pytest.raises(OSError, match="disk"),
        answered(line.classifier, line.question(), line.captures, where, True),
    ):
        raise OSError("disk full")
    assert line.answers()[1].kept == PICTURES


@pytest.mark.parametrize(
    ("counts", "ranges"),
    [
        ([1] * 5, [(0, 2), (2, 4), (4, 5)]),
        ([3, 3, 1, 0, 0, 5], [(0, 1), (1, 2), (2, 6)]),
        ([0, 0], [(0, 2)]),
        ([7], [(0, 1)]),
    ],
)
def test_parts_are_of_whole_captures(counts: list[int], ranges: list[tuple[int, int]]) -> None:
    found = part_ranges(np.array(counts, np.int64), 2)
    assert found == ranges


# --- how many pictures at once ---


@keras.saving.register_keras_serializable("tests")
class Hungry(keras.layers.Layer):
    """Needs 64 MB for two pictures, and for four a thousand TB, more than can be addressed."""

    def call(self, pixels):
        side = keras.ops.minimum(keras.ops.shape(pixels)[0], 4) ** 12
        means = keras.ops.mean(keras.ops.cast(pixels, "float32"), axis=(1, 2)) / 255
        floats = keras.ops.broadcast_to(means[:1, :1], (side, side))
        return means + keras.ops.min(floats) - means[0, 0]


@pytest.fixture(scope="module")
def hungry() -> Classifier:
    inputs = keras.Input((8, 8, 3), dtype="uint8")
    network = keras.Model(inputs, {"species": Hungry()(inputs)})
    labels = (Label("species", ("a", "b", "c")),)
    return Classifier(network, labels, ImageSpec(8, 8), Origin("x", (), (), ()))


@pytest.mark.slow  # TensorFlow waits ten seconds for memory each time
def test_fewer_pictures_are_tried_where_the_memory_is_not_enough(hungry: Classifier) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (11, 8, 8, 3)).astype(np.uint8)
    asking = Asking(hungry, 16, halves=True)
    said = asking.ask(pixels)["species"]
    assert asking.batch_size == 2
    one_by_one = [hungry.probabilities(one[None], 1)["species"][0] for one in pixels]
    np.testing.assert_allclose(said, one_by_one, atol=1e-6)
    with pytest.raises(CannotGoOn, match="not enough for batch_size=16: try batch_size=8"):
        Asking(hungry, 16).ask(pixels)


@pytest.mark.slow  # TensorFlow waits ten seconds for memory each time
def test_a_batch_size_found_by_trying_is_told(hungry: Classifier, folder, tmp_path) -> None:
    captures = captures_of(PredictParams(images=str(folder)))
    question = Question("a classifier", captures.inventory.digest, captures.root, "auto", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering, "batch_size_of", lambda *_: 16)
        with answered(hungry, question, captures, str(tmp_path / "p.csv"), True) as found:
            assert [len(one.images) for one in found] == [1] * PICTURES
    assert found.batch_size == 2
    assert "batch_size=2 does so at once" in found.remarks[-1]


@pytest.mark.parametrize(("side", "size"), [(96, 64), (224, 32), (320, 8), (2048, 1)])
def test_larger_pictures_come_in_smaller_batches(side: int, size: int) -> None:
    assert batch_size_of("auto", ImageSpec(side, side)) == size
    assert batch_size_of("7", ImageSpec(side, side)) == 7


def test_no_picture_at_once_is_refused() -> None:
    with pytest.raises(BadInput, match="batch_size: found '0'"):
        batch_size_of("0", ImageSpec(32, 32))


def test_a_batch_ends_with_a_part(classifier: Classifier) -> None:
    sizes = []

    class Counting(Asking):
        def ask(self, pixels, seat=None):
            sizes.append(len(pixels))
            return super().ask(pixels, seat)

    data = encoded(np.zeros((8, 8, 3), np.uint8))
    captures = [PhotoCapture(str(n), images) for n, images in enumerate(
        [(data,) * 3, (data, b""), (), (data,), (b"",), (data,) * 2]
    )]  # fmt: skip
    list(answer_all(Counting(classifier, 2), captures, {1, 2, 4}))
    assert sizes == [2, 2, 1, 2]


# --- as a command ---


def start(output: Path, folder: Path, classifier: Path, store: Path) -> "subprocess.Popen[bytes]":
    asked = ["--images", folder, "--classifier", classifier, "--output", output]
    with output.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "entrypoints.predict", *map(str, asked), "--batch_size", "1"],
            cwd=ROOT,
            env={
                **os.environ,
                "MLFLOW_TRACKING_URI": f"sqlite:///{store}/mlflow.db",
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            stdout=log,
            stderr=log,
        )


@pytest.mark.slow
def test_killed_ten_times_it_ends_with_the_same_table(small_classifier: Path, tmp_path) -> None:
    folder = draw(tmp_path / "pictures", 600)
    whole, killed = tmp_path / "whole.csv", tmp_path / "killed.csv"
    assert start(whole, folder, small_classifier, tmp_path).wait() == 0
    draw_moment = random.Random(0)
    for number in range(KILLS):
        process = start(killed, folder, small_classifier, tmp_path)
        parts = draw_moment.randrange(3)
        before = number_of_parts(tmp_path)
        while process.poll() is None and number_of_parts(tmp_path) < before + parts:
            time.sleep(0.001)
        time.sleep(draw_moment.uniform(0, 0.5))
        process.kill()
        process.wait()
        print(f"{number + 1}: killed with {number_of_parts(tmp_path)} parts")
    assert start(killed, folder, small_classifier, tmp_path).wait() == 0
    assert "of them kept" in killed.with_suffix(".log").read_text()
    assert killed.read_bytes() == whole.read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def number_of_parts(folder: Path) -> int:
    return len(list(folder.glob(".killed.csv.*.partial/part-*")))
