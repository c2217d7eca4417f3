"""What follows a training: the classifier is calibrated on one part and judged on another."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.evaluation.calibrating import Calibrating
from ctc.evaluation.judging import Judgement, check_answers, columns, plan_judgement
from ctc.labels import Label
from ctc.model.classifier import Classifier
from ctc.model.planning.training_plan import TrainingPlan
from ctc.params import CascadeParams, EvaluateParams, TrainParams
from ctc.prediction.asking.predicting import AUTO
from ctc.prediction.meaning.aggregation import MEAN

TEST = "test*"  # what a training is judged on where nothing else is asked for


@dataclass(frozen=True)
class Examination:
    """How a classifier will be calibrated and judged, decided before it is trained.

    Attributes:
        calibrating: on the splits that choose the best epoch.
        test: what it is judged on; None: it is not.
        remarks: why it is not judged, if nobody asked for that.
    """

    calibrating: Calibrating
    test: EvaluateParams | None
    remarks: tuple[str, ...] = ()

    def judgement(self, classifier: Classifier) -> Judgement | None:
        """Return how the calibrated classifier is judged, if it is."""
        if self.test is None:
            return None
        return plan_judgement(classifier, self.calibrating.mixture, self.test)


def plan_examination(plan: TrainingPlan, params: TrainParams) -> Examination:
    """Decide what a classifier is calibrated and judged on.

    Raises:
        BadInput: for a `test_split` that was given and cannot be judged on.
    """
    validation = plan.validation
    calibrating = Calibrating(
        mixture=validation.mixture,
        splits=validation.splits,
        batch_size=validation.batch_size,
        target_accuracy=params.target_accuracy,
        aggregate=MEAN if params.aggregate == AUTO else params.aggregate,
    )
    used = {*plan.training.splits, *plan.validation.splits}
    dataset = " ".join(params.dataset)
    test, remarks = planned_test(params, dataset, calibrating, plan.labels, used)
    return Examination(calibrating, test, remarks)


def planned_test(
    params: TrainParams | CascadeParams,
    dataset: str,
    calibrating: Calibrating,
    labels: Sequence[Label],
    used: Collection[str],
) -> tuple[EvaluateParams | None, tuple[str, ...]]:
    """Return what a classifier is judged on, if it is, and why not, if nobody asked for that.

    Args:
        params: of the step.
        dataset: its datasets.
        calibrating: on what it is calibrated.
        labels: that it answers.
        used: splits that it has learnt from or is chosen by.

    Raises:
        BadInput: for a `test_split` that was given and cannot be judged on.
    """
    if params.test_split is None:
        return None, ()
    pattern = TEST if params.test_split == AUTO else params.test_split
    try:
        _check_test(pattern, calibrating.mixture, labels, used)
        columns(calibrating.mixture, calibrating.mixture.matching(pattern), params.by)
    except BadInput as error:
        if params.test_split != AUTO:
            raise
        return None, (f"the model will not be judged: {error}",)
    test = EvaluateParams(
        dataset=dataset,
        split=pattern,
        batch_size=calibrating.batch_size,
        aggregate=params.aggregate,
        by=params.by,
        bootstrap=params.bootstrap,
        seed=params.seed,
        private=params.private,
    )
    return test, ()


def _check_test(
    pattern: str, mixture: Mixture, labels: Sequence[Label], used: Collection[str]
) -> None:
    """Refuse splits that the classifier learns from or is chosen by, and those it cannot answer."""
    splits = mixture.matching(pattern)
    for split in splits:
        if split in used:
            raise BadInput(f"test_split: '{split}' is learnt from, or chosen by")
    check_answers(labels, mixture, splits)
