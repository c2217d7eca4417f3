"""Entry point `export`: write a classifier as a file that other programs run."""

from ctc.params import ExportParams
from entrypoints.command import step_command
from entrypoints.models import ancestor


def run(params: ExportParams, nested: bool = False) -> None:
    """Write the file and what its answers mean, compare its answers, log both."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from ctc import storage
    from ctc.model.cascade import check_single
    from ctc.model.classifier import Classifier
    from ctc.model.exporting.exporting import check_output, export
    from ctc.model.exporting.formats import FORMATS
    from ctc.tracking import find_model, tracked_run

    kind = FORMATS[params.format]
    output = f"data/classifier{kind.ending}" if params.output == "auto" else params.output
    kind.check()
    check_output(output, kind)
    model = find_model(params.classifier)
    classifier = Classifier.load(model.folder)
    check_single(classifier, "classifier")
    source = ancestor(model.uri, model)
    with tracked_run("export", params, nested) as tracked, TemporaryDirectory() as folder:
        tracked.resolved(classifier=model.resolved, output=output)
        if model.model_id is not None:
            tracked.model_input(model.model_id)
        exported = export(classifier, kind, Path(folder) / storage.name(output), source)
        size = exported.path.stat().st_size
        tracked.metrics({"bytes": size, "largest_difference": exported.difference})
        for path in (exported.path, exported.about):
            tracked.file(path)
        exported.put(output)
    print(
        f"export: {output}, {size / 1e6:.1f} MB; its probabilities are the classifier's to "
        f"{exported.difference:.1g}"
    )


@step_command(ExportParams)
def main(params: ExportParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
