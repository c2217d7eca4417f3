"""How `train` keeps the state of a training, and goes on in a run that was cut off."""

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ctc.errors import BadInput
from ctc.parameter import as_text, build
from ctc.params import TrainParams

if TYPE_CHECKING:
    import keras

    from ctc.model.fitting.training import Trained
    from ctc.model.fitting.watching import Epoch
    from ctc.model.planning.training_plan import TrainingPlan
    from ctc.model.resuming.state import State
    from ctc.tracking import Former, Run


def fit(
    tracked: "Run",
    plan: "TrainingPlan",
    state: "State | None",
    begin: "Callable[[keras.Model], None] | None" = None,
    after_epoch: "Callable[[], None] | None" = None,
) -> "Trained":
    """Train; each epoch goes to the run, each state to the working folder and then to the run.

    Args:
        tracked: the run.
        plan: what to do.
        state: where to go on; None: at the beginning.
        begin: is called with the network before the first step, unless the training goes on.
        after_epoch: is called when the figures of an epoch are on their way to the run.
    """
    from ctc.model.fitting.training import train
    from ctc.model.resuming.folder import working_folder
    from ctc.storage import local_path

    folder = working_folder(local_path(plan.params.output))

    def report(epoch: "Epoch") -> None:
        tracked.points(epoch.metrics, epoch.number)
        if after_epoch is not None:
            after_epoch()

    with _said_how_to_go_on(tracked):
        for epoch in state.epochs if state else ():
            tracked.points(epoch.metrics, epoch.number)  # those that the run lacks
        trained = train(
            plan,
            report,
            lambda kept: tracked.state(kept.write(folder, tracked.key), kept.progress),
            state,
            begin,
        )
        tracked.points({"best_epoch": float(trained.best.number)}, len(trained.epochs))
    return trained


@contextmanager
def _said_how_to_go_on(tracked: "Run") -> Iterator[None]:
    try:
        yield
    except BaseException:
        how = f"resume={tracked.run_id or 'the id that `sync` gives it'}"
        print(f"train: stopped; to go on where it stopped: {how}", file=sys.stderr)
        raise


@dataclass(frozen=True)
class Begun:
    """A run of `train` that is to go on.

    Attributes:
        former: what the run was.
        asked: the parameters that were asked for now.
        had: those that it had.
        params: those that it goes on with.
    """

    former: "Former"
    asked: TrainParams
    had: TrainParams
    params: TrainParams

    @property
    def parent(self) -> str | None:
        """What its parent was, where an alias may have moved since."""
        return self.former.parent

    def tracked(self) -> "AbstractContextManager[Run]":
        """Join the run."""
        from ctc.tracking import resumed_run

        names = [field.name for field in fields(TrainParams)]
        changed = {
            name: getattr(self.params, name)
            for name in names
            if getattr(self.params, name) != getattr(self.had, name)
        }
        for name, value in changed.items():
            had = as_text(getattr(self.had, name))
            print(f"train: resume: {name}={as_text(value)}, the run had {had}")
        return resumed_run(self.former, self.asked, self.params, changed)

    def last_state(self, plan: "TrainingPlan") -> "State | None":
        """Return the latest state, of this machine or of the run; None if none was kept yet.

        Raises:
            BadInput: if the run cannot go on from there, or its artifacts cannot be read.
        """
        from ctc.model.resuming.changes import check_goes_on
        from ctc.tracking import artifacts_needed

        with artifacts_needed(self.former.run_id):
            found, where = self._latest(plan)
        check_goes_on(plan, found, self.former.run_id, self.former.finished)
        print(f"train: resume: {_place(found)}{where}")
        return found

    def _latest(self, plan: "TrainingPlan") -> "tuple[State | None, str]":
        from ctc.model.resuming.folder import kept_state, working_folder
        from ctc.model.resuming.state import State
        from ctc.storage import local_path
        from ctc.tracking import fetch, uploaded

        run_id, key = self.former.run_id, self.former.key
        own = working_folder(local_path(self.had.output))
        here = kept_state(own, run_id) or kept_state(own, key or run_id)
        fetched = working_folder(local_path(plan.params.output)) / "fetched.npz"
        for slot in uploaded(run_id):
            if here is not None and here.progress >= slot.progress:
                break
            if not fetch(run_id, slot, fetched):
                continue
            there = State.read(fetched, run_id) or State.read(fetched, key or run_id)
            fetched.unlink()
            if there is not None:
                return there, ", by the state among the run's artifacts"
        return here, ", by the state on this machine" if here else ""


def begun_run(asked: TrainParams, given: Collection[str]) -> Begun:
    """Find the run that is to go on, and what it goes on with.

    Every parameter that is not given is as the run had it. `mlflow run` gives each parameter, so
    there one that has its default counts as not given.

    Raises:
        BadInput: if there is no such run, or something is given that may not change.
    """
    from ctc.model.resuming.changes import resumed_params
    from ctc.tracking import find_run, started_by_mlflow

    if asked.offline:
        raise BadInput("resume: what a run has is asked of the tracking server, not with offline")
    former = find_run(asked.resume or "", "train")
    names = {field.name: field.default for field in fields(TrainParams)}
    had = build(TrainParams, {k: text for k, text in former.params.items() if k in names})
    if started_by_mlflow():
        given = {name for name in given if getattr(asked, name) != names[name]}
    return Begun(former, asked, had, resumed_params(had, asked, given))


def _place(state: "State | None") -> str:
    if state is None:
        return "no state was kept yet, so it begins anew"
    if state.step:
        return f"goes on in epoch {state.epoch + 1} after step {state.step} of {state.steps}"
    return f"goes on after epoch {state.epoch}"
