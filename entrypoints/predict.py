"""Entry point `predict`: label new pictures."""

from ctc.params import PredictParams
from entrypoints.command import findings_as_notes, step_command


def run(params: PredictParams, nested: bool = False) -> None:
    """Label every capture, write the table, log the counts."""
    from ctc.model.classifier import Classifier
    from ctc.prediction.exports import check_output, write_csv
    from ctc.prediction.predicting import predict, resolved_aggregate
    from ctc.prediction.sources import captures_of
    from ctc.progress import Progress
    from ctc.tracking import find_model, tracked_run

    captures = captures_of(params)
    check_output(params.output)
    model = find_model(params.classifier)
    classifier = Classifier.load(model.folder)
    with tracked_run("predict", params, nested) as tracked:
        aggregate = resolved_aggregate(classifier, params.aggregate)
        tracked.resolved(classifier=model.resolved, aggregate=aggregate)
        with Progress("predict", len(captures), "captures") as progress:
            predictions = predict(classifier, captures, params.batch_size, progress, aggregate)
        write_csv(predictions, params.output)
        tracked.metrics({"captures": predictions.captures, "failed": predictions.failed})
        tracked.csv(predictions.flat_table(), "predictions")
        tracked.table(predictions.class_counts(), "classes")
    failed = f"; {predictions.failed} of them could not be read" if predictions.failed else ""
    print(f"predict: {predictions.captures} captures{failed}; written to {params.output}")
    for note in findings_as_notes(captures.findings):
        print(f"  {note}")


@step_command(PredictParams)
def main(params: PredictParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
