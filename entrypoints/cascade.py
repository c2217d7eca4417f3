"""Entry point `cascade`: make one model of two, the second asked where an animal is likely."""

from typing import TYPE_CHECKING

from ctc.params import CascadeParams
from entrypoints import evaluate
from entrypoints.cards import log_card
from entrypoints.command import step_command
from entrypoints.models import Logging, ancestor, first_picture, log_model

if TYPE_CHECKING:
    from ctc.evaluation.cascading import Made, Model, Plan
    from ctc.tracking import Run


def run(params: CascadeParams, nested: bool = False) -> str | None:
    """Choose when the second model is asked, log and judge what comes of both.

    Returns:
        The version, if it was registered.
    """
    from ctc.dataset.manifest import open_dataset
    from ctc.dataset.mixture import Mixture
    from ctc.evaluation.cascading import make_cascade, plan_cascade
    from ctc.evaluation.judging import plan_judgement, split_name
    from ctc.evaluation.tables import as_text
    from ctc.model.classifier import check_output
    from ctc.storage import local_path
    from ctc.tracking import OWN, check_name, tracked_run

    mixture = Mixture.of(open_dataset(params.dataset))
    models = (
        _model(params.empty, "empty", params.offline),
        _model(params.species, "species", params.offline),
    )
    plan = plan_cascade(*models, mixture, params)
    output = local_path(params.output)
    check_output(output)
    check_name(params.register)
    for remark in plan.remarks:
        print(f"cascade: {remark}")
    choosing, text = plan.choosing, ""
    with tracked_run("cascade", params, nested) as tracked:
        _log_plan(tracked, plan, params.dataset)
        made = make_cascade(plan)
        made.cascade.save(output)
        figures = _log_made(tracked, made, split_name(params.val_split, choosing.splits))
        picture = first_picture(mixture, choosing.splits)
        how = Logging(figures, 0, picture, params.register)
        logged = log_model(tracked, made.cascade, output, how)
        judged = None
        if plan.test is not None:
            at = (logged.uri, OWN)
            judgement = plan_judgement(made.cascade, mixture, plan.test)
            judged = (judgement, evaluate.judged(tracked, judgement, *at))
            text = f"\ncascade: judged on {', '.join(judgement.splits)}\n{as_text(judged[1])}"
        log_card(tracked, logged.uri, made.cascade, tracked.key, judged)
    print(f"cascade: on {', '.join(choosing.splits)} {made.passed}")
    for remark in made.remarks:
        print(f"cascade: {remark}")
    print(f"cascade: classifier in {params.output}{logged.where}{text}")
    return logged.version


def _model(uri: str, name: str, offline: bool) -> "Model":
    from ctc.evaluation.cascading import Model
    from ctc.model.classifier import Classifier
    from ctc.tracking import find_model

    found = find_model(uri, name, offline)
    return Model(Classifier.load(found.folder), ancestor(uri, found))


def _log_plan(tracked: "Run", plan: "Plan", dataset: str) -> None:
    """Say what the cascade is made of and chosen by; an alias may move later."""
    from ctc.tracking import Input

    choosing = plan.choosing
    tracked.input(Input(dataset, "dataset", choosing.mixture.digests[0]), "validation")
    first, second = plan.first.source, plan.second.source
    tracked.resolved(
        empty=first.resolved,
        species=second.resolved,
        val_split=choosing.splits,
        aggregate=choosing.aggregate,
    )
    for source in (first, second):
        if source.model_id is not None:
            tracked.model_input(source.model_id)


def _log_made(tracked: "Run", made: "Made", split: str) -> dict[str, float]:
    """Log when the second model is asked, and how often it was; return these figures."""
    gate = made.cascade.gate
    figures = {f"{split}/{gate.label}/{name}": v for name, v in made.passed.figures.items()}
    figures |= {f"{split}/{gate.label}/threshold": gate.threshold}
    tracked.metrics(figures)
    return figures


@step_command(CascadeParams)
def main(params: CascadeParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
