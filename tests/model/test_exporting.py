"""A classifier as a file that others run: what it answers, and what is refused."""

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from made_up_cascade import MADE_OF, says_empty, says_side
from PIL import Image

from ctc.dataset.image_spec import ImageSpec
from ctc.errors import BadInput, CannotGoOn
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.cascade import Gate, cascade_of
from ctc.model.classifier import Ancestor, Classifier, Origin
from ctc.model.exporting.exporting import TOLERANCE, Exported, check_output, export
from ctc.model.exporting.formats import FORMATS, Format
from ctc.model.network.backbones import build_network
from ctc.params.judging import EXPORTS
from ctc.storage import sha256

ROOT = Path(__file__).parents[2]
LABELS = (Label("species", ("lion", "ostrich", "zebra")), Label("is-it.empty_2", ("no", "yes")))
FITTED = Calibration(("d1",), ("val",), "mean", 0.95, {"species": 0.25}, {"species": 0.875})
SOURCE = Ancestor("models:/species@champion", "models:/species/3", "run1", "m-1")
KINDS = pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)


def made(model: str, image: ImageSpec, policy: str = "float32") -> Classifier:
    """A classifier that has learnt nothing, with statistics that are not those of the start."""
    keras.utils.set_random_seed(5)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        network = build_network(model, LABELS, image, "none")
    finally:
        keras.config.set_dtype_policy(before)
    generator = np.random.default_rng(0)
    network.set_weights([w + generator.uniform(0, 0.01, w.shape) for w in network.get_weights()])
    return Classifier(network, LABELS, image, Origin(model, ("d1",), ("train",), ("x",)), FITTED)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return made("tiny", ImageSpec(20, 16, "crop"))


@pytest.fixture(scope="module")
def files(classifier, tmp_path_factory) -> dict[str, Exported]:
    folder = tmp_path_factory.mktemp("exported")
    return {
        name: export(classifier, kind, folder / f"our{kind.ending}", SOURCE)
        for name, kind in FORMATS.items()
    }


def pictures(count: int, image: ImageSpec) -> np.ndarray:
    """Pictures that the export has not compared: bright on one side, with noise."""
    generator = np.random.default_rng(7)
    seen = generator.integers(0, 80, (count, image.height, image.width, 3))
    for place in range(count):
        seen[place, : (place + 1) * image.height // (count + 1)] += 30 * (place % 6)
    return seen.astype(np.uint8)


def tell_apart(classifier: Classifier) -> None:
    """Let the logits of a network that has learnt nothing differ by about 1 between pictures."""
    seen = pictures(6, classifier.image)
    for name, logits in classifier.network.predict_on_batch(seen).items():
        head = classifier.network.get_layer(name)
        kernel, bias = head.get_weights()
        spread, middle = logits.std(axis=0).max(), logits.mean(axis=0)
        head.set_weights([kernel / spread, (bias - middle) / spread])


def check_same(path: Path, kind: Format, classifier: Classifier, seen: np.ndarray) -> None:
    said = kind.ask(path, seen)
    own = classifier.probabilities(seen, len(seen))
    assert said.keys() == own.keys()
    for name, expected in own.items():
        np.testing.assert_allclose(said[name], expected, atol=TOLERANCE)
        assert (said[name].argmax(1) == expected.argmax(1)).all()
        assert np.ptp(expected, axis=0).max() > 20 * TOLERANCE  # the pictures differ


@KINDS
def test_a_file_answers_as_its_classifier_however_many_pictures(files, classifier, kind):
    for count in (1, 6):
        seen = pictures(6, classifier.image)[-count:]
        said = kind.ask(files[kind.name].path, seen)
        assert {name: one.shape for name, one in said.items()} == {
            "species": (count, 3),
            "is-it.empty_2": (count, 2),
        }
        assert {one.dtype for one in said.values()} == {np.dtype(np.float32)}
    check_same(files[kind.name].path, kind, classifier, pictures(6, classifier.image))


@KINDS
def test_its_probabilities_are_calibrated(files, classifier, kind):
    seen = pictures(6, classifier.image)
    plain = replace(classifier, calibration=None).probabilities(seen, 6)["species"]
    said = kind.ask(files[kind.name].path, seen)["species"]
    assert np.abs(said - plain).max() > 20 * TOLERANCE


def test_what_stands_beside_it_says_what_its_answers_mean(files):
    for name, exported in files.items():
        about = json.loads(exported.about.read_text())
        assert exported.about.name == f"{exported.path.name}.json"
        assert about["labels"] == [
            {"output": "species", "classes": ["lion", "ostrich", "zebra"], "temperature": 0.25},
            {"output": "is-it.empty_2", "classes": ["no", "yes"], "temperature": 1.0},
        ]
        assert about["input"] == {
            "name": "images",
            "shape": [None, 20, 16, 3],
            "dtype": "uint8",
            "channels": "RGB",
            "fit": "crop",
        }
        assert about["format"] == name
        assert about["sha256"] == sha256(exported.path)
        assert about["classifier"]["resolved"] == "models:/species/3"
        assert about["calibration"]["accepted_confidence"] == {"species": 0.875}
        assert about["largest_difference"] == exported.difference < TOLERANCE


def jpeg(pixels: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


@KINDS
def test_a_classifier_of_grey_stacks_is_asked_about_stacks(kind, tmp_path):
    from ctc.prediction.asking.predicting import predict
    from ctc.prediction.asking.reading import read_ahead
    from ctc.prediction.photos.captures import PhotoCapture

    image = ImageSpec(20, 16, stacked=True)
    classifier = made("tiny", image)
    exported = export(classifier, kind, tmp_path / f"grey{kind.ending}", SOURCE)
    assert "luminance of three" in json.loads(exported.about.read_text())["input"]["channels"]
    burst = tuple(jpeg(one) for one in pictures(3, ImageSpec(40, 32)))
    captures = [PhotoCapture("a", burst), PhotoCapture("b", burst[:1])]
    stacks = [one.pixels for one in read_ahead(captures, image, 8) if one.pixels is not None]
    said = kind.ask(exported.path, np.stack(stacks))
    own = predict(classifier, captures, 4).of("species")
    for place, row in enumerate(own):
        np.testing.assert_allclose(
            said["species"][place], [*row.probabilities.values()], atol=TOLERANCE
        )
    assert np.abs(said["species"][0] - said["species"][1]).max() > 2 * TOLERANCE


@KINDS
def test_a_classifier_that_mixes_precisions_is_exported_in_float32(kind, classifier, tmp_path):
    image = classifier.image
    mixed = made("tiny", image, "mixed_float16")
    assert mixed.network.layers[-1].compute_dtype == "float32"
    exported = export(mixed, kind, tmp_path / f"mixed{kind.ending}", SOURCE)
    plain = made("tiny", image)
    plain.network.set_weights(mixed.network.get_weights())
    check_same(exported.path, kind, plain, pictures(6, image))


def test_a_file_with_other_answers_is_not_kept(classifier, tmp_path):
    kind = FORMATS["onnx"]

    def other(path, seen):
        return {name: one + 0.002 for name, one in kind.ask(path, seen).items()}

    for ask in (other, lambda path, seen: {}):
        with pytest.raises(CannotGoOn, match="answers differently from the classifier"):
            export(classifier, replace(kind, ask=ask), tmp_path / "our.onnx", SOURCE)
    assert not (tmp_path / "our.onnx.json").exists()


def test_the_formats_are_those_that_can_be_asked_for():
    assert tuple(FORMATS) == EXPORTS
    for kind in FORMATS.values():
        kind.check()


@pytest.mark.parametrize(
    ("name", "missing"),
    [("onnx", "tf2onnx"), ("onnx", "onnxruntime"), ("litert", "ai_edge_litert")],
)
def test_what_is_not_installed_is_said_with_what_helps(monkeypatch, name, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(BadInput) as refused:
        FORMATS[name].check()
    assert str(refused.value) == (
        f"format={name} needs what is not installed ({missing}): `pip install '.[export]'`"
    )


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(BadInput, match="found KERAS_BACKEND=jax; allowed: tensorflow"):
        FORMATS["onnx"].check()


def test_a_place_that_is_not_for_an_export_is_refused(files, tmp_path):
    onnx = FORMATS["onnx"]
    (tmp_path / "folder.onnx").mkdir()
    for name in ("our.tflite", "our", "folder.onnx"):
        with pytest.raises(BadInput, match=r"allowed: a file that ends in \.onnx"):
            check_output(str(tmp_path / name), onnx)
    check_output(str(tmp_path / "new" / "our.onnx"), onnx)
    check_output(str(files["onnx"].path), onnx)  # an export may be written over
    for name in ("thesis.onnx", "notes.onnx.json"):
        (tmp_path / name).write_text("{}")
        with pytest.raises(BadInput, match=f"{name}' exists and is no export; name a new file"):
            check_output(str(tmp_path / name).removesuffix(".json"), onnx)


def test_both_files_go_where_they_are_wanted(files, tmp_path):
    target = tmp_path / "deep" / "other.onnx"
    files["onnx"].put(str(target))
    assert target.read_bytes() == files["onnx"].path.read_bytes()
    assert sorted(path.name for path in target.parent.iterdir()) == [
        "other.onnx",
        "other.onnx.json",
    ]


def test_what_the_documentation_shows_runs(files, tmp_path):
    text = (ROOT / "docs" / "serving.md").read_text()
    shown = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (snippet,) = (one for one in shown if "onnx" in one)
    files["onnx"].put(str(tmp_path / "data" / "species.onnx"))
    Image.new("RGB", (64, 48), "grey").save(tmp_path / "photo.jpg")
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["species", "is-it.empty_2"]
    assert "'zebra'" in done.stdout


def test_of_a_cascade_either_model_is_exported(tmp_path):
    small = ImageSpec(16, 16)
    gate = Gate("empty", ("empty",), 0.2, 0.95, "mean")
    cascade_of(says_empty(small), says_side(small), gate, MADE_OF).save(tmp_path / "both")
    words = ["-m", "entrypoints.export", "--classifier", str(tmp_path / "both")]
    output = str(tmp_path / "both.onnx")
    done = subprocess.run(
        [sys.executable, *words, "--output", output], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "classifier: found a cascade of two models; allowed: one of them" in done.stderr
    assert not Path(output).exists()


@pytest.mark.slow
@KINDS
def test_a_larger_network_answers_alike_too(kind, tmp_path):
    classifier = made("ConvNeXtTiny", ImageSpec(64, 48))
    tell_apart(classifier)
    exported = export(classifier, kind, tmp_path / f"large{kind.ending}", SOURCE)
    check_same(exported.path, kind, classifier, pictures(6, classifier.image))
