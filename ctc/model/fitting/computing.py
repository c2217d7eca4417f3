"""Computes as planned: on which devices, and how precisely."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from ctc.model.devices import memory_for, on_devices
from ctc.model.planning.training_plan import TrainingPlan


@contextmanager
def as_planned(plan: TrainingPlan) -> Iterator[None]:
    """Let all that is built and computed within the block be so as `plan.computing` says.

    Raises:
        CannotGoOn: where the memory is not enough.
    """
    planned, before = plan.computing, keras.config.dtype_policy()
    keras.config.set_dtype_policy(planned.precision)
    try:
        with (
            memory_for(plan.training.batch_size, len(planned.devices)),
            on_devices(planned.devices),
        ):
            yield
    finally:
        keras.config.set_dtype_policy(before)


def share_statistics(network: keras.Model) -> None:
    """Let batch normalisation see the whole batch, not only the share of each device.

    So that several devices compute what one would.
    """
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            share_statistics(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
