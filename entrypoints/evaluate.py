"""Entry point `evaluate`: judge a classifier on a split it has not learnt from."""

from typing import TYPE_CHECKING

from ctc.params import EvaluateParams
from entrypoints.command import step_command

if TYPE_CHECKING:
    from ctc.evaluation.metrics import Evaluation
    from ctc.tracking import Run


def run(params: EvaluateParams, nested: bool = False) -> "Evaluation":
    """Predict the split, compare with what is known, log figures, tables and plots."""
    from ctc.dataset.manifest import open_dataset
    from ctc.evaluation.judging import judge, plan_judgement
    from ctc.model.classifier import Classifier
    from ctc.tracking import Input, find_model, tracked_run

    dataset = open_dataset(params.dataset)
    model = find_model(params.classifier)
    classifier = Classifier.load(model.folder)
    plan = plan_judgement(classifier, dataset, params)
    data = Input(dataset.uri, "dataset", dataset.digest)
    with tracked_run("evaluate", params, nested) as tracked:
        tracked.input(data, "evaluation")
        tracked.resolved(classifier=model.resolved, split=plan.splits)
        predictions, evaluation = judge(plan)
        tracked.metrics(evaluation.metrics, model_id=model.model_id, data=data)
        tracked.csv(predictions.flat_table(), "predictions")
        _log_tables(tracked, evaluation)
    print(f"evaluate: {', '.join(plan.splits)} of {params.dataset}\n{evaluation.as_text()}")
    return evaluation


def _log_tables(tracked: "Run", evaluation: "Evaluation") -> None:
    from ctc.evaluation.plots import confusion_plot

    tracked.table(evaluation.table(), "labels")
    for one in evaluation.labels:
        tracked.table(one.classes, f"{one.label}/classes")
        tracked.csv(one.confusion.reset_index(names="true"), f"{one.label}/confusion")
        if len(one.confusion):
            tracked.figure(confusion_plot(one), f"{one.label}/confusion")


@step_command(EvaluateParams)
def main(params: EvaluateParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
