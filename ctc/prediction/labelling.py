"""The whole of `predict` but for its run: from the captures of a source to the written files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctc import storage
from ctc.model.cascade import Cascade
from ctc.model.classifier import Classifier
from ctc.params import PredictParams
from ctc.prediction.asking.batch_sizes import batch_size_of
from ctc.prediction.asking.cascading import Passed, counted
from ctc.prediction.formats import check_outputs, outputs_of, write_all
from ctc.prediction.looks.tally import Tally
from ctc.prediction.meaning.judged import Asked, judge
from ctc.prediction.photos.captures import Captures
from ctc.prediction.plan import asked_of
from ctc.prediction.stored.answering import Answered, answered
from ctc.prediction.stored.resuming import Question
from ctc.tasks import RAY, check_engine


@dataclass(frozen=True)
class Labelling:
    """What is to be labelled, by whom, and what becomes of it.

    Attributes:
        params: of the step.
        classifier: who answers.
        folder: where its files lie.
        captures: what it is asked about.
        outputs: where each format goes.
        asked: how its answers are taken.
        question: what decides its answers.
    """

    params: PredictParams
    classifier: Classifier
    folder: Path
    captures: Captures
    outputs: Mapping[str, str]
    asked: Asked
    question: Question


@dataclass(frozen=True)
class Labelled:
    """What came of it.

    Attributes:
        tally: what all answers come to.
        answered: how they came about; they themselves are in the outputs.
        passed: of a cascade, how many captures went on to its second classifier.
    """

    tally: Tally
    answered: Answered
    passed: Passed | None = None


def plan_labelling(
    params: PredictParams, captures: Captures, classifier: Classifier, folder: Path, model: str
) -> Labelling:
    """Check everything before any picture is decoded.

    Args:
        params: of the step.
        captures: what is to be labelled; see `captures_of`.
        classifier: who answers.
        folder: where it lies.
        model: where it was found, with its version.

    Raises:
        BadInput: for what cannot be written or asked.
    """
    check_engine(params.engine)
    outputs = outputs_of(params.format, params.output)
    asked = asked_of(params, captures, model, classifier)
    check_outputs(outputs, asked)
    batch_size_of(params.batch_size, classifier.image)
    question = Question.of(folder, captures, params.batch_size)
    return Labelling(params, classifier, folder, captures, outputs, asked, question)


def label_all(plan: Labelling) -> Labelled:
    """Answer every capture, write all outputs, count.

    Raises:
        BadInput: if another run writes this output, or there is no cluster.
        CannotGoOn: if the memory is not enough for the batch size that was asked for, or a cluster
            is lost.
    """
    params, classifier = plan.params, plan.classifier
    seen, allowed = classifier.origin.seen, plan.asked.allowed
    tally = Tally(classifier.labels, seen, params.private, allowed)
    place = (plan.captures, params.output, params.resume)
    elsewhere = plan.folder if params.engine == RAY else None
    on = Passed(classifier.gate.label) if isinstance(classifier, Cascade) else None
    with answered(classifier, plan.question, *place, elsewhere) as answers:
        for uri in plan.outputs.values():
            if not storage.is_s3(uri):
                storage.sweep_beside(storage.local_path(uri))
        for one in write_all((judge(a, plan.asked) for a in answers), plan.outputs, plan.asked):
            tally.add(one.answer, one.rows)
            if on and isinstance(classifier, Cascade):
                on = counted(on, classifier, one.answer)
    return Labelled(tally, answers, on)
