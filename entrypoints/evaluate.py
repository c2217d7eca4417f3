"""Entry point `evaluate`: judge a classifier on a split it has not learnt from."""

from typing import TYPE_CHECKING

from ctc.params import EvaluateParams
from entrypoints.cards import log_card
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
    model = find_model(params.classifier, offline=params.offline)
    plan = plan_judgement(Classifier.load(model.folder), mixture, params)
    name = f"evaluate {model.resolved.removeprefix('models:/')}"
    with tracked_run("evaluate", params, nested, name) as tracked:
        tracked.resolved(classifier=model.resolved)
        evaluation = judged(tracked, plan, model.resolved, model.model_id)
        log_card(tracked, model.resolved, plan.classifier, model.run_id, (plan, evaluation))
    print(f"evaluate: {', '.join(plan.splits)} of {params.dataset}\n{as_text(evaluation)}")
    return evaluation


def judged(
    tracked: "Run", plan: "Judgement", name: str, model_id: str | None, step: int = 0
) -> "Evaluation":
    """Judge a classifier, and log figures (linked to the model), tables, plots and pages.

    Args:
        tracked: the run.
        plan: what is judged on what.
        name: what the classifier is called: a URI.
        model_id: of the logged model, if it is one.
        step: at which the figures stand.
    """
    from ctc.evaluation.judging import judge
    from ctc.evaluation.pages.gallery import gallery
    from ctc.evaluation.pages.report import report
    from ctc.evaluation.suspects import with_paths
    from ctc.evaluation.tables import suspect_table

    setting = plan.setting
    tracked.input(_input(plan), "evaluation")
    tracked.resolved(split=plan.splits, aggregate=setting.aggregate, by=setting.by)
    predictions, evaluation = judge(plan)
    tracked.metrics(evaluation.metrics, step, model_id, _input(plan))
    tracked.csv(predictions.flat_table(), "predictions")
    _log_tables(tracked, evaluation)
    suspects = with_paths(suspect_table(evaluation), plan.mixture, plan.splits)
    tracked.csv(suspects, "suspects")
    tracked.page(gallery(plan, predictions, suspects), "errors")
    tracked.page(report(plan, evaluation, name, _log_plots(tracked, evaluation)), "report")
    for one in evaluation.labels:
        if one.captures.count:
            _log_label_tables(tracked, one)
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


def _log_plots(tracked: "Run", evaluation: "Evaluation") -> dict[str, dict[str, bytes]]:
    """Log the plots of each label, and return them."""
    from ctc.evaluation.plots.every import plots_of

    plots = {one.label: plots_of(one) for one in evaluation.labels}
    for label, of_label in plots.items():
        for name, data in of_label.items():
            tracked.png(data, f"{label}/{name}")
    return plots


def _log_label_tables(tracked: "Run", one: "LabelEvaluation") -> None:
    """Log the tables of one label: confusions and curves."""
    from ctc.evaluation.tables import confusions

    tracked.csv(confusions(one), f"{one.label}/confusion")
    tracked.table(one.sureness.reliability, f"{one.label}/reliability")
    tracked.table(one.effort, f"{one.label}/effort")
    if one.empties is not None:
        tracked.table(one.empties, f"{one.label}/empty_filter")


@step_command(EvaluateParams)
def main(params: EvaluateParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
