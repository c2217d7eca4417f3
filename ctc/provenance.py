"""Where a classifier comes from, as a tracking server knows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # those who only pass it on need no pandas
    import pandas as pd


@dataclass(frozen=True)
class Training:
    """What a tracking server knows of a training, or of how a cascade was made of two models.

    Attributes:
        step: that made the model, `train` or `cascade`.
        run_id: of its run.
        date: when it began, as YYYY-MM-DD.
        params: its parameters, as text that its options read.
        counts: see `ctc.model.planning.training_plan.TrainingPlan.class_table`; None if unknown.
        commit: of the code in Git; None if unknown.
        version: of ctc; None if unknown.
    """

    step: str
    run_id: str
    date: str
    params: Mapping[str, str]
    counts: "pd.DataFrame | None"
    commit: str | None
    version: str | None
