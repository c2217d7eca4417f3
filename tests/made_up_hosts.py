"""Hosts for the tests: what runs on them instead of `fit_on_host` has to be importable by name."""

from typing import Any


def without_dropout(work: Any, host: Any) -> None:
    """Fit as a host does, but for dropout, which JAX draws otherwise than TensorFlow."""
    from ctc.model.fitting.on_host import fit_on_host
    from ctc.model.network import backbones

    backbones.DROPOUT = 0.0
    fit_on_host(work, host)
