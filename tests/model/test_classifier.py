import json
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.period import Period
from ctc.errors import BadInput
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.classifier import ABOUT, NETWORK, Classifier, Origin, check_output, softmax
from ctc.model.devices import unseen_gpu
from ctc.model.network.backbones import build_network
from ctc.model.seen import Seen

LABELS = (Label("empty", ("empty", "not_empty")), Label("species", ("lion", "ostrich", "zebra")))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """Not trained; its batch statistics are not those it starts with."""
    keras.utils.set_random_seed(3)
    image = ImageSpec(20, 16)
    network = build_network("tiny", LABELS, image, "none")
    generator = np.random.default_rng(0)
    network.set_weights([w + generator.uniform(0, 0.01, w.shape) for w in network.get_weights()])
    period = Period("2019-03-01T07:15:00", "2019-11-30T23:59:59")
    origin = Origin("tiny", ("d1",), ("train1", "train2"), ("x", "y"), period=period)
    return Classifier(network, LABELS, image, origin)


@pytest.fixture
def saved(classifier: Classifier, tmp_path: Path) -> Path:
    folder = tmp_path / "classifier"
    classifier.save(folder)
    return folder


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 20, 16, 3)).astype(np.uint8)


# --- the folder ---


def test_what_was_saved_gives_the_same_answers(classifier: Classifier, saved: Path) -> None:
    loaded = Classifier.load(saved)
    assert loaded.labels == classifier.labels
    assert loaded.image == classifier.image
    assert loaded.origin == classifier.origin
    expected = classifier.probabilities(pictures(4), 4)
    for name, values in loaded.probabilities(pictures(4), 4).items():
        np.testing.assert_array_equal(values, expected[name])


def test_a_trained_classifier_gives_the_same_answers_when_loaded(
    small_trained, small_classifier: Path
) -> None:
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    expected = small_trained.classifier.probabilities(images, 3)
    loaded = Classifier.load(small_classifier)
    assert loaded.labels == small_trained.classifier.labels
    for name, values in loaded.probabilities(images, 3).items():
        np.testing.assert_array_equal(values, expected[name])


def test_the_folder_holds_the_network_and_what_is_known_of_it(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == sorted([ABOUT, NETWORK])
    about = json.loads((saved / ABOUT).read_text())
    assert about["labels"][1] == {
        "name": "species",
        "classes": ["lion", "ostrich", "zebra"],
        "merged": {},
    }
    assert about["image"] == {"height": 20, "width": 16, "fit": "stretch", "stacked": False}
    assert about["versions"]["keras"] == keras.__version__


FITTED = Calibration(("d1",), ("val",), "vote", 0.95, {"species": 2.5}, {"species": 0.875})


def test_the_calibration_is_kept(classifier: Classifier, tmp_path: Path) -> None:
    replace(classifier, calibration=FITTED).save(tmp_path / "fitted")
    assert Classifier.load(tmp_path / "fitted").calibration == FITTED


def test_a_classifier_that_was_written_before_there_was_calibration_is_read(saved: Path) -> None:
    about = json.loads((saved / ABOUT).read_text())
    assert about.pop("calibration") is None
    (saved / ABOUT).write_text(json.dumps(about))
    assert Classifier.load(saved).calibration is None


SEEN = Seen({"species": {"lion": 3, "zebra": 1}}, 4, (10.0, 20.5))


def test_what_it_has_seen_is_kept(classifier: Classifier, tmp_path: Path) -> None:
    replace(classifier, origin=replace(classifier.origin, seen=SEEN)).save(tmp_path / "seen")
    assert Classifier.load(tmp_path / "seen").origin.seen == SEEN


def test_a_classifier_that_was_written_before_that_was_kept_is_read(saved: Path) -> None:
    about = json.loads((saved / ABOUT).read_text())
    assert about["origin"].pop("seen") is None
    (saved / ABOUT).write_text(json.dumps(about))
    assert Classifier.load(saved).origin.seen is None
    about["origin"]["seen"] = {"classes": 1}
    (saved / ABOUT).write_text(json.dumps(about))
    with pytest.raises(BadInput, match="does not describe a classifier"):
        Classifier.load(saved)


def test_a_classifier_that_was_written_before_datasets_were_mixed_is_read(saved: Path) -> None:
    about = json.loads((saved / ABOUT).read_text())
    assert about["origin"].pop("datasets") == ["d1"]
    about["origin"]["dataset"] = "d1"
    del about["origin"]["period"]
    for label in about["labels"]:
        del label["merged"]
    (saved / ABOUT).write_text(json.dumps(about))
    loaded = Classifier.load(saved)
    assert loaded.origin.datasets == ("d1",)
    assert loaded.origin.period is None
    assert loaded.labels == LABELS


@pytest.mark.parametrize("damage", [{"splits": None}, {"temperatures": {"species": "x"}}])
def test_a_damaged_calibration_is_refused(
    classifier: Classifier, tmp_path: Path, damage: dict[str, object]
) -> None:
    replace(classifier, calibration=FITTED).save(tmp_path / "fitted")
    path = tmp_path / "fitted" / ABOUT
    about = json.loads(path.read_text())
    about["calibration"] |= damage
    path.write_text(json.dumps(about))
    with pytest.raises(BadInput, match="does not describe a classifier"):
        Classifier.load(tmp_path / "fitted")


def test_the_logits_of_a_label_are_divided_by_its_temperature(classifier: Classifier) -> None:
    plain = classifier.probabilities(pictures(3), 4)
    fitted = replace(classifier, calibration=FITTED).probabilities(pictures(3), 4)
    np.testing.assert_array_equal(fitted["empty"], plain["empty"])
    powers = plain["species"] ** (1 / 2.5)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted["species"], expected, rtol=1e-6)
    assert np.abs(fitted["species"] - plain["species"]).max() > 1e-3


def test_a_former_classifier_is_replaced_whole(classifier: Classifier, saved: Path) -> None:
    (saved / "left over.txt").write_text("of the former one")
    other = Classifier(classifier.network, LABELS, classifier.image, Origin("x", ("d2",), (), ()))
    other.save(saved)
    assert sorted(path.name for path in saved.iterdir()) == sorted([ABOUT, NETWORK])
    assert Classifier.load(saved).origin.datasets == ("d2",)
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_folders_above_are_made(classifier: Classifier, tmp_path: Path) -> None:
    classifier.save(tmp_path / "a" / "b" / "classifier")
    assert (tmp_path / "a" / "b" / "classifier" / NETWORK).is_file()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_classifier_is_not_written_over(
    classifier: Classifier, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "thesis"
    kept = target / "chapter1.txt" if kind == "folder" else target
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("precious")
    for refuse in (check_output, classifier.save):
        with pytest.raises(BadInput) as refused:
            refuse(target)
        assert str(refused.value) == f"'{target}' exists and is no classifier; name a new folder"
    assert kept.read_text() == "precious"


def test_a_free_place_and_a_former_classifier_may_be_written_to(saved: Path) -> None:
    check_output(saved)
    check_output(saved.parent / "free")


@pytest.mark.parametrize("place", ["nowhere", "a file", "an empty folder"])
def test_where_there_is_no_classifier_it_is_said(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").write_text("")
    (tmp_path / "an empty folder").mkdir()
    folder = tmp_path / place
    with pytest.raises(BadInput) as refused:
        Classifier.load(folder)
    assert str(refused.value) == f"no classifier at '{folder}'; the step `train` writes one"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '"text"', "\xff", "null"])
def test_a_description_that_is_none_is_refused(saved: Path, text: str) -> None:
    (saved / ABOUT).write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match="does not describe a classifier") as refused:
        Classifier.load(saved)
    assert str(saved / ABOUT) in str(refused.value)


def test_a_version_that_is_not_known_is_refused(saved: Path) -> None:
    about = json.loads((saved / ABOUT).read_text())
    (saved / ABOUT).write_text(json.dumps({**about, "schema_version": 2}))
    with pytest.raises(BadInput) as refused:
        Classifier.load(saved)
    assert str(refused.value) == f"classifier '{saved}' has version 2; allowed: 1"


@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_a_network_that_is_missing_or_damaged_is_refused(saved: Path, damage: str) -> None:
    data = (saved / NETWORK).read_bytes()
    assert zipfile.is_zipfile(saved / NETWORK)
    (saved / NETWORK).unlink()
    if damage != "missing":
        (saved / NETWORK).write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    with pytest.raises(BadInput, match=f"{NETWORK}' is missing or damaged"):
        Classifier.load(saved)


# --- probabilities ---


def test_probabilities_add_up_to_one(classifier: Classifier) -> None:
    said = classifier.probabilities(pictures(5), 8)
    assert {name: values.shape for name, values in said.items()} == {
        "empty": (5, 2),
        "species": (5, 3),
    }
    for values in said.values():
        np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-12)
        assert (values > 0).all()
        assert np.ptp(values, axis=0).max() > 1e-4  # the pictures differ


def test_the_batch_size_does_not_change_the_probabilities(classifier: Classifier) -> None:
    images = pictures(16)
    together = classifier.probabilities(images, 16)
    alone = [classifier.probabilities(image[None], 1) for image in images]
    padded = classifier.probabilities(images[:3], 16)
    for name, values in together.items():
        one_by_one = np.concatenate([one[name] for one in alone])
        np.testing.assert_allclose(one_by_one, values, atol=1e-5)
        np.testing.assert_allclose(padded[name], values[:3], atol=1e-5)


def test_softmax_is_the_share_of_the_powers() -> None:
    logits = np.array([[0.5, -1.0, 2.0], [3.0, 3.0, 3.0]])
    powers = np.exp(logits)
    np.testing.assert_allclose(softmax(logits), powers / powers.sum(axis=1, keepdims=True))


def test_softmax_of_huge_logits_is_finite() -> None:
    said = softmax(np.array([[1e30, -1e30, 0.0], [-3e38, -3e38, -3e38]], np.float32))
    np.testing.assert_allclose(said, [[1, 0, 0], [1 / 3] * 3])


# --- devices ---


def test_a_gpu_that_tensorflow_does_not_see_is_told_of(tmp_path: Path) -> None:
    if keras.distribution.list_devices("gpu"):
        pytest.skip("TensorFlow sees a GPU here")
    (tmp_path / "0000:65:00.0").mkdir()
    sentence = unseen_gpu(tmp_path)
    assert sentence is not None
    assert sentence.startswith("this machine has an NVIDIA GPU that TensorFlow cannot see")
    assert "pip install 'tensorflow[and-cuda]" in sentence


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_where_there_is_no_gpu_nothing_is_said(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # without nvidia-smi
    (tmp_path / "empty").mkdir()
    assert unseen_gpu(tmp_path / folder) is None


def test_the_program_of_the_driver_tells_of_a_gpu_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if keras.distribution.list_devices("gpu"):
        pytest.skip("TensorFlow sees a GPU here")
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert unseen_gpu(tmp_path / "missing") is not None
