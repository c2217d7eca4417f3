"""What may be other than before when a training goes on."""

from collections.abc import Collection
from dataclasses import replace

from ctc.errors import BadInput
from ctc.model.fitting.reacting import epochs_since_best
from ctc.model.planning.training_plan import TrainingPlan
from ctc.model.resuming.state import State
from ctc.parameter import as_text
from ctc.params import TrainParams

# They change no step that was done: how long it lasts, and what another machine has or lacks.
MAY_CHANGE = (
    "epochs", "patience", "batch_size", "dataset", "classes", "output", "register", "test_split",
    "checkpoint_minutes", "workers", "gpus", "hosts", "jit", "private", "offline",
)  # fmt: skip


def resumed_params(had: TrainParams, asked: TrainParams, given: Collection[str]) -> TrainParams:
    """Return what a training goes on with: what it had, but for what is given and may change.

    Args:
        had: what it had.
        asked: what is asked for now.
        given: names of the parameters that were given; the others are as the training had them.

    Raises:
        BadInput: if something is given that may not change.
    """
    differ = [
        name for name in given if name != "resume" and getattr(asked, name) != getattr(had, name)
    ]
    refused = [
        f"{name}={as_text(getattr(asked, name))} (it had {as_text(getattr(had, name))})"
        for name in differ
        if name not in MAY_CHANGE
    ]
    if refused:
        raise BadInput(
            f"resume: may not change: {', '.join(refused)}; may change: {', '.join(MAY_CHANGE)}; "
            f"for all else start a run of its own with parent=runs:/{asked.resume}/best_model"
        )
    return replace(had, offline=False, **{name: getattr(asked, name) for name in differ})


def check_goes_on(plan: TrainingPlan, state: State | None, run_id: str, finished: bool) -> None:
    """Refuse to go on with other data, and with what has come to its end.

    Raises:
        BadInput: with what helps.
    """
    instead = f"start a run of its own with parent=runs:/{run_id}/best_model"
    if finished and state is None:
        raise BadInput(f"resume: run {run_id} is finished and its state is gone; {instead}")
    if state is None:
        return
    mixture = plan.training.mixture
    if mixture.digest != state.dataset:
        raise BadInput(
            f"resume: {mixture.name} has other content (digest {mixture.digest}) than what run "
            f"{run_id} learnt from ({state.dataset}); give that with `dataset`, or, to learn from "
            f"more data, {instead} and strategy=finetune"
        )
    if finished and (why := _ended(plan, state)):
        raise BadInput(f"resume: run {run_id} is finished: {why}")


def _ended(plan: TrainingPlan, state: State) -> str | None:
    done, params = len(state.epochs), plan.params
    losses = [epoch.metrics["val/loss"] for epoch in state.epochs[state.begun :]]
    if done >= params.epochs:
        return f"it has done {done} epochs; a larger number with `epochs` goes on"
    if 0 < params.patience <= epochs_since_best(losses):
        return (
            f"it ended after {done} epochs, the last {params.patience} of them without a better "
            "val/loss; a larger `patience`, or 0, goes on"
        )
    return None
