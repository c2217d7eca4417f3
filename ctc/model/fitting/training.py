"""Trains a network on a dataset and keeps its best epoch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras

from ctc.dataset.period import united
from ctc.dataset.reading import damage_named
from ctc.model.classifier import Classifier, Origin
from ctc.model.devices import CPU
from ctc.model.fitting.computing import as_planned, share_statistics
from ctc.model.fitting.fit import Fit, go_through, pictures, pictures_before
from ctc.model.fitting.looking_back import seen_in
from ctc.model.fitting.over_hosts import fit_over_hosts
from ctc.model.fitting.watching import Epoch, Watch
from ctc.model.network.backbones import build_network
from ctc.model.network.inheriting import inherit
from ctc.model.planning.training_plan import TrainingPlan
from ctc.model.resuming.interrupts import Interrupts
from ctc.model.resuming.keeping import Keep
from ctc.model.resuming.state import State
from ctc.progress import Progress


@dataclass(frozen=True)
class Trained:
    """The classifier of the best epoch, and every epoch."""

    classifier: Classifier
    best: Epoch
    epochs: tuple[Epoch, ...]


def train(
    plan: TrainingPlan,
    report: Callable[[Epoch], None],
    keep: Keep | None = None,
    state: State | None = None,
    begin: Callable[[keras.Model], None] | None = None,
) -> Trained:
    """Train and call `report` after each epoch. The best epoch has the lowest `val/loss`.

    Args:
        plan: what to do.
        report: is called after each epoch.
        keep: is called with the state, each epoch and every `checkpoint_minutes`, if it is given.
        state: where to go on; None: at the beginning.
        begin: is called with the network before the first step, unless the training goes on.

    Raises:
        BadInput: if weights cannot be downloaded, or the parent's or the state's do not fit.
        CannotGoOn: if the loss is no longer a number, the memory is not enough, a shard is damaged,
            or `keep` says so.
    """
    keras.utils.set_random_seed(plan.params.seed)
    if plan.computing.hosts > 1:
        return _over_hosts(plan, report, keep, state, begin)
    with as_planned(plan), damage_named(plan.training, plan.validation):
        watch = _watched(plan, report, keep, state, begin)
    return Trained(_classifier(plan, watch.best_weights), watch.best, tuple(watch.epochs))


def _over_hosts(
    plan: TrainingPlan,
    report: Callable[[Epoch], None],
    keep: Keep | None,
    state: State | None,
    begin: Callable[[keras.Model], None] | None,
) -> Trained:
    """Train as `train` does; the network is made here, on the CPU, and fitted elsewhere."""
    here = replace(plan, computing=replace(plan.computing, devices=(CPU,)))
    with as_planned(here):
        network = _begun(here, state, begin)
    last = fit_over_hosts(plan, network, report, keep, state)
    return Trained(_classifier(plan, [*last.best_weights]), last.epochs[last.best], last.epochs)


def _watched(
    plan: TrainingPlan,
    report: Callable[[Epoch], None],
    keep: Keep | None,
    state: State | None,
    begin: Callable[[keras.Model], None] | None,
) -> Watch:
    """Go through all phases and return what was seen."""
    network = _begun(plan, state, begin)
    with Progress("train", pictures(plan), "pictures") as progress, Interrupts() as interrupts:
        watch = Watch(plan, network, report, progress)
        progress.keep(pictures_before(plan, state))
        go_through(Fit(network, plan, watch, keep, interrupts), state)
    return watch


def _begun(
    plan: TrainingPlan, state: State | None, begin: Callable[[keras.Model], None] | None
) -> keras.Model:
    """Return the first network, of which `begin` is told unless the training goes on."""
    network = first_network(plan)
    if begin is not None and state is None:
        begin(network)
    return network


def first_network(plan: TrainingPlan) -> keras.Model:
    """Build the network and give it what it has of its parent."""
    params = plan.params
    network = build_network(params.model, plan.labels, plan.training.image, params.weights)
    if plan.parent is not None:
        inherit(network, plan.labels, plan.parent, params.keep_heads)
    if len(plan.computing.devices) > 1:
        share_statistics(network)
    return network


def _classifier(plan: TrainingPlan, weights: list[Any]) -> Classifier:
    """Build what is kept anew: how it was trained, frozen, rounded or shared, is none of its
    properties, and it answers the same wherever it is asked.
    """
    network = build_network(plan.params.model, plan.labels, plan.training.image, "none")
    network.set_weights(weights)
    return Classifier(network, plan.labels, plan.training.image, _origin(plan))


def _origin(plan: TrainingPlan) -> Origin:
    reading, parent = plan.training, plan.parent
    locations = reading.mixture.locations(reading.splits)
    period = reading.mixture.period(reading.splits)
    if parent is not None:
        locations |= {*parent.classifier.origin.locations}
        period = united((period, parent.classifier.origin.period))
    return Origin(
        model=plan.params.model,
        datasets=reading.mixture.digests,
        splits=reading.splits,
        locations=tuple(sorted(locations)),
        parent=parent.ancestor if parent else None,
        strategy=plan.params.strategy if parent else None,
        period=period,
        seen=seen_in(reading),
    )
