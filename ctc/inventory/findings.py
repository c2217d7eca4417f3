"""What was noticed about a survey: counted, with every case listed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # its import takes longer than all else here
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Case:
    """One occurrence of a finding.

    Attributes:
        subject: what it is about: a capture, a picture, a class.
        place: where the source says it, such as "data row 17"; empty where it has no place.
        detail: what more is known, such as the other picture of a pair.
    """

    subject: str
    place: str = ""
    detail: str = ""

    def __str__(self) -> str:
        inside = "; ".join(filter(None, (self.place, self.detail)))
        return f"{self.subject} ({inside})" if inside else self.subject


@dataclass(frozen=True)
class Finding:
    """Something in the source that a person should know of.

    Attributes:
        what: one short sentence without its subject's number, such as "captures without a picture".
        count: how many there are.
        example: one of them, with its place.
        column: the column it is about, if it is about one.
        cases: all of them; an inventory read back from its file has none.
    """

    what: str
    count: int
    example: str
    column: str = ""
    cases: tuple[Case, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def of(cls, what: str, cases: Sequence[Case], column: str = "") -> "Finding":
        """Count cases, of which there is at least one."""
        return cls(what, len(cases), str(cases[0]), column, tuple(cases))

    @property
    def summary(self) -> dict[str, Any]:
        """The finding without its cases."""
        return {"what": self.what, "count": self.count, "example": self.example} | {
            "column": self.column
        }


def summary_table(findings: Iterable[Finding]) -> "pd.DataFrame":
    """Return a row a finding."""
    import pandas as pd

    columns = ["what", "count", "example", "column"]
    return pd.DataFrame([one.summary for one in findings], columns=columns)


def case_table(findings: Iterable[Finding]) -> "pd.DataFrame":
    """Return a row a case."""
    import pandas as pd

    columns = ["what", "column", "subject", "place", "detail"]
    rows = [
        (one.what, one.column, case.subject, case.place, case.detail)
        for one in findings
        for case in one.cases
    ]
    return pd.DataFrame(rows, columns=columns)
