"""Answers on one and on two logical CPUs; run in a process of its own.

Usage: two_devices.py CLASSIFIER DATASET, both folders.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import tensorflow as tf

from ctc.dataset.manifest import open_dataset
from ctc.model.classifier import Classifier
from ctc.prediction.asking import predicting
from ctc.prediction.asking.batches import Asking
from ctc.prediction.photos.captures import captures_of_dataset

(CPU,) = tf.config.list_physical_devices("CPU")
HALF = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(CPU, [HALF, HALF])

asked: Counter[str] = Counter()
whole = Classifier.probabilities


def counted(classifier: Classifier, images: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Answer as before, and count the devices on which a network's weights are."""
    asked.update({weight.value.device for weight in classifier.network.weights})
    return whole(classifier, images, size)


Classifier.probabilities = counted  # type: ignore[method-assign]
classifier, dataset = Classifier.load(Path(sys.argv[1])), open_dataset(sys.argv[2])
captures = list(captures_of_dataset(dataset, ("train", "val")))
found = []
for others in ((), ("CPU:1",)):
    asked.clear()
    answers = list(predicting.answer_all(Asking(classifier, 4, others=others), captures))
    said = [{name: all.tolist() for name, all in one.probabilities.items()} for one in answers]
    found.append({"asked": dict(asked), "said": said, "ids": [one.capture_id for one in answers]})
print(json.dumps(found))
