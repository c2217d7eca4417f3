"""What a training takes over from its parent, decided before any work."""

from dataclasses import replace
from typing import cast

from ctc import storage
from ctc.dataset.image_spec import Fit, ImageSpec
from ctc.dataset.mixture import Mixture
from ctc.errors import BadInput
from ctc.labels import chosen
from ctc.model.parents import Parent
from ctc.model.planning.heads import (
    Heads,
    contradictions,
    heads_of_dataset,
    heads_of_parent,
    new_head_remarks,
    unknown_classes,
)
from ctc.model.planning.phases import check_phases, unfrozen_rate
from ctc.parameter import as_text
from ctc.params import TrainParams

STACKS = "grayscale_stack"
ALONE, SIDE = "tiny", 224  # the network and the height and width without a parent
OF_PARENTS = {"strategy": "auto", "unknown": "refuse", "keep_heads": True}  # and their defaults


def decided(
    mixture: Mixture, params: TrainParams, train: tuple[str, ...], parent: Parent | None
) -> TrainParams:
    """Return the parameters with what `auto` comes to.

    Raises:
        BadInput: for parameters that contradict each other or the parent.
    """
    _check_parent(params, parent)
    if parent is None:
        strategy, model = params.strategy, ALONE
    else:
        strategy, model = _strategy(mixture, params, train, parent), parent.classifier.origin.model
    of_strategy = "heads" if strategy == "transfer" else "all"
    params = replace(
        params,
        model=model if params.model == "auto" else params.model,
        strategy=strategy,
        trainable=of_strategy if params.trainable == "auto" else params.trainable,
    )
    _check_strategy(params)
    check_phases(params)
    if params.unfreeze_epoch is None:
        return params
    return replace(params, unfreeze_learning_rate=unfrozen_rate(params))


def decided_heads(
    mixture: Mixture, params: TrainParams, train: tuple[str, ...], parent: Parent | None
) -> Heads:
    """Return the labels to learn; the strategy has to be decided.

    Raises:
        BadInput: for labels and classes that cannot be learnt so.
    """
    if parent is None:
        return heads_of_dataset(mixture, params.labels, train)
    known = parent.classifier.labels
    if params.strategy == "finetune":
        return heads_of_parent(mixture, params, train, known)
    heads = heads_of_dataset(mixture, params.labels, train)
    return replace(heads, remarks=new_head_remarks(heads.labels, known, params.keep_heads))


def decided_image(params: TrainParams, parent: Parent | None) -> ImageSpec:
    """Return what the network sees: what is told, else as its parent does."""
    seen = parent.classifier.image if parent is not None else ImageSpec(SIDE, SIDE)
    return ImageSpec(
        height=params.image_height or params.image_size or seen.height,
        width=params.image_width or params.image_size or seen.width,
        fit=seen.fit if params.fit == "auto" else cast(Fit, params.fit),
        stacked=seen.stacked
        if params.capture_images == "auto"
        else params.capture_images == STACKS,
    )


def _check_parent(params: TrainParams, parent: Parent | None) -> None:
    if parent is None:
        for name, default in OF_PARENTS.items():
            value = getattr(params, name)
            if value != default:
                raise BadInput(f"{name}={as_text(value)} needs a model to start from: `parent`")
        return
    network = parent.classifier.origin.model
    if params.model not in ("auto", network):
        raise BadInput(
            f"model={params.model}: the parent '{parent.name}' is a {network}; leave `model` out "
            "or give another parent"
        )
    if params.weights != "none":
        raise BadInput(
            f"weights={params.weights}: the first weights are those of the parent; leave one out"
        )
    _check_apart(params, parent)


def _check_apart(params: TrainParams, parent: Parent) -> None:
    """Refuse to write the child over its parent, of which the run will tell."""
    if parent.ancestor.model_id is not None:
        return
    folder = storage.local_path(parent.ancestor.uri)
    if folder.resolve() == storage.local_path(params.output).resolve():
        raise BadInput(f"output: '{params.output}' is the parent's folder; name another one")


def _strategy(mixture: Mixture, params: TrainParams, train: tuple[str, ...], parent: Parent) -> str:
    """Finetune where the parent knows every label and class, or it is said what else to do."""
    if params.strategy != "auto":
        return params.strategy
    known = parent.classifier.labels
    asked = chosen(params.labels, tuple(mixture.labels))
    if not params.keep_heads or {*asked} != {label.name for label in known}:
        return "transfer"
    mixture = mixture.continuing(known)
    if any(contradictions(mixture.given, known)):
        return "transfer"
    new = [
        name
        for label in known
        for name in unknown_classes(label, mixture.counts(label.name, train))
    ]
    return "transfer" if new and params.unknown == "refuse" else "finetune"


def _check_strategy(params: TrainParams) -> None:
    if params.strategy == "transfer" and params.unknown != "refuse":
        raise BadInput(
            f"unknown={params.unknown} is for strategy=finetune; strategy=transfer, as here, "
            "learns the classes of the dataset"
        )
    if params.strategy == "finetune" and not params.keep_heads:
        raise BadInput("keep_heads=no is for strategy=transfer; finetune keeps all weights")
    if params.trainable == "heads" and params.strategy == "auto" and params.weights == "none":
        raise BadInput(
            "trainable=heads: a frozen backbone has to have learnt before; give `parent` or "
            "weights=imagenet"
        )
