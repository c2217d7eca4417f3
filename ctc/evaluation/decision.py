"""The decision: what becomes of a candidate, with its reasons, in words that are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

from ctc.evaluation.promotion import Comparison

PROMOTED, REFUSED, UNCHANGED = "promoted", "refused", "unchanged"
FORCED = "promoted by force"
OVERTAKEN = "overtaken"  # someone else moved the alias at the same time
ROLLED_BACK = "restored by a rollback"
WOULD = "not moved (dry run), it would be "
KEPT = ("accuracy", "macro_f1")  # what stands on a version besides the figure that decides


@dataclass(frozen=True)
class Decision:
    """What becomes of a candidate.

    Attributes:
        version: the candidate's.
        champion: the version that had the alias when this was decided; None if none had.
        verdict: one of the words above.
        reasons: why it is refused, or would be but for force.
        comparison: both columns of figures, where there is something to compare.
    """

    version: str
    champion: str | None
    verdict: str
    reasons: tuple[str, ...] = ()
    comparison: Comparison | None = None

    @property
    def moves(self) -> bool:
        """Whether the alias is to be given to the candidate."""
        return self.verdict in (PROMOTED, FORCED, ROLLED_BACK)

    @property
    def refused(self) -> bool:
        """Whether the candidate does not get the alias, against what was asked for."""
        return self.verdict in (REFUSED, OVERTAKEN)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else one should know."""
        return self.comparison.remarks if self.comparison else ()

    def dry(self) -> "Decision":
        """Return what is decided without anything being done."""
        return replace(self, verdict=f"{WOULD}{self.verdict}") if self.moves else self

    def overtaken(self, sentence: str) -> "Decision":
        """Return what became of it when someone else moved the alias."""
        return replace(self, verdict=OVERTAKEN, reasons=(sentence, *self.reasons))


def decide(
    version: str,
    champion: str | None,
    comparison: Comparison,
    missing: Sequence[str] = (),
    force: bool = False,
) -> Decision:
    """Decide by what was found, and by what could not be.

    Args:
        version: the candidate's.
        champion: the version it was compared with; None if there is none.
        comparison: of the two.
        missing: what there is no record of, a sentence each.
        force: whether it becomes champion against all reasons.
    """
    reasons = (*missing, *comparison.reasons)
    measured = [comparison.candidate, *([comparison.champion] if champion else [])]
    if None in measured and not reasons:
        reasons = ("it was not measured beside the champion",)
    verdict = (FORCED if force else REFUSED) if reasons else PROMOTED
    return Decision(version, champion, verdict, reasons, comparison)


def as_text(decision: Decision) -> str:
    """Return what was decided and why, a line a sentence."""
    against = f"; the champion was version {decision.champion}" if decision.champion else ""
    lines = [f"version {decision.version}: {decision.verdict}{against}"]
    lines += [*decision.reasons, *(f"Mind: {remark}" for remark in decision.remarks)]
    return "\n  ".join([*lines, *figures_as_text(decision)])


def figures_as_text(decision: Decision, others: Sequence[str] = ()) -> list[str]:
    """Return the figure that decides, and some others: a line a label, with both columns."""
    found = decision.comparison
    if found is None:
        return []
    wanted = found.figures[found.figures["metric"].isin([found.metric, *others])]
    return [
        f"{row['label']}/{row['metric']}: {_figure(row['candidate'])}; champion: "
        f"{_figure(row['champion'])}"
        for row in wanted.to_dict("records")
    ]


def _figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.4f}"


def tags(decision: Decision, run_id: str, why: str | None) -> dict[str, str]:
    """Return what stands on the candidate from now on.

    Args:
        decision: what became of it.
        run_id: of the run that keeps all of it.
        why: what the user gave as the reason.
    """
    named = {
        "decision": decision.verdict,
        "champion": decision.champion,
        "reasons": "\n".join(decision.reasons),
        "figures": "\n".join(figures_as_text(decision, KEPT)),
        "because": why,
        "run": run_id,
    }
    return {f"promotion.{name}": text or "none" for name, text in named.items()}
