"""Entry point `train`: train a classifier and log its best model."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from ctc.params import TrainParams
from entrypoints import evaluate
from entrypoints.cards import log_card
from entrypoints.command import given, step_command
from entrypoints.going_on import begun_run, fit
from entrypoints.models import Logging, ancestor, first_picture, log_model

if TYPE_CHECKING:
    import keras

    from ctc.evaluation.evaluation import Evaluation
    from ctc.evaluation.judging import Judgement
    from ctc.model.classifier import Ancestor
    from ctc.model.parents import Parent
    from ctc.model.planning.training_plan import TrainingPlan
    from ctc.tracking import Run


def run(
    params: TrainParams, nested: bool = False, given: Collection[str] = frozenset()
) -> str | None:
    """Train, calibrate, log and judge the best epoch; return the version if it was registered.

    Args:
        params: what is asked for.
        nested: whether the run is a part of the one in progress.
        given: with `resume`, the names of the parameters that were given.
    """
    from ctc.dataset.mixture import open_mixture
    from ctc.evaluation.calibrating import calibrate
    from ctc.evaluation.examination import plan_examination
    from ctc.model.classifier import check_output
    from ctc.model.devices import share_gpus, unseen_gpu
    from ctc.model.planning.training_plan import plan_training
    from ctc.model.resuming.folder import held, working_folder
    from ctc.storage import local_path
    from ctc.tracking import OWN, check_name, tracked_run

    begun = begun_run(params, given) if params.resume else None
    params = begun.params if begun else params
    if params.hosts > 1:
        share_gpus()
    parent = _parent(params, begun.parent if begun else None)
    plan = plan_training(open_mixture(params.dataset, params.classes), params, parent)
    examination = plan_examination(plan, params)
    output = local_path(params.output)
    check_output(output)
    check_name(params.register)
    for remark in filter(None, (unseen_gpu(), *plan.remarks, *examination.remarks)):
        print(f"train: {remark}")
    name = f"train {plan.params.model} {' '.join(params.labels)}"
    with held(working_folder(output)):
        state = begun.last_state(plan) if begun else None
        with begun.tracked() if begun else tracked_run("train", params, nested, name) as tracked:
            _log_plan(tracked, plan)
            trained = fit(
                tracked, plan, state, begin=lambda network: _log_looks(tracked, plan, network)
            )
            classifier = calibrate(trained.classifier, examination.calibrating)
            classifier.save(output)
            best = trained.best
            picture = first_picture(plan.validation.mixture, plan.validation.splits)
            how = Logging(best.metrics, best.number, picture, params.register)
            logged = log_model(tracked, classifier, output, how)
            judgement = examination.judgement(classifier)
            # The figures stand there: a run that goes on later has others at a later one.
            done = len(trained.epochs)
            judged = None
            if judgement is not None:
                at = (logged.uri, OWN, done)
                judged = (judgement, evaluate.judged(tracked, judgement, *at))
            log_card(tracked, logged.uri, classifier, tracked.key, judged)
    figures = _in_words(*judged) if judged else ""
    epoch = f"best epoch {best.number + 1} of {len(trained.epochs)}"
    print(f"train: {epoch}; classifier in {output}{logged.where}{figures}")
    return logged.version


def _in_words(judgement: "Judgement", found: "Evaluation") -> str:
    """Say what was found of captures that had no part in the training."""
    from ctc.evaluation.tables import as_text

    return f"\ntrain: judged on {', '.join(judgement.splits)}\n{as_text(found)}"


def _parent(params: TrainParams, resolved: str | None) -> "Parent | None":
    """Open the model to start from; `resolved` is what it was for a run that goes on."""
    from ctc.model.parents import open_parent
    from ctc.tracking import find_model

    if params.parent is None:
        return None
    found = find_model(resolved or params.parent, "parent", params.offline)
    return open_parent(found.folder, ancestor(params.parent, found))


def _log_plan(tracked: "Run", plan: "TrainingPlan") -> None:
    from ctc.dataset.class_map import as_class_map
    from ctc.tracking import Input

    for part in plan.training.mixture.parts:
        tracked.input(Input(part.dataset.uri, "dataset", part.dataset.digest), "training")
    tracked.json(as_class_map(plan.labels), "class_map")
    tracked.csv(plan.class_table(), "class_counts")  # a table is added to, when a run goes on
    tracked.resolved(
        dataset=tuple(f"{one.dataset.uri}={one.weight:g}" for one in plan.training.mixture.parts),
        labels=tuple(label.name for label in plan.labels),
        train_split=plan.training.splits,
        val_split=plan.validation.splits,
        batch_size=plan.training.batch_size,
        steps_per_epoch=plan.training.steps,
        image_size=f"{plan.training.image.height} x {plan.training.image.width}",
        fit=plan.training.image.fit,
        capture_images=plan.capture_images,
        model=plan.params.model,
        trainable=plan.params.trainable,
        precision=plan.computing.precision,
        devices=plan.computing.devices,
        jit=plan.computing.jit,
    )
    if plan.params.unfreeze_epoch is not None:
        tracked.resolved(unfreeze_learning_rate=plan.params.unfreeze_learning_rate)
    if plan.parent is not None:
        tracked.resolved(strategy=plan.params.strategy)
        _log_parent(tracked, plan.parent.ancestor)


def _log_parent(tracked: "Run", parent: "Ancestor") -> None:
    """Tie the run to the model it starts from; an alias may move later."""
    tracked.tags(parent=parent.uri, parent_resolved=parent.resolved)
    if parent.run_id is not None:
        tracked.tags(parent_run=parent.run_id)
    if parent.model_id is not None:
        tracked.model_input(parent.model_id)


def _log_looks(tracked: "Run", plan: "TrainingPlan", network: "keras.Model") -> None:
    """Log the network in words, and pictures as it sees them."""
    from ctc.model.fitting.describing import described
    from ctc.model.fitting.seeing import sheet_of_first_batch

    tracked.text(described(network, plan), "network")
    tracked.image(sheet_of_first_batch(plan), "first_batch")


@step_command(TrainParams)
def main(params: TrainParams) -> None:
    """Run as a command."""
    run(params, given=given())


if __name__ == "__main__":
    main()
