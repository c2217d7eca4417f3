"""The optimiser and its learning rate."""

from collections.abc import Callable
from typing import Any

import keras
from keras.optimizers.schedules import CosineDecay, LearningRateSchedule

from ctc.params import Descent, Fitting

FINAL = 0.01  # share of the highest learning rate that is left at the end of a cosine


class Falling(LearningRateSchedule):
    """A schedule that can be brought down from outside, by its variable `share`.

    Attributes:
        share: what is left of the learning rate, 1 at first.
    """

    def __init__(self, schedule: LearningRateSchedule) -> None:
        super().__init__()
        self.schedule = schedule
        self.share = keras.Variable(1.0, dtype="float32", trainable=False, name="share")

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, from 0."""
        return self.schedule(step) * self.share

    def get_config(self) -> dict[str, Any]:
        """Return what the schedule was made with."""
        return {"schedule": self.schedule}


def learning_rate(params: Fitting, steps: int) -> LearningRateSchedule:
    """Return the learning rate of each of `steps` steps: a linear rise, then what was asked for.

    A cosine is half of one (Loshchilov & Hutter 2017, arXiv:1608.03983); the others stay, and
    `Falling` is brought down where val/loss gets no better.
    """
    warm_up = max(1, round(params.warm_up * steps)) if params.warm_up else 0
    risen = CosineDecay(
        initial_learning_rate=0.0 if warm_up else params.learning_rate,
        warmup_target=params.learning_rate if warm_up else None,
        warmup_steps=warm_up,
        decay_steps=max(1, steps - warm_up),
        # A cosine that ends where it begins is constant.
        alpha=FINAL if params.schedule == "cosine" else 1.0,
    )
    return Falling(risen) if params.schedule == "plateau" else risen


def optimizer(params: Descent, rate: LearningRateSchedule) -> keras.optimizers.Optimizer:
    """Return the optimiser asked for. Every one takes weights down apart from their gradient
    (Loshchilov & Hutter 2019, arXiv:1711.05101), so that `adam` is `adamw` unless weight_decay=0.
    """
    kind, own = OPTIMIZERS[params.optimizer], {}
    if params.optimizer in WITH_MOMENTUM:
        own["momentum"] = params.momentum
    if params.ema:
        own |= {"use_ema": True, "ema_momentum": params.ema}
    return kind(learning_rate=rate, weight_decay=params.weight_decay, **own)


OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adamw": keras.optimizers.AdamW,
    "adam": keras.optimizers.Adam,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}
WITH_MOMENTUM = ("sgd", "rmsprop")
