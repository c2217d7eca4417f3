"""What the machine has to compute with: the only place of the model that asks TensorFlow."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from ctc.errors import CannotGoOn

CPU = "CPU:0"
NO_MEMORY = (tf.errors.ResourceExhaustedError, MemoryError)
NVIDIA = Path("/proc/driver/nvidia/gpus")  # a folder a GPU, made by the driver
REMEDY = (
    "this machine has an NVIDIA GPU that TensorFlow cannot see, so the CPU is used: install the "
    "GPU build with `pip install 'tensorflow[and-cuda]>=2.21,<2.22'`"
)


@dataclass(frozen=True)
class Gpu:
    """A GPU: what TensorFlow calls it, and NVIDIA's compute capability, (0, 0) if unknown."""

    name: str
    capability: tuple[int, int]


def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that TensorFlow can see."""
    found = tf.config.list_physical_devices("GPU")
    about = [tf.config.experimental.get_device_details(device) for device in found]
    return tuple(
        Gpu(f"GPU:{number}", one.get("compute_capability", (0, 0)))
        for number, one in enumerate(about)
    )


def unseen_gpu(driver: Path = NVIDIA) -> str | None:
    """Say in one sentence that a GPU is there and not used, and what helps; None if all is well.

    Args:
        driver: where the NVIDIA driver lists its GPUs.
    """
    present = (driver.is_dir() and any(driver.iterdir())) or bool(shutil.which("nvidia-smi"))
    return REMEDY if present and not keras.distribution.list_devices("gpu") else None


def use_threads(threads: int) -> None:
    """Compute with so many threads on the CPU; before anything is computed.

    Raises:
        RuntimeError: if something has been, with another number.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def share_gpus() -> None:
    """Take no more memory of GPUs than is needed, for others compute there too; before all else."""
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"


def leave_gpus() -> None:
    """Leave all GPUs to another library; before anything is computed."""
    tf.config.set_visible_devices([], "GPU")


@contextmanager
def on_devices(devices: Sequence[str]) -> Iterator[None]:
    """Compute on one device, or on several, each of which takes its share of every batch.

    Every variable has to be made within the block.
    """
    if len(devices) > 1:
        scope = tf.distribute.MirroredStrategy([*devices]).scope()
    else:
        # The first GPU is what TensorFlow takes unasked, and leaves to the host what is the host's.
        scope = tf.device(CPU) if devices[0] == CPU else nullcontext()
    with scope:
        yield


def among_devices() -> tuple[int, int]:
    """Return which of how many devices computes what is being written down, (0, 1) if one does."""
    context = tf.distribute.get_replica_context()
    if context is None:
        return 0, 1
    number = int(tf.get_static_value(context.replica_id_in_sync_group) or 0)
    return number, context.num_replicas_in_sync


def copied_to(network: keras.Model, device: str) -> keras.Model:
    """Return a network that answers alike, whose weights are on another device."""
    with tf.device(device):
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
    return copy


def asked_on(device: str | None) -> AbstractContextManager[None]:
    """Compute in this thread on a device; None: on the one that TensorFlow takes unasked."""
    chosen: AbstractContextManager[None] = tf.device(device) if device else nullcontext()
    return chosen


@contextmanager
def memory_for(batch_size: int, devices: int) -> Iterator[None]:
    """Answer a lack of memory within the block by what to try.

    Raises:
        CannotGoOn: naming half the batch size, as a number that the devices can share.
    """
    try:
        yield
    except NO_MEMORY as error:
        raise no_memory(batch_size, devices) from error


def no_memory(batch_size: int, devices: int) -> CannotGoOn:
    """Return what is said where the memory is not enough: half the batch, as devices share it."""
    half = batch_size // 2 // devices * devices
    other = f"batch_size={half}" if half else "smaller pictures or another network"
    return CannotGoOn(f"the memory is not enough for batch_size={batch_size}: try {other}")
