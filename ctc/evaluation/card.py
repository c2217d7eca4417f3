"""The model card: what a classifier is, how good and how weak, in Markdown, from the record alone.

Its parts are those of Mitchell et al. 2019 (doi 10.1145/3287560.3287596) that the record knows.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from ctc.evaluation.evaluation import Evaluation, LabelEvaluation
from ctc.evaluation.judging import Judgement
from ctc.evaluation.pages.report import class_rows
from ctc.model.cascade import Cascade
from ctc.model.classifier import Classifier
from ctc.parameter import as_text, parameters
from ctc.params import STEPS
from ctc.pictures.captions import one_line
from ctc.provenance import Training

UNKNOWN = "not recorded"
MARKUP = re.compile(r"([\\`*_\[\]<>|~&#])")
MOST_PLACES, MOST_CLASSES, MOST_WEAK = 20, 40, 3
NO_PART = ("output", "register", "resume")  # of what a training comes to
MADE = "Written by ctc from the record of the run."  # by this a card is told from a person's words


def card(
    name: str,
    classifier: Classifier,
    training: Training | None,
    judged: tuple[Judgement, Evaluation] | None,
) -> str:
    """Return the card; what is not known it says.

    Args:
        name: what the classifier is called: a URI.
        classifier: what it is.
        training: how it came to be; None: no server knows.
        judged: on what it was judged, and what was found; None: it was not.
    """
    parts = [
        _use(name, classifier),
        _learnt(classifier, training),
        _good(judged),
        _weak(judged),
        _accepted(classifier),
        _again(classifier, training),
        [f"*{MADE}*"],
    ]
    return "\n".join(line for part in parts for line in [*part, ""])


def cut(text: str, most: int, where: str) -> str:
    """Return a card of at most so many characters: its first lines, `where` the rest is, the last.

    The database of a registry has no room for more.
    """
    if len(text) <= most:
        return text
    end = f"\n\nThe rest of this card: {where}.\n\n*{MADE}*\n"
    return text[: most - len(end)].rpartition("\n")[0] + end


def markdown(text: object) -> str:
    """Return a text in one line with nothing in it that Markdown takes for its own."""
    return MARKUP.sub(r"\\\1", one_line(str(text)))


def _use(name: str, classifier: Classifier) -> Iterator[str]:
    yield f"# {markdown(name)}"
    yield ""
    yield "A classifier of camera-trap captures. It answers:"
    yield ""
    for label in classifier.labels:
        yield f"- {markdown(label.name)}: one of {len(label.classes)} classes"
    yield ""
    yield "## Intended use"
    yield ""
    yield (
        "To label captures of cameras like those it has learnt from, for people who look at what "
        "it is not sure of. It knows the classes below and no others: whatever else is in a "
        "picture is answered as one of them. At other places and of other species judge it first."
    )


def _learnt(classifier: Classifier, training: Training | None) -> Iterator[str]:
    origin = classifier.origin
    yield "## What it has learnt from"
    yield ""
    own = training and training.step == "train"  # what a cascade was chosen by is no such thing
    data = training.params.get("dataset") if training and own else None
    yield f"- Dataset: {markdown(data or UNKNOWN)} (digest {', '.join(origin.datasets)})"
    yield f"- Splits: {_listed(origin.splits)}"
    yield f"- Places, those of its parents among them: {_places(origin.locations)}"
    yield f"- Dates of the pictures, those of its parents among them: {origin.period or UNKNOWN}"
    yield f"- Trained on: {training.date if training else UNKNOWN}"
    if isinstance(classifier, Cascade):
        yield from _two(classifier)
    else:
        yield f"- Network: {origin.model}, {_pictures(classifier)}"
    if origin.parent:
        yield f"- Parent: {markdown(origin.parent.resolved)} (strategy {origin.strategy})"
    else:
        yield "- Parent: none"
    yield ""
    yield from _counts(classifier, training)


def _pictures(classifier: Classifier) -> str:
    image = classifier.image
    return f"pictures of {image.height} x {image.width} ({image.fit})"


def _two(cascade: Cascade) -> Iterator[str]:
    """Say which two models a cascade asks, and when."""
    gate = cascade.gate
    first, second = (markdown(one.resolved) for one in cascade.made_of)
    yield f"- Asked first: {first}, a {cascade.first.origin.model}, {_pictures(cascade.first)}"
    yield f"- Asked then: {second}, a {cascade.second.origin.model}, {_pictures(cascade.second)}"
    yield (
        f"- When: where the first finds an animal at least {gate.threshold:.3f} probable; that was "
        f"chosen so that {gate.recall:g} of the captures with an animal go on. Of the others the "
        f"second answers {markdown(gate.nothing[0])} without being asked"
    )


def _places(locations: Sequence[str]) -> str:
    if not locations:
        return UNKNOWN
    more = f" and {len(locations) - MOST_PLACES} more" if len(locations) > MOST_PLACES else ""
    return f"{len(locations)}: {_listed(locations[:MOST_PLACES])}{more}"


def _counts(classifier: Classifier, training: Training | None) -> Iterator[str]:
    if training is None or training.counts is None:
        classes = (f"{markdown(one.name)}: {_listed(one.classes)}" for one in classifier.labels)
        yield f"Classes, with numbers of captures {UNKNOWN}: {'; '.join(classes)}"
        return
    rows = [
        (markdown(row["label"]), markdown(row["class"]), row["training"], row["validation"])
        for row in training.counts.to_dict("records")
    ]
    yield from _table(("label", "class", "captures to learn from", "to choose by"), rows)
    if len(rows) > MOST_CLASSES:
        yield ""
        yield f"{len(rows) - MOST_CLASSES} more classes are in class\\_counts.csv of the run."


def _good(judged: tuple[Judgement, Evaluation] | None) -> Iterator[str]:
    yield "## How good it is"
    yield ""
    if judged is None:
        yield "It has not been judged."
        return
    plan, evaluation = judged
    period = plan.mixture.period(plan.splits)
    yield (
        f"Judged on {_listed(plan.splits)} of {markdown(plan.mixture.name)} (digest "
        f"{', '.join(plan.mixture.digests)}), "
        f"{f'pictures from {period}' if period else f'dates of the pictures {UNKNOWN}'}, all "
        f"pictures of a capture combined ({evaluation.setting.aggregate}); with 95 % intervals, "
        "where they were drawn."
    )
    yield ""
    heads = ("label", "captures", "accuracy", "always guessing the commonest", "macro F1")
    yield from _table(heads, [_figures(one) for one in evaluation.labels])


def _figures(one: LabelEvaluation) -> tuple[object, ...]:
    if not one.captures.count:
        return (markdown(one.label), 0, "-", "-", "-")
    guessing = one.figures["majority_accuracy"]
    cells = (_estimate(one, "accuracy"), f"{guessing:.3f}", _estimate(one, "macro_f1"))
    return (markdown(one.label), one.captures.count, *cells)


def _estimate(one: LabelEvaluation, name: str) -> str:
    figure = one.captures.of[name]
    ends = "" if figure.low is None else f" ({figure.low:.3f} to {figure.high:.3f})"
    return f"{figure.value:.3f}{ends}"


def _weak(judged: tuple[Judgement, Evaluation] | None) -> Iterator[str]:
    yield "## Where it is weak"
    yield ""
    if judged is None:
        yield f"This is {UNKNOWN}, for it has not been judged."
        return
    _, evaluation = judged
    for one in evaluation.labels:
        for row in class_rows(one)[:MOST_WEAK]:
            taken = row["taken_for"]
            most = f"; most often taken for {markdown(taken[0])}" if taken else ""
            yield (
                f"- {markdown(one.label)}, {markdown(row['class'])}: F1 {row['f1']:.3f}, recall "
                f"{row['recall']:.3f} of {row['support']} captures{most}"
            )
    for remark in evaluation.remarks:
        yield f"- Mind: {markdown(remark)}"


def _accepted(classifier: Classifier) -> Iterator[str]:
    fitted = classifier.calibration
    yield "## What may be accepted without a look"
    yield ""
    if fitted is None:
        yield f"This is {UNKNOWN}: the classifier is not calibrated."
        return
    yield (
        f"Confidences from which {fitted.target_accuracy:g} of the answers were right on "
        f"{_listed(fitted.splits)}:"
    )
    yield ""
    for label in classifier.labels:
        confidence = fitted.accepted_confidence.get(label.name)
        what = "none reached it" if confidence is None else f"{confidence:.3f}"
        yield f"- {markdown(label.name)}: {what}"


def _again(classifier: Classifier, training: Training | None) -> Iterator[str]:
    yield "## How to make it again"
    yield ""
    if training is None:
        yield f"This is {UNKNOWN}: no run is known that trained it."
        return
    yield (
        f"Run {training.run_id}, ctc {training.version or UNKNOWN}, commit "
        f"{training.commit or UNKNOWN}, with the dataset of digest "
        f"{', '.join(classifier.origin.datasets)}:"
    )
    yield ""
    yield f"    {command(training.params, training.step)}"


def command(params: Mapping[str, str], step: str = "train") -> str:
    """Return the command of a step; what is as by default is left out, but for the seed."""
    known = {one.name: as_text(one.default) for one in parameters(STEPS[step])}
    given = {
        name: text
        for name, text in sorted(params.items())
        if name in known and name not in NO_PART and (text != known[name] or name == "seed")
    }
    options = (f"-P {shlex.quote(f'{name}={text}')}" for name, text in given.items())
    return one_line(" ".join([f"mlflow run . -e {step}", *options]))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(markdown(name) for name in names) or UNKNOWN


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows[:MOST_CLASSES]:
        yield f"| {' | '.join(map(str, row))} |"
