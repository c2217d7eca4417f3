"""Entry point `evaluate`: judge a classifier on a split it has not learnt from."""

from typing import TYPE_CHECKING

from ctc.params import EvaluateParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    from ctc.evaluation.evaluation import Evaluation, LabelEvaluation
    from ctc.evaluation.judging import Judgement
    from ctc.tracking import Input, Run


def run(params: EvaluateParams, nested: bool = False) -> "Evaluation":
    """Predict the split, compare with what is known, log figures, tables, plots and pages."""
    from ctc.dataset.manifest import open_dataset
    from ctc.dataset.mixture import Mixture
    from ctc.evaluation.judging import plan_judgement
    from ctc.evaluation.tables import as_text
    from ctc.model.classifier import Classifier
    from ctc.tracking import find_model, tracked_run

    mixture = Mixture.of(open_dataset(params.dataset))
    model = find_model(params.classifier)
    plan = plan_judgement(Classifier.load(model.folder), mixture, params)
    with tracked_run("evaluate", params, nested) as tracked:
        tracked.input(_input(plan), "evaluation")
        tracked.resolved(classifier=model.resolved)
        evaluation = judged(tracked, plan, model.model_id)
    print(f"evaluate: {', '.join(plan.splits)} of {params.dataset}\n{as_text(evaluation)}")
    return evaluation


def judged(tracked: "Run", plan: "Judgement", model_id: str | None, step: int = 0) -> "Evaluation":
    """Judge a classifier, and log figures (linked to the model), tables, plots and pages."""
    from ctc.evaluation.judging import judge
    from ctc.evaluation.pages.gallery import gallery
    from ctc.evaluation.suspects import with_paths
    from ctc.evaluation.tables import suspect_table

    setting = plan.setting
    tracked.resolved(split=plan.splits, aggregate=setting.aggregate, by=setting.by)
    predictions, evaluation = judge(plan)
    tracked.metrics(evaluation.metrics, step, model_id, _input(plan))
    tracked.csv(predictions.flat_table(), "predictions")
    _log_tables(tracked, evaluation)
    suspects = with_paths(suspect_table(evaluation), plan.mixture, plan.splits)
    tracked.csv(suspects, "suspects")
    tracked.page(gallery(plan, predictions, suspects), "errors")
    for one in evaluation.labels:
        if one.captures.count:
            _log_label(tracked, one)
    return evaluation


def _input(plan: "Judgement") -> "Input":
    """Return what the figures are of, which MLflow compares models by."""
    from ctc.tracking import Input

    uri, *others = (part.dataset.uri for part in plan.mixture.parts)
    digest = plan.mixture.digest if others else plan.mixture.digests[0]
    return Input(uri, "datasets" if others else "dataset", digest)


def _log_tables(tracked: "Run", evaluation: "Evaluation") -> None:
    """Log the tables that hold all labels."""
    from ctc.evaluation import tables

    tracked.table(tables.label_table(evaluation), "labels")
    tracked.table(tables.figure_table(evaluation), "figures")
    tracked.table(tables.class_tables(evaluation), "classes")
    for column in evaluation.setting.by:
        tracked.table(tables.group_table(evaluation, column), f"by/{column}")
    tracked.table(tables.seen_table(evaluation), "by/seen_locations")


def _log_label(tracked: "Run", one: "LabelEvaluation") -> None:
    """Log what is of one label: confusions, curves, plots."""
    from ctc.evaluation.plots.confusion import confusion_plot
    from ctc.evaluation.plots.curves import effort_plot, empty_plot, reliability_plot
    from ctc.evaluation.plots.groups import group_plot

    tracked.csv(one.confusion.reset_index(names="true"), f"{one.label}/confusion")
    tracked.figure(confusion_plot(one), f"{one.label}/confusion")
    tracked.table(one.sureness.reliability, f"{one.label}/reliability")
    tracked.figure(reliability_plot(one), f"{one.label}/reliability")
    tracked.table(one.effort, f"{one.label}/effort")
    tracked.figure(effort_plot(one), f"{one.label}/effort")
    if one.empties is not None:
        tracked.table(one.empties, f"{one.label}/empty_filter")
        tracked.figure(empty_plot(one, one.empties), f"{one.label}/empty_filter")
    for column, groups in one.groups.items():
        if len(groups) > 1:  # one alone is all captures
            tracked.figure(group_plot(groups, one.label, column), f"{one.label}/by_{column}")


@step_command(EvaluateParams)
def main(params: EvaluateParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
