"""The records that a promotion rests on: found on the tracking server, or else made."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ctc.errors import BadInput
from ctc.parameter import words
from ctc.params import EvaluateParams, PromoteParams
from entrypoints import evaluate

if TYPE_CHECKING:
    from ctc.evaluation.record import Record
    from ctc.labels import Label
    from ctc.model.classifier import Description
    from ctc.tracking import Evaluated


class Unmeasured(Exception):
    """There is no record to decide by; its text is one sentence: what is missing."""


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        number: as the registry has it.
        uri: where it is found.
        about: what it is; None for one that is no classifier of ctc.
        evaluations: the latest first; of the classifier as it is used, its pictures combined as it
            was calibrated.
    """

    number: str
    uri: str
    about: "Description | None"
    evaluations: "tuple[Evaluated, ...]"

    def on(self, ground: "Ground") -> "Evaluated | None":
        """Return the latest evaluation on some captures."""
        return next((one for one in self.evaluations if ground_of(one) == ground), None)

    @property
    def grounds(self) -> str:
        """What it has been judged on, for sentences."""
        found = dict.fromkeys(str(ground_of(one)) for one in self.evaluations)
        return "; ".join(found) or "nothing"


@dataclass(frozen=True)
class Ground:
    """The captures on which versions are compared: splits of a dataset, by its digest."""

    dataset: str
    splits: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.splits)} of dataset {self.dataset}"


def ground_of(found: "Evaluated") -> Ground:
    """Return the captures of an evaluation."""
    return Ground(found.dataset, words("split", found.params.get("resolved.split", "")))


def find_version(uri: str) -> Version:
    """Return a version and what has been found of it."""
    from ctc.model.classifier import ABOUT, read_description
    from ctc.tracking import evaluations_of, find_description

    number = uri.rpartition("/")[2]
    try:
        model = find_description(uri, ABOUT)
        about = read_description(model.folder)
    except BadInput:
        return Version(number, uri, None, ())
    found = evaluations_of(model.model_id) if model.model_id else []
    usual = EvaluateParams.aggregate
    used = tuple(one for one in found if one.params.get("aggregate", usual) == usual)
    return Version(number, uri, about, used)


def common_ground(versions: Sequence[Version], pattern: str) -> Ground:
    """Return the captures that all versions have been judged on, the latest of the first.

    Raises:
        Unmeasured: if there are none, with what each has been judged on.
    """
    for one in versions[0].evaluations:
        ground = ground_of(one)
        fits = ground.splits and all(fnmatchcase(split, pattern) for split in ground.splits)
        if fits and all(version.on(ground) for version in versions):
            return ground
    judged = "; ".join(f"version {one.number} on {one.grounds}" for one in versions)
    raise Unmeasured(f"there is nothing that fits '{pattern}' to compare on; judged are {judged}")


def dataset_ground(uri: str, pattern: str) -> Ground:
    """Return the captures of a dataset to compare on.

    Raises:
        Unmeasured: if there is no such dataset.
        BadInput: if it has no such split.
    """
    from ctc.dataset.manifest import read_manifest
    from ctc.dataset.mixture import Mixture

    try:
        dataset = read_manifest(uri)
    except BadInput as error:
        raise Unmeasured(str(error)) from error
    return Ground(dataset.digest, Mixture.of(dataset).matching(pattern))


def record_on(ground: Ground, version: Version, params: PromoteParams) -> "Record":
    """Return what was found of a version on some captures; judge it now if nothing was.

    Raises:
        Unmeasured: if it cannot be judged, or has learnt from what it is to be judged on.
    """
    if version.about is None:
        raise Unmeasured(f"version {version.number} is no classifier of ctc that can be read")
    origin = version.about.origin
    learnt_from = {*origin.splits} & {*ground.splits}
    if learnt_from and ground.dataset in origin.datasets:
        raise Unmeasured(f"version {version.number} has learnt from {', '.join(learnt_from)}")
    found = version.on(ground)
    if found is None:
        found = _judge_now(version, params).on(ground)
    if found is None:
        raise Unmeasured(f"version {version.number} has not been judged on {ground}")
    return _record(version.number, version.about.labels, found)


def _judge_now(version: Version, params: PromoteParams) -> Version:
    """Return a version with an evaluation more, which is a run of its own.

    Raises:
        Unmeasured: if it cannot be judged.
    """
    if params.dataset is None:
        return version
    print(f"promote: version {version.number} has no record on this dataset and split: judging it")
    asked = EvaluateParams(
        classifier=version.uri,
        dataset=params.dataset,
        split=params.split,
        batch_size=params.batch_size,
        private=params.private,
    )
    try:
        evaluate.run(asked, nested=True)
    except BadInput as error:
        raise Unmeasured(f"version {version.number} cannot be judged: {error}") from error
    return find_version(version.uri)


def _record(number: str, labels: "Sequence[Label]", found: "Evaluated") -> "Record":
    from ctc.evaluation.record import Record

    figures: dict[str, dict[str, float]] = {}
    for name, value in found.metrics.items():
        _, label, figure = name.rsplit("/", 2)
        figures.setdefault(label, {})[figure] = value
    return Record(number, tuple(labels), figures, found.classes)
