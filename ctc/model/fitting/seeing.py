"""What the network sees: the first batch of a training, augmented, on a sheet."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from ctc.dataset.reading import first_batch
from ctc.inventory.looks.private import private_classes
from ctc.inventory.summary import worded
from ctc.labels import MISSING, Label
from ctc.model.fitting.fit import augmentation
from ctc.model.planning.training_plan import TrainingPlan
from ctc.pictures.sheets import Pane, pane_sheet

MOST = 30
# Blended they are not shown: one of a private class could shine through another.
BEFORE_MIXUP = "Before mixup, which blends each with another."
TITLE = "The first batch, as the network sees it"


def sheet_of_first_batch(plan: TrainingPlan) -> Image.Image:
    """Return the pictures of a training's first step, each above the labels that it teaches.

    They come through the layer that the training has, with the same seed, so they are what it
    will learn from. No capture is shown that has a private class in any label, be it learnt or not.
    """
    labels = _every_label(plan)
    pictures, classes, known = first_batch(plan.training, labels, plan.params.seed)
    augmented = np.asarray(augmentation(plan)(pictures, training=True))
    panes, hidden = [], 0
    for place, picture in enumerate(augmented):
        answers = _answers(labels, place, classes, known)
        if private_classes(answers.values(), plan.params.private):
            hidden += 1
        else:
            panes.append(Pane(Image.fromarray(picture), _caption(plan, answers)))
    mixed = [BEFORE_MIXUP] if plan.params.mixup else []
    return pane_sheet(TITLE, panes[:MOST], [*_notes(len(panes), hidden), *mixed])


def _every_label(plan: TrainingPlan) -> tuple[Label, ...]:
    """Return all labels with all values that captures have.

    For a private class may be in a label that is not learnt, or be merged with another.
    """
    reading = plan.training
    found = {
        name: dict.fromkeys(value for split in reading.splits for value in of_split.get(split, {}))
        for name, of_split in reading.mixture.values.items()
    }
    return tuple(Label(name, tuple(values)) for name, values in found.items() if values)


def _answers(
    labels: tuple[Label, ...], place: int, classes: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, str]:
    """Return what is known of the capture at a place of the batch, by label."""
    return {
        label.name: label.classes[int(classes[label.name][place])]
        for label in labels
        if known[label.name][place] > 0
    }


def _caption(plan: TrainingPlan, answers: Mapping[str, str]) -> str:
    learnt = {
        label.name: label.classes[label.index(answers[label.name])]
        for label in plan.labels
        if label.index(answers.get(label.name)) != MISSING
    }
    return " ".join(f"{name}={answer}" for name, answer in learnt.items()) or "no label known"


def _notes(panes: int, hidden: int) -> list[str]:
    notes = [f"{MOST} of {panes + hidden} pictures are shown."] if panes > MOST else []
    if hidden:
        notes.append(f"{worded(hidden)} of a private class: never shown.")
    return notes
