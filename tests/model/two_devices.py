"""Trains on one and on two logical CPUs; run by `test_computing.py`, in a process of its own.

Usage: two_devices.py DATASET_FOLDER, then parameters as NAME=VALUE.
"""

import dataclasses
import json
import sys

import keras
import numpy as np
import tensorflow as tf

from ctc.dataset.manifest import open_dataset
from ctc.dataset.mixture import Mixture
from ctc.model.fitting.training import train
from ctc.model.network import backbones
from ctc.model.planning.training_plan import plan_training
from ctc.parameter import build
from ctc.params import TrainParams

(CPU,) = tf.config.list_physical_devices("CPU")
HALF = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(CPU, [HALF, HALF])
# What Keras draws for a share of a batch is not what it draws for the whole.
backbones.DROPOUT = 0.0

params = build(TrainParams, dict(word.split("=", 1) for word in sys.argv[2:]))
plan = plan_training(Mixture.of(open_dataset(sys.argv[1])), params)
found = []
for devices in (("CPU:0",), ("CPU:0", "CPU:1")):
    computing = dataclasses.replace(plan.computing, devices=devices)
    done = train(dataclasses.replace(plan, computing=computing), report=lambda epoch: None)
    found.append([epoch.metrics for epoch in done.epochs])
    assert not tf.distribute.has_strategy()
    norms = [x for x in done.classifier.network._flatten_layers() if hasattr(x, "synchronized")]
    assert norms
    assert not any(norm.synchronized for norm in norms)
    answers = done.classifier.probabilities(np.zeros((1, 16, 16, 3), np.uint8), 1)
    assert all(np.isfinite(answer).all() for answer in answers.values())
    assert keras.config.dtype_policy().name == "float32"
print(json.dumps(found))
