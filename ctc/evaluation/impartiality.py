"""Which splits are impartial: no classifier is judged by what it was made by."""

from ctc.dataset.mixture import Mixture
from ctc.model.calibration import Calibration
from ctc.model.classifier import Classifier, Origin


def is_impartial(mixture: Mixture, splits: tuple[str, ...], classifier: Classifier) -> bool:
    """Return whether a classifier has not learnt from any of the splits nor was chosen by one."""
    made: list[Origin | Calibration] = [classifier.origin]
    if classifier.calibration:
        made.append(classifier.calibration)
    return not any(made_by(mixture, split, one) for split in splits for one in made)


def made_by(mixture: Mixture, split: str, by: Origin | Calibration) -> bool:
    """Return whether a split is of a dataset, and itself among those, that something is made by.

    The same pictures in another dataset are not recognised.
    """
    holding = (part.dataset for part in mixture.parts if split in part.dataset.splits)
    return split in by.splits and any(one.digest in by.datasets for one in holding)
