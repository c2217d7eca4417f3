"""What follows a training: the classifier is calibrated on one part and judged on another."""

from dataclasses import dataclass

from ctc.errors import BadInput
from ctc.evaluation.calibrating import Calibrating
from ctc.evaluation.judging import Judgement, check_answers, columns, plan_judgement
from ctc.model.classifier import Classifier
from ctc.model.planning.training_plan import TrainingPlan
from ctc.params import EvaluateParams, TrainParams
from ctc.prediction.aggregation import MEAN
from ctc.prediction.predicting import AUTO

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
    try:
        return Examination(calibrating, _test(plan, params))
    except BadInput as error:
        if params.test_split != AUTO:
            raise
        return Examination(calibrating, None, (f"the model will not be judged: {error}",))


def _test(plan: TrainingPlan, params: TrainParams) -> EvaluateParams | None:
    """Return what the classifier is judged on.

    Raises:
        BadInput: for splits that it learns from or is chosen by, and those it cannot answer.
    """
    if params.test_split is None:
        return None
    mixture = plan.validation.mixture
    pattern = TEST if params.test_split == AUTO else params.test_split
    splits = mixture.matching(pattern)
    used = {*plan.training.splits, *plan.validation.splits}
    for split in splits:
        if split in used:
            raise BadInput(f"test_split: '{split}' is learnt from, or chosen by")
    check_answers(plan.labels, mixture, splits)
    columns(mixture, splits, params.by)
    return EvaluateParams(
        dataset=" ".join(params.dataset),
        split=pattern,
        batch_size=plan.validation.batch_size,
        aggregate=params.aggregate,
        by=params.by,
        bootstrap=params.bootstrap,
        seed=params.seed,
        private=params.private,
    )
