"""What each epoch is judged by: figures of a label over the captures that have it."""

from typing import Any

import keras
from keras import ops

from ctc.labels import Label

TOP = 3  # of more classes than these it is worth asking whether the truth is among the first


class MacroF1(keras.metrics.Metric):
    """Mean F1 of the classes that occur in the truth, as `evaluate` computes it."""

    def __init__(self, classes: int, name: str = "macro_f1") -> None:
        super().__init__(name=name)
        self.classes = classes
        self._true = self.add_variable((classes,), "zeros", name="true")
        self._said = self.add_variable((classes,), "zeros", name="said")
        self._right = self.add_variable((classes,), "zeros", name="right")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: indices [B], logits [B, classes], weights [B]."""
        truth = ops.one_hot(ops.cast(y_true, "int32"), self.classes)
        said = ops.one_hot(ops.argmax(y_pred, axis=-1), self.classes)
        weight = 1.0 if sample_weight is None else ops.cast(sample_weight, "float32")[:, None]
        self._true.assign_add(ops.sum(truth * weight, axis=0))
        self._said.assign_add(ops.sum(said * weight, axis=0))
        self._right.assign_add(ops.sum(truth * said * weight, axis=0))

    def result(self) -> Any:
        """Return 2 * right / (true + said), the mean over the classes with any true."""
        f1 = ops.divide_no_nan(2.0 * self._right, self._true + self._said)
        occurs = ops.cast(self._true.value > 0, "float32")
        return ops.divide_no_nan(ops.sum(f1 * occurs), ops.sum(occurs))


def metrics_of(label: Label) -> dict[str, keras.metrics.Metric]:
    """Return the metrics of a label by the name that a run shows them under.

    `loss` is the plain cross-entropy, whatever is minimised, so that runs can be compared. Keras's
    own loss of a head counts missing labels in, and a short last batch as much as a full one.
    """
    metrics = {
        "loss": keras.metrics.SparseCategoricalCrossentropy(name="crossentropy", from_logits=True),
        "accuracy": keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        "macro_f1": MacroF1(len(label.classes)),
    }
    if len(label.classes) > TOP:
        name = f"top{TOP}_accuracy"
        metrics[name] = keras.metrics.SparseTopKCategoricalAccuracy(TOP, name=name)
    return metrics
