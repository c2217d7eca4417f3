"""The loss of one label."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctc.labels import Label
from ctc.model.planning.objective import Objective

LEAST = 1e-7  # of 1 - p, whose power below 1 has no slope at 0


class LabelLoss(keras.losses.Loss):
    """Cross-entropy of a label, from logits; smoothed, focal and weighted by class if asked.

    The weights of classes stand here and not among the weights of samples, which metrics use
    too: those then stay those of the captures as they are. As in Keras's own losses the sum over a
    batch is divided by its size, not by the sum of the weights.
    """

    def __init__(
        self, smoothing: float = 0.0, focal: float = 0.0, weights: Sequence[float] = ()
    ) -> None:
        super().__init__(name="label_loss")
        self.smoothing, self.focal, self.weights = smoothing, focal, tuple(weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each capture, float32 [B], of indices [B] and logits [B, classes]."""
        truth = ops.cast(y_true, "int32")
        if self.smoothing or self.focal:
            lost = self._shaped(truth, y_pred)
        else:
            lost = ops.sparse_categorical_crossentropy(truth, y_pred, from_logits=True)
        if not self.weights:
            return lost
        return lost * ops.take(ops.convert_to_tensor(self.weights, lost.dtype), truth)

    def get_config(self) -> dict[str, Any]:
        """Return what the loss was made with."""
        return {"smoothing": self.smoothing, "focal": self.focal, "weights": self.weights}

    def _shaped(self, truth: Any, logits: Any) -> Any:
        """Spread a share of the truth (Szegedy et al. 2016, arXiv:1512.00567, section 7); let what
        is known count less (Lin et al. 2017, arXiv:1708.02002, equation 4, a term a class)."""
        classes = logits.shape[-1]
        wanted = ops.one_hot(truth, classes, dtype=logits.dtype)
        wanted = wanted * (1 - self.smoothing) + self.smoothing / classes
        log_said = ops.log_softmax(logits)
        if self.focal:
            wanted = wanted * ops.maximum(1 - ops.exp(log_said), LEAST) ** self.focal
        return -ops.sum(wanted * log_said, axis=-1)


def label_losses(objective: Objective, labels: Sequence[Label]) -> dict[str, LabelLoss]:
    """Return the loss of each label."""
    return {
        label.name: LabelLoss(
            objective.label_smoothing,
            objective.focal,
            objective.class_weights.get(label.name, ()),
        )
        for label in labels
    }
