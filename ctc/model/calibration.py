"""How sure a classifier may be: what was fitted on captures that it has not learnt from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Calibration:
    """Temperatures and confidences, and what they were fitted on.

    `ctc.evaluation` fits them at the end of a training; here they are kept and used.

    Attributes:
        datasets: digests of the datasets that they were fitted on.
        splits: their splits that they were fitted on; no figure of these is impartial.
        aggregate: how the pictures of a capture were combined.
        target_accuracy: the share of right answers that accepted captures are to reach.
        temperatures: of each label; its logits are divided by it (Guo et al. 2017,
            arXiv:1706.04599). A label that is not named has 1.
        accepted_confidence: of each label the confidence from which an answer is accepted. A
            label that is not named reaches the target with none.
    """

    datasets: tuple[str, ...]
    splits: tuple[str, ...]
    aggregate: str
    target_accuracy: float
    temperatures: Mapping[str, float]
    accepted_confidence: Mapping[str, float]

    def accepts(self, label: str, confidence: float) -> bool:
        """Return whether an answer may stand without a person looking at it."""
        return confidence >= self.accepted_confidence.get(label, float("inf"))


def read_calibration(about: Mapping[str, Any]) -> Calibration:
    """Read what `dataclasses.asdict` made of a calibration.

    Raises:
        KeyError, TypeError, ValueError: if it is none.
    """
    return Calibration(
        datasets=tuple(about["datasets"]),
        splits=tuple(about["splits"]),
        aggregate=about["aggregate"],
        target_accuracy=float(about["target_accuracy"]),
        temperatures={name: float(value) for name, value in about["temperatures"].items()},
        accepted_confidence={
            name: float(value) for name, value in about["accepted_confidence"].items()
        },
    )
