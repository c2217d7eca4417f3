import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ctc.dataset.manifest import Dataset

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_two_devices_share_the_batches_and_answer_to_the_bit_as_one(
    small_classifier: Path, small_dataset: Dataset
) -> None:
    script = Path(__file__).parent / "two_devices.py"
    done = subprocess.run(
        [sys.executable, str(script), str(small_classifier), str(small_dataset.folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    one, two = json.loads(done.stdout.splitlines()[-1])
    assert [name[-5:] for name in one["asked"]] == ["CPU:0"]
    assert sorted(name[-5:] for name in two["asked"]) == ["CPU:0", "CPU:1"]
    assert min(two["asked"].values()) > 1  # batches
    assert (two["ids"], two["said"]) == (one["ids"], one["said"])
