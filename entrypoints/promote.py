"""Entry point `promote`: make a version the champion, if it is no worse than the one there is."""

import sys
from typing import TYPE_CHECKING

from ctc.errors import BadInput
from ctc.params import PromoteParams
from entrypoints.command import step_command
from entrypoints.records import (
    Ground,
    Unmeasured,
    Version,
    common_ground,
    dataset_ground,
    find_version,
    record_on,
)

if TYPE_CHECKING:
    from ctc.evaluation.decision import Decision
    from ctc.evaluation.promotion import Terms
    from ctc.evaluation.record import Record
    from ctc.tracking import Run, Standing

# A refusal is a result: its run is FINISHED, and the command ends with an exit code of its own.
REFUSED = 3


def run(params: PromoteParams, nested: bool = False) -> "Decision":
    """Decide whether a version becomes champion, move the alias, and keep why."""
    from ctc.evaluation.decision import as_text
    from ctc.evaluation.promotion import Terms, check_terms
    from ctc.tracking import tracked_run

    terms = Terms(params.metric, params.min_gain, params.max_class_drop)
    check_terms(terms)
    seen = _standing(params)
    with tracked_run("promote", params, nested) as tracked:
        tracked.resolved(version=seen.version, champion=seen.holder)
        decision = _decide(tracked, seen, terms, params)
        decision = decision.dry() if params.dry_run else _carry_out(tracked, seen, decision, params)
        _log(tracked, decision)
    print(f"promote: models:/{seen.name}@{seen.alias}, {as_text(decision)}")
    return decision


def _standing(params: PromoteParams) -> "Standing":
    """Return which version is to have the alias, and which has it.

    Raises:
        BadInput: if there is no such version, or the alias cannot be used.
    """
    from ctc.tracking import CHAMPION, standing, standing_before

    if not params.rollback:
        return standing(params.name, params.version, params.alias)
    if params.alias != CHAMPION:
        raise BadInput(f"rollback: found alias '{params.alias}'; allowed: '{CHAMPION}'")
    if params.version != PromoteParams.version:
        raise BadInput("rollback goes to the version before; to another one, promote that version")
    return standing_before(params.name)


def _decide(tracked: "Run", seen: "Standing", terms: "Terms", params: PromoteParams) -> "Decision":
    """Decide what is to be done; nothing moves yet."""
    from ctc.evaluation.decision import ROLLED_BACK, UNCHANGED, Decision, decide
    from ctc.evaluation.promotion import compare

    if params.rollback:
        return Decision(seen.version, seen.holder, ROLLED_BACK)
    if seen.version == seen.holder:
        return Decision(seen.version, seen.holder, UNCHANGED)
    numbers = [seen.version, seen.holder] if seen.holder else [seen.version]
    versions = [find_version(seen.uri(number)) for number in numbers]
    records: list[Record | None] = [None, None]
    try:
        ground = _ground(versions, params)
    except Unmeasured as error:
        missing = [str(error)]
    else:
        tracked.resolved(dataset=ground.dataset, split=ground.splits)
        records, missing = _records(ground, versions, params)
    comparison = compare(records[0], records[1], terms)
    return decide(seen.version, seen.holder, comparison, missing, params.force)


def _ground(versions: "list[Version]", params: PromoteParams) -> "Ground":
    if params.dataset is None:
        return common_ground(versions, params.split)
    return dataset_ground(params.dataset, params.split)


def _records(
    ground: "Ground", versions: "list[Version]", params: PromoteParams
) -> "tuple[list[Record | None], list[str]]":
    """Return the candidate's record and the champion's, and what is missing in a sentence each."""
    records: list[Record | None] = []
    missing = []
    for version in versions:
        try:
            records.append(record_on(ground, version, params))
        except Unmeasured as error:
            records.append(None)
            missing.append(str(error))
    return [*records, None][:2], missing


def _carry_out(
    tracked: "Run", seen: "Standing", decision: "Decision", params: PromoteParams
) -> "Decision":
    """Move the alias if that was decided, and say on the version what became of it."""
    from ctc.evaluation.decision import UNCHANGED, tags
    from ctc.tracking import Overtaken, promote, roll_back, tag_version

    try:
        if params.rollback:
            roll_back(seen, tracked.key)
        elif decision.moves:
            promote(seen, tracked.key)
    except Overtaken as error:
        decision = decision.overtaken(str(error))
    if decision.verdict != UNCHANGED:
        tag_version(seen.name, seen.version, tags(decision, tracked.key, params.reason))
    return decision


def _log(tracked: "Run", decision: "Decision") -> None:
    """Keep the decision, its reasons and both columns of figures."""
    from ctc.evaluation.decision import as_text

    tracked.tags(decision=decision.verdict, reasons="\n".join(decision.reasons))
    tracked.text(as_text(decision), "decision")
    found = decision.comparison
    if found is None:
        return
    sides = {"candidate": found.candidate, "champion": found.champion}
    tracked.metrics({f"{k}/{found.metric}": v for k, v in sides.items() if v is not None})
    tracked.table(found.figures, "comparison/figures")
    if found.recalls is not None:
        tracked.table(found.recalls, "comparison/recalls")


@step_command(PromoteParams)
def main(params: PromoteParams) -> None:
    """Run as a command."""
    if run(params).refused:
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
