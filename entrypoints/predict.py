"""Entry point `predict`: label new pictures."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ctc.params import PredictParams
from entrypoints.command import findings_as_notes, step_command

if TYPE_CHECKING:
    from ctc.prediction.labelling import Labelled, Labelling
    from ctc.prediction.looks.tally import Tally
    from ctc.tracking import Run

LARGEST_LOGGED = 50_000_000  # bytes of an output that the run gets a copy of


def run(params: PredictParams, nested: bool = False) -> None:
    """Label every capture, write what was asked for, log what it comes to."""
    from ctc.model.classifier import Classifier
    from ctc.prediction.labelling import label_all, plan_labelling
    from ctc.prediction.photos.sources import captures_of
    from ctc.prediction.plan import remarks_of
    from ctc.tracking import find_model, tracked_run

    captures = captures_of(params)
    model = find_model(params.classifier, offline=params.offline)
    classifier = Classifier.load(model.folder)
    plan = plan_labelling(params, captures, classifier, model.folder, model.resolved)
    with tracked_run("predict", params, nested) as tracked:
        aggregate, source = plan.asked.aggregate, captures.kind
        tracked.resolved(classifier=model.resolved, aggregate=aggregate, source=source)
        if plan.asked.allowed:
            tracked.json(plan.asked.allowed, "allowed_classes")
        done = label_all(plan)
        tracked.resolved(batch_size=done.answered.batch_size)
        _log_outputs(tracked, plan)
        on = [str(done.passed)] if done.passed else []
        notes = [*on, *done.answered.remarks, *_log(tracked, plan, done)]
    failed = f"; {done.tally.failed} of them could not be read" if done.tally.failed else ""
    written = ", ".join(plan.outputs.values())
    print(f"predict: {done.tally.captures} captures{failed}; written to {written}")
    for note in (*remarks_of(plan.asked), *notes, *findings_as_notes(captures.findings)):
        print(f"  {note}")


def _log_outputs(tracked: "Run", plan: "Labelling") -> None:
    """Log the files that were written here, unless they are large."""
    from ctc.storage import is_s3, local_path

    for path in (local_path(uri) for uri in plan.outputs.values() if not is_s3(uri)):
        if path.is_file() and path.stat().st_size <= LARGEST_LOGGED:
            tracked.file(path)


def _log(tracked: "Run", plan: "Labelling", done: "Labelled") -> list[str]:
    """Log counts, tables and sheets; return what a person should know, a sentence each."""
    from ctc.inventory.findings import case_table
    from ctc.prediction.looks.sheets import sheets_of

    tally, captures = done.tally, plan.captures
    on = done.passed.figures if done.passed else {}
    tracked.metrics(tally.metrics | done.answered.speed | on)
    tracked.table(tally.class_table(), "classes")
    if tally.failures:
        tracked.table(tally.failure_table(), "failures")
    if captures.findings:
        tracked.csv(case_table(captures.findings), "findings")
    for name, sheet in sheets_of(tally, captures).items():
        tracked.image(sheet, f"sheets/{name}")
    return list(_log_drift(tracked, tally))


def _log_drift(tracked: "Run", tally: "Tally") -> Iterator[str]:
    """Log how far the pictures are from those that were learnt from; yield what is large."""
    from ctc.prediction.looks.drift import drift_table, warnings

    drifts = tally.drifts
    if not drifts:
        yield "drift: unknown, for the classifier does not know what it has learnt from"
        return
    tracked.metrics({f"drift/{one.of}": one.index for one in drifts})
    tracked.table(drift_table(drifts), "drift")
    found = [*warnings(drifts)]
    tracked.text("\n".join(found) or "no large drift", "drift")
    yield from (f"Mind: {sentence}" for sentence in found)


@step_command(PredictParams)
def main(params: PredictParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
