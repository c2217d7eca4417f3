"""Entry point `predict`: label new pictures."""

from ctc.params import PredictParams
from entrypoints.command import findings_as_notes, step_command


def run(params: PredictParams, nested: bool = False) -> None:
    """Label every capture, write what was asked for, log the counts."""
    from ctc.model.classifier import Classifier
    from ctc.prediction.asking import asked_of
    from ctc.prediction.formats import check_outputs, outputs_of, write_all
    from ctc.prediction.judged import judge
    from ctc.prediction.predicting import answer
    from ctc.prediction.predictions import Predictions
    from ctc.prediction.sources import captures_of
    from ctc.progress import Progress
    from ctc.tracking import find_model, tracked_run

    captures = captures_of(params)
    outputs = outputs_of(params.format, params.output)
    model = find_model(params.classifier)
    classifier = Classifier.load(model.folder)
    asked = asked_of(params, captures, model.resolved, classifier)
    check_outputs(outputs, asked)
    with tracked_run("predict", params, nested) as tracked:
        tracked.resolved(classifier=model.resolved, aggregate=asked.aggregate)
        if asked.allowed:
            tracked.json(asked.allowed, "allowed_classes")
        with Progress("predict", len(captures), "captures") as progress:
            said = answer(classifier, captures, params.batch_size, progress)
            written = write_all((judge(one, asked) for one in said), outputs, asked)
            rows = [row for one in written for row in one.rows.values()]
        predictions = Predictions(tuple(rows))
        tracked.metrics({"captures": predictions.captures, "failed": predictions.failed})
        tracked.csv(predictions.flat_table(), "predictions")
        tracked.table(predictions.class_counts(), "classes")
    failed = f"; {predictions.failed} of them could not be read" if predictions.failed else ""
    print(
        f"predict: {predictions.captures} captures{failed}; written to "
        f"{', '.join(outputs.values())}"
    )
    for note in findings_as_notes(captures.findings):
        print(f"  {note}")


@step_command(PredictParams)
def main(params: PredictParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
