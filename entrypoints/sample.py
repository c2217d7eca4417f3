"""Entry point `sample`: draw a small survey."""

from ctc.params import SampleParams
from entrypoints.command import step_command


def run(params: SampleParams, nested: bool = False) -> None:
    """Draw the survey and log how large it is."""
    from pathlib import Path

    from ctc.sample import draw_survey
    from ctc.tracking import tracked_run

    with tracked_run("sample", params, nested) as tracked:
        survey = draw_survey(
            Path(params.output), params.captures, params.size, params.seed, params.broken
        )
        counts = {"captures": survey.captures, "images": survey.images, "broken": survey.broken}
        tracked.metrics(counts)
        tracked.file(survey.table)
    print(f"sample: {survey.captures} captures, {survey.images} images; table: {survey.table}")


@step_command(SampleParams)
def main(params: SampleParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
