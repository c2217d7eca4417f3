"""Mixup: pictures that are blends of two, and a loss that knows (Zhang et al. 2018,
arXiv:1710.09412)."""

from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.special import betaincinv

FINE = 4096  # shares that can be drawn


class Mixup(keras.layers.Layer):
    """Blends each picture of a batch with the one before it, uint8 [B, H, W, 3] to the same.

    Outside training it changes nothing. A batch comes shuffled, so which two meet is as random as
    by a permutation of its own. As in the authors' code all pictures of a step have one share,
    drawn from Beta(alpha, alpha). Of its two ends, which are alike, the larger is taken: the labels
    that come with a batch are then those of the picture that is seen best.

    Attributes:
        shares: all that can be drawn, each as likely as any other.
        share: of the picture itself in the last blend, 0.5..1; a variable.
    """

    def __init__(self, alpha: float, seed: int, **kwargs: Any) -> None:
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.alpha, self.seed = alpha, seed
        self._draws = keras.random.SeedGenerator(seed)
        # By a table of quantiles, for XLA cannot compile Keras's draw from a beta distribution.
        self.shares = betaincinv(alpha, alpha, 0.5 + (np.arange(FINE) + 0.5) / FINE / 2)
        self.share = self.add_weight(
            (), "ones", trainable=False, aggregation="only_first_replica", name="share"
        )

    def call(self, images: Any, training: bool = False) -> Any:
        """Return the batch, blended if `training`."""
        if not training:
            return images
        self.share.assign(self._drawn())
        pixels = ops.cast(images, "float32")
        blended = self.share * pixels + (1 - self.share) * partners(pixels)
        return ops.cast(ops.round(blended), "uint8")

    def get_config(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        return {**super().get_config(), "alpha": self.alpha, "seed": self.seed}

    def _drawn(self) -> Any:
        place = keras.random.randint((), 0, FINE, seed=self._draws)
        return ops.take(ops.convert_to_tensor(self.shares, "float32"), place)


class MixedModel(keras.Model):
    """A model with a layer `Mixup`: in training its loss is a blend as the pictures are.

    Of each label the answer to a blend is held against both classes, each with its own weight: a
    class that is not known adds nothing. Metrics are held against the picture that is seen best.
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of a batch, a scalar."""
        own = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return own
        others = keras.tree.map_structure(partners, (y, sample_weight))
        other = super().compute_loss(x, others[0], y_pred, others[1], training)
        share = next(layer.share for layer in self.layers if isinstance(layer, Mixup))
        return share * own + (1 - share) * other


def partners(values: Any) -> Any:
    """Return for each place of a batch, [B, ...], what stands at the place before it."""
    return ops.roll(values, 1, axis=0)
