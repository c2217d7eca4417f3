"""ctc: a camera-trap classifier, from pictures and a table to a promoted model."""

import os

# TensorFlow's remarks at its start (which instructions the CPU has, and so on); errors are shown.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

__version__ = "0.1.0"
