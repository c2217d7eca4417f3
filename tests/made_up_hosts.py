"""Hosts for the tests: what runs on them instead of `fit_on_host` has to be importable by name."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any


def without_dropout(work: Any, host: Any) -> None:
    """Fit as a host does, but for dropout, which JAX draws otherwise than TensorFlow."""
    from ctc.model.fitting.on_host import fit_on_host
    from ctc.model.network import backbones

    backbones.DROPOUT = 0.0
    fit_on_host(work, host)


def in_own_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it in a fresh process: one that has joined a cluster starts no own workers any more."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def trained_without_dropout(params: Any) -> tuple[Any, Any, list[Any]]:
    """Train; return the epochs, those that were reported, and the weights."""
    from ctc.model.fitting import over_hosts
    from ctc.model.fitting.training import train
    from ctc.model.network import backbones

    backbones.DROPOUT = 0.0
    over_hosts.fit_on_host = without_dropout
    reported: list[Any] = []
    done = train(_plan(params), reported.append)
    return done.epochs, tuple(reported), done.classifier.network.get_weights()


def trained_without_dataset(params: Any, away: Path) -> None:
    """Plan a training, take its dataset away, and train."""
    from ctc.model.fitting.training import train

    plan = _plan(params)
    (dataset,) = params.dataset
    Path(dataset).rename(away)
    train(plan, lambda _: None)


def _plan(params: Any) -> Any:
    from ctc.dataset.manifest import open_dataset
    from ctc.dataset.mixture import Mixture
    from ctc.model.planning.training_plan import plan_training

    (dataset,) = params.dataset
    return plan_training(Mixture.of(open_dataset(dataset)), params)
