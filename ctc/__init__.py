"""ctc: a camera-trap classifier, from pictures and a table to a promoted model."""

__version__ = "0.1.0"
