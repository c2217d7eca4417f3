"""What the tests share: one small survey that went through the line once, and a real S3 server."""

import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from s3_server import S3Server, s3_server

from ctc.dataset.manifest import Dataset
from ctc.dataset.planning import plan_dataset
from ctc.dataset.writing import write_dataset
from ctc.inventory.sources import take_inventory
from ctc.inventory.table import Inventory
from ctc.params import DatasetParams, InventoryParams, TrainParams
from ctc.sample import Survey, draw_survey
from ctc.storage import s3_client

ROOT = Path(__file__).parent.parent
# Files that take longest: begun first, so that no process works on one alone at the end.
FIRST = ("test_readme.py", "test_mlflow_run.py", "test_transfer_gain.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST)
    )


@pytest.fixture(scope="session")
def s3_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server; the environment points to it until the end of the session."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server, pytest.MonkeyPatch.context() as patch:
        for name in s3_client.ENDPOINTS + s3_client.CREDENTIALS + s3_client.REGIONS:
            patch.delenv(name, raising=False)
        patch.setenv("MLFLOW_S3_ENDPOINT_URL", server.endpoint_url)
        patch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
        patch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield server


@pytest.fixture
def bucket(s3_store: S3Server) -> str:
    """An empty place in the store, as a URI."""
    return f"s3://{s3_store.bucket}/{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def small_survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """60 captures at 128 x 96 pixels, with 4 broken ones; read only."""
    return draw_survey(tmp_path_factory.mktemp("line") / "sample", 60, 128, 3, 4)


@pytest.fixture(scope="session")
def small_inventory(small_survey: Survey) -> Inventory:
    """The inventory of `small_survey`; read only."""
    return take_inventory(InventoryParams(path=str(small_survey.table)))


@pytest.fixture(scope="session")
def small_dataset(small_survey: Survey, small_inventory: Inventory) -> Dataset:
    """The dataset of `small_survey`, splits train, val and test; read only."""
    path = small_survey.table.parent.parent / "inventory.parquet"
    small_inventory.write(str(path))
    params = DatasetParams(inventory=str(path), max_side=96, workers=1)
    return write_dataset(plan_dataset(small_inventory, params), str(path.parent / "dataset"))


@pytest.fixture(scope="session")
def small_params(small_dataset: Dataset) -> TrainParams:
    """A training that takes seconds: tiny network, 32 pixels, two labels."""
    return TrainParams(
        dataset=(str(small_dataset.folder),),
        labels=("empty", "species"),
        image_size=32,
        batch_size=16,
        epochs=2,
        output=str(small_dataset.folder.parent / "classifier"),
    )


@pytest.fixture(scope="session")
def small_trained(small_dataset: Dataset, small_params: TrainParams):
    """What `train` returned for `small_params`; read only."""
    from ctc.dataset.mixture import Mixture
    from ctc.model.fitting.training import train
    from ctc.model.planning.training_plan import plan_training

    return train(plan_training(Mixture.of(small_dataset), small_params), report=lambda epoch: None)


@pytest.fixture(scope="session")
def small_classifier(small_trained, small_params: TrainParams) -> Path:
    """The folder of the classifier of `small_trained`; read only."""
    folder = Path(small_params.output)
    small_trained.classifier.save(folder)
    return folder


def hearing_ctrl_c(command: Sequence[str]) -> list[str]:
    """What a shell starts in the background, a whole CI say, ignores SIGINT; this command does not.

    Not by `preexec_fn`, whose Python would run in a fork of a process that has TensorFlow.
    """
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return [sys.executable, "-c", code, *command]


@contextmanager
def tracked_at(uri: str) -> Iterator[None]:
    """Track to a server or file, in this process and in those it starts."""
    import mlflow

    former = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:  # a test's own store may stand within that of its file
        mlflow.set_tracking_uri(former)


@contextmanager
def used_store(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Track to a fresh SQLite file in `folder`, in this process and in those it starts."""
    folder.mkdir(exist_ok=True)
    shutil.copy(empty_store(), folder / "mlflow.db")
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch, tracked_at(uri):
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("CTC_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        yield patch


@cache
def empty_store() -> Path:
    """Make the tables of a store once; each migration takes seconds."""
    import mlflow

    path = Path(tempfile.mkdtemp()) / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


def log_classifier(run, folder: Path, metrics: dict[str, float], step: int) -> str:
    """Log a classifier's folder in a run, as `train` does; return the URI of the model."""
    from ctc.tracking import pack_classifier

    with run.packing() as packed:
        pack_classifier(folder, packed)
        sent = run.model(packed, metrics, step, register=None)
    assert sent is not None
    return f"models:/{sent.model_id}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[None]:
    """An empty tracking store for one test."""
    with used_store(tmp_path / "store"):
        yield


@pytest.fixture
def hears_ctrl_c() -> Iterator[None]:
    """As at a terminal: what a shell starts in the background, a whole CI say, ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def module_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An empty tracking store for the tests of one file."""
    with used_store(tmp_path_factory.mktemp("tracking") / "store"):
        yield
