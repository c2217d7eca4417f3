import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import keras
import mlflow
import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput, CannotGoOn
from ctc.model.classifier import Ancestor, Classifier, Origin
from ctc.model.devices import CPU, Gpu, memory_for
from ctc.model.fitting.computing import as_planned, share_statistics
from ctc.model.fitting.fit import trainable
from ctc.model.fitting.optimizers import learning_rate
from ctc.model.fitting.training import Trained, first_network, train
from ctc.model.network import backbones
from ctc.model.network.backbones import build_network
from ctc.model.parents import open_parent
from ctc.model.planning.computing import Computing, plan_computing, shared_batch
from ctc.model.planning.training_plan import TrainingPlan, plan_training
from ctc.networks import NETWORKS
from ctc.parameter import build
from ctc.params import Machine, TrainParams

ROOT = Path(__file__).parents[2]
OLD, VOLTA = Gpu("GPU:0", (6, 1)), Gpu("GPU:0", (7, 0))
TWO = (VOLTA, Gpu("GPU:1", (9, 0)))


@pytest.fixture(scope="module")
def easy(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Bright above or below, which the picture shows; `kind` is missing in every third capture.

    45 to learn from and 15 to choose by: neither fills whole batches of 8.
    """
    generator = np.random.default_rng(0)
    captures = []
    for number in range(60):
        up = number % 2 == 0
        kind = "" if number % 3 == 0 else ("a", "b")[number % 4 // 2]
        labels = {"side": "up" if up else "down", "kind": kind}
        split = ("train", "val")[number >= 45]
        captures.append(Made(split, labels, (half_bright(up, generator, top=True),)))
    return make_dataset(tmp_path_factory.mktemp("easy"), captures)


def plan(dataset: Dataset, **changes) -> TrainingPlan:
    asked = {"labels": ("side",), "image_size": 16, "batch_size": 8, "epochs": 1}
    return plan_training(Mixture.of(dataset), TrainParams(**{**asked, **changes}))


# --- what `auto` comes to ---


@pytest.mark.parametrize(
    ("present", "asked", "precision", "devices", "jit"),
    [
        ((), {}, "float32", (CPU,), False),
        ((OLD,), {}, "float32", ("GPU:0",), True),
        ((VOLTA,), {}, "mixed_float16", ("GPU:0",), True),
        (TWO, {}, "mixed_float16", ("GPU:0", "GPU:1"), False),
        ((VOLTA, OLD), {}, "float32", ("GPU:0", "GPU:0"), False),
        (TWO, {"gpus": "1"}, "mixed_float16", ("GPU:0",), True),
        (TWO, {"gpus": "0"}, "float32", (CPU,), False),
        ((), {"precision": "mixed_bfloat16", "jit": "yes"}, "mixed_bfloat16", (CPU,), True),
        ((VOLTA,), {"precision": "float32", "jit": "no"}, "float32", ("GPU:0",), False),
    ],
)
def test_what_is_not_asked_for_follows_from_the_machine(present, asked, precision, devices, jit):
    assert plan_computing(Machine(**asked), present) == Computing(precision, devices, jit)


@pytest.mark.parametrize(
    ("present", "sees"), [((), "none"), (TWO, "2")], ids=["without", "with two"]
)
def test_more_gpus_than_there_are_are_refused(present, sees):
    with pytest.raises(BadInput) as refused:
        plan_computing(Machine(gpus="3"), present)
    assert str(refused.value) == f"gpus: found 3; TensorFlow sees {sees} on this machine"


def test_a_batch_is_one_that_all_devices_can_share():
    two = Computing(devices=("GPU:0", "GPU:1"))
    assert shared_batch(32, 1000, two) == 32
    assert shared_batch(32, 31, two) == 30
    assert shared_batch(32, 1, two) == 2
    assert shared_batch(32, 31, Computing()) == 31
    with pytest.raises(BadInput) as refused:
        shared_batch(33, 1000, two)
    assert str(refused.value) == "batch_size: found 33; allowed on 2 GPUs: multiples of 2"


def test_hosts_have_the_gpus_of_this_machine_and_always_compile():
    asked = Machine(hosts=3)
    assert plan_computing(asked, ()) == Computing("float32", (CPU,), True, 3)
    found = plan_computing(asked, TWO)
    assert found == Computing("mixed_float16", ("GPU:0", "GPU:1"), True, 3)
    assert plan_computing(Machine(hosts=2, gpus="2", jit="yes"), TWO).jit
    with pytest.raises(BadInput) as refused:
        plan_computing(Machine(hosts=2, jit="no"), ())
    assert str(refused.value) == "jit=no: JAX compiles every step; allowed with hosts=2: auto, yes"


def test_hosts_are_planned_only_where_their_libraries_are(easy, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for name in ("ray", "fsspec", "jax"):
        monkeypatch.setitem(sys.modules, name, json)  # something that is installed
    found = plan(easy, hosts=2)
    assert (found.computing.hosts, found.training.batch_size) == (2, 8)
    with pytest.raises(BadInput, match=r"batch_size: found 9; allowed on 2 hosts"):
        plan(easy, hosts=2, batch_size=9)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(
        BadInput, match=r"hosts=2 needs what is not installed \(JAX\): `pip install"
    ):
        plan(easy, hosts=2)


def test_a_batch_is_one_that_all_hosts_can_share():
    hosts = Computing(hosts=3)
    assert (shared_batch(33, 1000, hosts), shared_batch(33, 32, hosts)) == (33, 30)
    with pytest.raises(BadInput) as refused:
        shared_batch(32, 1000, hosts)
    assert str(refused.value) == "batch_size: found 32; allowed on 3 hosts: multiples of 3"
    with pytest.raises(BadInput) as refused:
        shared_batch(36, 1000, Computing(devices=("GPU:0", "GPU:1"), hosts=4))
    assert "allowed on 4 hosts of 2 GPUs: multiples of 8" in str(refused.value)
    with pytest.raises(BadInput) as refused:
        shared_batch(33, 2, hosts)
    assert str(refused.value) == (
        "hosts: found 3 hosts, for 2 captures an epoch; allowed: at most one for each capture"
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("hosts", "0", "hosts: found 0; allowed: at least 1"),
        ("gpus", "two", "gpus: found 'two'; allowed: a whole number from 0, or all"),
        ("gpus", "-1", "gpus: found '-1'; allowed: a whole number from 0, or all"),
        ("precision", "float16", "unknown precision 'float16'; allowed: auto, float32, mixed_fl"),
        ("jit", "always", "unknown jit 'always'; allowed: auto, yes, no"),
        ("workers", "-1", "workers: found -1; allowed: at least 0"),
        ("shuffle_buffer", "0", "shuffle_buffer: found 0; allowed: at least 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        build(TrainParams, {name: text})
    assert str(refused.value).startswith(said)


# --- precision ---


def precisions(network: keras.Model) -> set[str]:
    """How the layers with weights compute."""
    return {layer.compute_dtype for layer in network._flatten_layers() if layer.weights}


@pytest.fixture(scope="module")
def half(easy: Dataset) -> Trained:
    """A whole training in half precision; read only."""
    return train(plan(easy, precision="mixed_float16"), report=lambda epoch: None)


@pytest.fixture
def exact(easy: Dataset) -> Classifier:
    """What a training in float32 may have come to."""
    planned = plan(easy)
    network = build_network("tiny", planned.labels, planned.training.image, "none")
    return Classifier(network, planned.labels, planned.training.image, Origin("tiny", "", (), ()))


def losses(easy: Dataset, **asked) -> list[float]:
    """The losses of three steps on the same pictures, nothing of which is drawn at random."""
    unchanged = {"color": "none", "crop": 0.0, "zoom": 0.0, "rotate": 0.0, "flip": False}
    planned = plan(easy, schedule="constant", warm_up=0.0, **unchanged, **asked)
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)
    truth, known = {"side": np.int32([0, 1] * 4)}, {"side": np.ones(8, np.float32)}
    keras.utils.set_random_seed(0)
    with pytest.MonkeyPatch.context() as patch, as_planned(planned):
        patch.setattr(backbones, "DROPOUT", 0.0)
        network = first_network(planned)
        model = trainable(network, planned, learning_rate(planned.params, 100))
        assert model.jit_compile == planned.computing.jit
        return [
            float(model.train_on_batch(images, truth, known, return_dict=True)["loss"])
            for _ in range(3)
        ]


@pytest.fixture(scope="module")
def plainly(easy: Dataset) -> list[float]:
    return losses(easy)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_a_network_computes_in_the_precision_asked_for_and_its_heads_in_float32(easy, precision):
    planned = plan(easy, precision=precision)
    with as_planned(planned):
        network = first_network(planned)
        model = trainable(network, planned, learning_rate(planned.params, 5))
    of_backbone = {layer.compute_dtype for layer in network.layers if layer.name == "tiny"}
    assert of_backbone == {precision.removeprefix("mixed_")}
    assert network.get_layer("side").compute_dtype == "float32"
    assert {weight.dtype for weight in network.weights} == {"float32"}
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    "precision", ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_training_in_another_precision_learns_nearly_the_same(easy, plainly, precision):
    rounded = losses(easy, precision=precision)
    assert rounded != plainly
    # float16 keeps 3 digits, bfloat16 fewer than that.
    assert rounded == pytest.approx(plainly, rel=0.05)


def test_the_precision_of_others_stays_when_a_training_fails(easy: Dataset):
    planned = plan(easy, precision="mixed_float16")
    with suppress(LookupError), as_planned(planned):
        assert keras.config.dtype_policy().name == "mixed_float16"
        raise LookupError
    assert keras.config.dtype_policy().name == "float32"


def test_what_was_trained_in_half_precision_is_kept_and_asked_in_float32(half, tmp_path):
    half.classifier.save(tmp_path / "kept")
    kept = Classifier.load(tmp_path / "kept")
    assert precisions(kept.network) == precisions(half.classifier.network) == {"float32"}
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        kept.probabilities(images, 4)["side"], half.classifier.probabilities(images, 4)["side"]
    )


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_child_starts_with_its_parent_s_weights_whatever_the_precision_of_either(
    easy: Dataset, exact: Classifier, half: Trained, tmp_path: Path, precision: str
):
    parent = half.classifier if precision == "float32" else exact
    parent.save(tmp_path / "parent")
    opened = open_parent(tmp_path / "parent", Ancestor("parent", "parent", None, None))
    asked = {"labels": ("side",), "batch_size": 8, "precision": precision}
    planned = plan_training(Mixture.of(easy), TrainParams(**asked, strategy="finetune"), opened)
    with as_planned(planned):
        child = first_network(planned)
    for own, of_parent in zip(child.get_weights(), parent.network.get_weights(), strict=True):
        np.testing.assert_array_equal(own, of_parent)


# --- XLA ---


def test_a_step_for_several_gpus_is_not_compiled():
    with pytest.raises(BadInput) as refused:
        plan_computing(Machine(jit="yes"), TWO)
    assert str(refused.value) == "jit=yes: found 2 GPUs; XLA compiles the step of one: gpus=1"


def test_a_step_that_xla_compiles_learns_what_another_does(easy: Dataset, plainly: list[float]):
    compiled = losses(easy, jit="yes")
    # Its sums are taken in another order: float32 keeps 7 digits.
    assert compiled == pytest.approx(plainly, rel=1e-4)


@pytest.mark.slow
def test_a_whole_training_runs_compiled_by_xla_with_all_that_changes_pictures(easy: Dataset):
    asked = {"jit": "yes", "color": "full", "mixup": 0.1, "precision": "mixed_float16"}
    done = train(plan(easy, epochs=8, learning_rate=0.003, **asked), report=lambda epoch: None)
    assert done.epochs[-1].metrics["train/loss"] < 0.8 * done.epochs[0].metrics["train/loss"]


# --- memory ---


@pytest.mark.parametrize(
    ("batch", "devices", "tried"),
    [
        (64, 1, "batch_size=32"),
        (6, 2, "batch_size=2"),
        (1, 1, "smaller pictures or another network"),
    ],
)
def test_a_lack_of_memory_is_answered_by_what_to_try(batch, devices, tried):
    with pytest.raises(CannotGoOn) as failed, memory_for(batch, devices):
        keras.ops.zeros((2**25, 2**25))  # four petabytes
    assert str(failed.value) == f"the memory is not enough for batch_size={batch}: try {tried}"


RUN_IN_6_GB = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_AS, (6_000_000_000, 6_000_000_000))
runpy.run_module("entrypoints.train", run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_training_that_memory_is_not_enough_for_ends_with_a_sentence_and_a_failed_run(easy):
    asked = {"dataset": easy.folder, "labels": "side", "image_size": 2048, "batch_size": 40}
    words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-c", RUN_IN_6_GB, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    said = "Error: the memory is not enough for batch_size=40: try batch_size=20"
    assert done.stderr.splitlines()[-1] == said
    (run,) = mlflow.search_runs(output_format="list")
    assert run.info.status == "FAILED"


# --- several devices ---


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_batch_normalisation_of_a_network_sees_the_whole_batch(name: str, easy: Dataset):
    planned = plan(easy, model=name, image_size=96)
    network = build_network(name, planned.labels, planned.training.image, "none")
    share_statistics(network)
    found = [
        layer.synchronized
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert all(found)
    assert found or name == "ConvNeXtTiny"


def run_on_two_devices(dataset: Dataset, *words: str) -> str:
    """Run `two_devices.py`, whose process has two logical CPUs."""
    script = Path(__file__).parent / "two_devices.py"
    done = subprocess.run(
        [sys.executable, str(script), str(dataset.folder), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ASKED = ("labels=kind", "image_size=16", "batch_size=8", "epochs=2")
SETTINGS = {
    "plain": (),
    "weights of classes, averages, a plateau": (
        "labels=side kind",
        "class_weights=balanced",
        "ema=0.9",
        "schedule=plateau",
        "label_smoothing=0.1",
    ),
    "half precision": ("precision=mixed_float16",),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_two_devices_learn_what_one_does(easy: Dataset, name: str):
    """As the batch is shared, its sums are taken in another order: float32 keeps 7 digits, and
    twelve steps enlarge what differs in the last. In half precision it is 3 digits."""
    one, two = json.loads(run_on_two_devices(easy, *ASKED, *SETTINGS[name]).splitlines()[-1])
    assert len(one) == len(two) == 2
    for alone, together in zip(one, two, strict=True):
        assert {*alone} >= {*together}
        for metric, value in together.items():
            if metric.endswith("loss"):
                near = 0.02 if name == "half precision" else 1e-4
                assert value == pytest.approx(alone[metric], rel=near), metric
