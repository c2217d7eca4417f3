"""Entry point `train`: train a classifier and log its best model."""

from typing import TYPE_CHECKING

from ctc.params import TrainParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    import keras

    from ctc.model.classifier import Ancestor
    from ctc.model.fitting.training import Trained
    from ctc.model.parents import Parent
    from ctc.model.planning.training_plan import TrainingPlan
    from ctc.tracking import Run


def run(params: TrainParams, nested: bool = False) -> str | None:
    """Train, keep and log the best epoch; return the version if it was registered."""
    from ctc.dataset.mixture import open_mixture
    from ctc.model.classifier import check_output
    from ctc.model.fitting.devices import unseen_gpu
    from ctc.model.fitting.training import train
    from ctc.model.planning.training_plan import plan_training
    from ctc.storage import local_path
    from ctc.tracking import check_name, tracked_run

    plan = plan_training(open_mixture(params.dataset), params, _parent(params.parent))
    output = local_path(params.output)
    check_output(output)
    check_name(params.register)
    for remark in filter(None, (unseen_gpu(), *plan.remarks)):
        print(f"train: {remark}")
    name = f"train {plan.params.model} {' '.join(params.labels)}"
    with tracked_run("train", params, nested, name) as tracked:
        _log_plan(tracked, plan)
        trained = train(
            plan,
            report=lambda epoch: tracked.metrics(epoch.metrics, epoch.number),
            begin=lambda network: _log_looks(tracked, plan, network),
        )
        trained.classifier.save(output)
        version = _log_model(tracked, plan, trained)
    where = f", registered as {params.register} version {version}" if version else ""
    best = f"best epoch {trained.best.number + 1} of {len(trained.epochs)}"
    print(f"train: {best}; classifier in {output}{where}")
    return version


def _parent(uri: str | None) -> "Parent | None":
    from ctc.model.classifier import Ancestor
    from ctc.model.parents import open_parent
    from ctc.tracking import find_model

    if uri is None:
        return None
    found = find_model(uri, "parent")
    return open_parent(
        found.folder, Ancestor(found.uri, found.resolved, found.run_id, found.model_id)
    )


def _log_plan(tracked: "Run", plan: "TrainingPlan") -> None:
    from ctc.tracking import Input

    for part in plan.training.mixture.parts:
        tracked.input(Input(part.dataset.uri, "dataset", part.dataset.digest), "training")
    tracked.resolved(
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


def _log_model(tracked: "Run", plan: "TrainingPlan", trained: "Trained") -> str | None:
    """Log the model, load it again as others will, and only then register it."""
    from ctc.prediction.comparing import check_same_answers
    from ctc.storage import local_path
    from ctc.tracking import ask_logged, log_classifier, register

    best = trained.best
    uri = log_classifier(local_path(plan.params.output), best.metrics, best.number)
    picture = next(plan.validation.mixture.records(plan.validation.splits)).images[0]
    check_same_answers(trained.classifier, picture, ask_logged(uri, picture))
    tracked.metrics({"best_epoch": float(best.number)})
    return register(uri, plan.params.register) if plan.params.register else None


@step_command(TrainParams)
def main(params: TrainParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
