"""What the machine has to compute with."""

import shutil
from pathlib import Path

import keras

NVIDIA = Path("/proc/driver/nvidia/gpus")  # a folder a GPU, made by the driver
REMEDY = (
    "this machine has an NVIDIA GPU that TensorFlow cannot see, so the CPU is used: install the "
    "GPU build with `pip install 'tensorflow[and-cuda]>=2.21,<2.22'`"
)


def unseen_gpu(driver: Path = NVIDIA) -> str | None:
    """Say in one sentence that a GPU is there and not used, and what helps; None if all is well.

    Args:
        driver: where the NVIDIA driver lists its GPUs.
    """
    present = (driver.is_dir() and any(driver.iterdir())) or bool(shutil.which("nvidia-smi"))
    return REMEDY if present and not keras.distribution.list_devices("gpu") else None
