"""A cascade answers as its two classifiers do by hand, and asks the second about fewer pictures."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from made_up_cascade import MADE_OF, faunas, says_empty, says_side
from PIL import Image

from ctc import storage
from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.manifest import Dataset
from ctc.model.calibration import Calibration
from ctc.model.cascade import Cascade, Gate, cascade_of
from ctc.model.classifier import ABOUT, Classifier
from ctc.params import PredictParams
from ctc.prediction.answers import Answer
from ctc.prediction.asking import cascading
from ctc.prediction.asking.batches import Asking
from ctc.prediction.asking.cascading import goes_on, passed
from ctc.prediction.asking.predicting import answer, answer_all, predict
from ctc.prediction.meaning.judged import judge
from ctc.prediction.photos.captures import PhotoCapture, captures_of_dataset
from ctc.prediction.photos.sources import captures_of
from ctc.prediction.plan import asked_of
from ctc.prediction.stored.resuming import Question

BATCH = 8


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return faunas(tmp_path_factory.mktemp("cascading"), {"test": 60})


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    gate = Gate("empty", ("empty",), 0.3, 0.95, "mean")
    sharp = Calibration((), (), "mean", 0.9, {"side": 2.0}, {})
    second = replace(says_side(ImageSpec(24, 32, "crop")), calibration=sharp)
    return cascade_of(says_empty(ImageSpec(16, 16, "pad")), second, gate, MADE_OF)


@pytest.fixture
def captures(dataset: Dataset) -> list[PhotoCapture]:
    """Those of the dataset, one without a picture, and one whose picture is broken."""
    broken = PhotoCapture("broken", (b"no picture",), {"side": "left"})
    return [broken, *captures_of_dataset(dataset, ("test",)), PhotoCapture("none", ())]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many pictures each network was asked about, by the label that it answers."""
    counts: Counter[str] = Counter()
    own = Classifier.probabilities

    def counted(self: Classifier, images: np.ndarray, batch_size: int) -> dict[str, np.ndarray]:
        counts[self.labels[0].name] += len(images)
        return own(self, images, batch_size)

    monkeypatch.setattr(Classifier, "probabilities", counted)
    return counts


def animal(said: Answer) -> float:
    """How probable an animal is, by the mean of the logarithms of both classes."""
    none, some = np.exp(np.log(said.probabilities["empty"]).mean(axis=0))
    return float(some / (none + some))


def test_it_answers_as_the_two_by_hand(
    cascade: Cascade, captures: list[PhotoCapture], asked: Counter[str]
) -> None:
    firsts = list(answer(cascade.first, captures, BATCH))
    seconds = list(answer(cascade.second, captures, BATCH))
    by_hand = asked.copy()
    asked.clear()
    went_on = 0
    answers = list(answer(cascade, captures, BATCH))
    assert [one.capture_id for one in answers] == [one.capture_id for one in captures]
    for said, first, second in zip(answers, firsts, seconds, strict=True):
        assert said.failures == first.failures
        np.testing.assert_allclose(
            said.probabilities["empty"], first.probabilities["empty"], atol=1e-6
        )
        if not said.seen:
            assert said.probabilities["side"].shape == (0, 3)
            assert not goes_on(cascade, said)
        elif animal(first) >= 0.3:
            own = np.pad(second.probabilities["side"], [(0, 0), (0, 1)])
            np.testing.assert_allclose(said.probabilities["side"], own, atol=1e-6)
            went_on += len(said.seen)
        else:
            expected = [animal(first) / 2, animal(first) / 2, 1 - animal(first)]
            for row in said.probabilities["side"]:
                np.testing.assert_allclose(row, expected, atol=1e-6)
    assert asked == {"empty": by_hand["empty"], "side": went_on}
    assert 0 < went_on < 0.8 * by_hand["side"]


def test_what_is_true_of_both_labels_is_kept(
    cascade: Cascade, captures: list[PhotoCapture]
) -> None:
    for said, capture in zip(answer(cascade, captures, BATCH), captures, strict=True):
        assert said.truth == capture.truth


def test_a_capture_that_is_not_asked_about_is_answered_to_be_empty_however_combined(
    cascade: Cascade, captures: list[PhotoCapture]
) -> None:
    for aggregate in ("mean", "vote", "max", "min"):
        rows = predict(cascade, captures, BATCH, aggregate=aggregate)
        answers = answer(cascade, captures, BATCH)
        for said, row in zip(answers, rows.of("side"), strict=True):
            if not said.seen:
                assert row.prediction is None
                assert row.failure
            else:
                assert (row.prediction == "empty") is not goes_on(cascade, said)
                assert sum(row.probabilities.values()) == pytest.approx(1)


def test_captures_come_in_order_however_many_are_looked_at_together(
    cascade: Cascade, captures: list[PhotoCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predict(cascade, captures, BATCH).table()
    for together in (1, 7):
        monkeypatch.setattr(cascading, "CAPTURES_TOGETHER", together)
        part = predict(cascade, captures, BATCH).table()
        assert part.drop(columns=["probabilities", "confidence"]).equals(
            whole.drop(columns=["probabilities", "confidence"])
        )
        assert part["confidence"].to_numpy() == pytest.approx(
            whole["confidence"].to_numpy(), abs=1e-6, nan_ok=True
        )


def test_what_follows_an_end_is_answered_as_if_it_were_the_first(
    cascade: Cascade, captures: list[PhotoCapture]
) -> None:
    """To the bit: a run that was stopped goes on behind one."""
    whole = list(answer_all(Asking(cascade, BATCH), captures, ends=(20,)))
    later = list(answer_all(Asking(cascade, BATCH), captures[21:]))
    assert len(later) == len(captures) - 21
    for said, again in zip(whole[21:], later, strict=True):
        for name, shares in again.probabilities.items():
            np.testing.assert_array_equal(said.probabilities[name], shares)


def test_a_question_to_other_networks_is_another(cascade: Cascade, tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "1.png")
    captures = captures_of(PredictParams(images=str(tmp_path / "1.png")))
    network = keras.models.clone_model(cascade.second.network)
    other = replace(cascade, second=replace(cascade.second, network=network))
    for name, one in (("a", cascade), ("b", other)):
        one.save(tmp_path / name)
    assert storage.sha256(tmp_path / "a" / ABOUT) == storage.sha256(tmp_path / "b" / ABOUT)
    one, another = (Question.of(tmp_path / name, captures, "auto") for name in "ab")
    assert one.classifier != another.classifier


def test_a_list_of_what_can_be_there_leaves_the_answer_that_there_is_nothing(
    cascade: Cascade, captures: list[PhotoCapture], tmp_path: Path
) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "1.png")
    params = PredictParams(images=str(tmp_path / "1.png"), classes=("side=left",))
    asked = asked_of(params, captures_of(params), "m", cascade)
    assert asked.allowed == {"side": ("left", "empty")}
    for said in answer(cascade, captures, BATCH):
        row = judge(said, asked).rows["side"]
        if said.seen:
            assert row.prediction == ("left" if goes_on(cascade, said) else "empty")
    alone = asked_of(params, captures_of(params), "m", cascade.second)
    assert alone.allowed == {"side": ("left",)}


def test_captures_are_read_as_they_are_needed(
    cascade: Cascade, captures: list[PhotoCapture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cascading, "CAPTURES_TOGETHER", 4)
    taken = 0

    def counting() -> Iterator[PhotoCapture]:
        nonlocal taken
        for capture in captures:
            taken += 1
            yield capture

    next(answer(cascade, counting(), 2))
    assert taken < len(captures) / 2


def test_the_second_has_its_own_temperature(cascade: Cascade, captures: list[PhotoCapture]) -> None:
    raw = replace(cascade, second=replace(cascade.second, calibration=None))
    for said, other in zip(
        answer(cascade, captures, BATCH), answer(raw, captures, BATCH), strict=True
    ):
        if goes_on(cascade, said):
            halved = np.sqrt(other.probabilities["side"])
            np.testing.assert_allclose(
                said.probabilities["side"], halved / halved.sum(axis=1, keepdims=True), atol=1e-5
            )


def test_a_picture_that_is_gone_before_the_second_looks_is_a_failure_of_both(
    cascade: Cascade, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = captures_of_dataset(dataset, ("test",))
    bright = next(
        one for one in captures if len(one.images) == 2 and one.truth["empty"] == "species"
    )
    paths = [tmp_path / "1.jpg", tmp_path / "2.jpg"]
    for path, data in zip(paths, bright.images, strict=True):
        path.write_bytes(data)
    capture = PhotoCapture("c", tuple(map(str, paths)))
    certain = replace(cascade, gate=replace(cascade.gate, threshold=0.0))
    second = certain.second

    def ask(classifier: Classifier, given: object, closed: object) -> Iterator[Answer]:
        if classifier is second:
            paths[0].unlink()
        return answer(classifier, given, BATCH)

    (said,) = cascading.cascaded(certain, [capture], ask)
    assert [said.probabilities[name].shape for name in ("empty", "side")] == [(1, 2), (1, 3)]
    assert said.seen == (1,)
    assert said.faults[0]


def test_what_went_on_is_counted(cascade: Cascade, captures: list[PhotoCapture]) -> None:
    answers = list(answer(cascade, captures, BATCH))
    on = [one for one in answers if goes_on(cascade, one)]
    read = [one for one in answers if one.seen]
    found = passed(cascade, answers)
    assert found.figures == {
        "asked_share": len(on) / len(read),
        "asked_pictures_share": sum(len(one.seen) for one in on)
        / sum(len(one.seen) for one in read),
        "animals_kept": sum(one.truth.get("empty") == "species" for one in on) / 30,
    }
    assert f"asked about {len(on)} of 60 captures" in str(found)
    assert "with an animal" in str(found)
    assert passed(cascade, []).figures == {}
