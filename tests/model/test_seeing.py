"""The sheet of a training's first batch: what is on it, and what never is."""

import numpy as np
import pytest
from made_up_dataset import Made, half_bright, make_dataset
from PIL import Image

from ctc.dataset.class_map import GivenClasses
from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.dataset.reading import sampling, training_batches
from ctc.model.fitting import seeing
from ctc.model.fitting.fit import trainable
from ctc.model.fitting.seeing import sheet_of_first_batch
from ctc.model.network.backbones import build_network
from ctc.model.planning.training_plan import TrainingPlan, plan_training
from ctc.params import TrainParams
from ctc.pictures.sheets import Pane

MAGENTA = (255, 0, 255)
LEFT_IS_ONE = GivenClasses((), {"left": "1"})


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Dataset:
    """Every fourth capture, all magenta, shows a person, which `side` does not tell."""
    generator = np.random.default_rng(0)
    captures = []
    for number in range(32):
        person, left = number % 4 == 3, number % 2 == 0
        pixels = half_bright(left, generator)
        pixels[:] = MAGENTA if person else pixels
        labels = {"side": "left" if left else "right", "who": "Human" if person else "none"}
        captures.append(Made("val" if number >= 24 else "train", labels, (pixels,)))
    return make_dataset(tmp_path_factory.mktemp("watched"), captures)


def plan_of(dataset: Dataset, **changes) -> TrainingPlan:
    asked = {"labels": ("side",), "image_size": 32, "batch_size": 24, **changes}
    return plan_training(Mixture.of(dataset), TrainParams(**asked))


@pytest.fixture
def laid_out(monkeypatch) -> list:
    """What is handed to the sheet: its panes and its notes."""
    handed: list = []
    real = seeing.pane_sheet
    monkeypatch.setattr(seeing, "pane_sheet", lambda *args: handed.extend(args) or real(*args))
    return handed


def test_it_shows_what_the_training_draws_in_its_first_step(watched, laid_out) -> None:
    plan = plan_of(watched, private=())
    sheet_of_first_batch(plan)
    network = build_network("tiny", plan.labels, plan.training.image, "none")
    layer = trainable(network, plan, 0.001).get_layer("augmentation")
    batch, classes, _ = next(iter(training_batches(plan.training, 1, plan.params.seed)))
    drawn, panes = np.asarray(layer(batch, training=True)), laid_out[1]
    np.testing.assert_array_equal([np.asarray(pane.picture) for pane in panes], drawn)
    assert not np.array_equal(drawn, batch.numpy())
    named = [f"side={('left', 'right')[place]}" for place in classes["side"].numpy()]
    assert [pane.caption for pane in panes] == named


def test_a_capture_of_a_private_class_is_not_on_it_whatever_is_learnt(watched) -> None:
    def magenta(sheet: Image.Image) -> np.ndarray:
        pixels = np.asarray(sheet, int)
        return (pixels[..., 0] - pixels[..., 1] > 60) & (pixels[..., 2] - pixels[..., 1] > 60)

    assert magenta(sheet_of_first_batch(plan_of(watched, private=()))).sum() > 5 * 32 * 32
    assert not magenta(sheet_of_first_batch(plan_of(watched))).any()


def test_a_private_class_that_is_merged_with_another_is_not_on_it_either(watched, laid_out) -> None:
    given = {"who": GivenClasses((), {"Human": "other", "none": "other"}), "side": LEFT_IS_ONE}
    mixture = Mixture(Mixture.of(watched).parts, given)
    asked = {"labels": ("side",), "image_size": 32, "batch_size": 24}
    sheet_of_first_batch(plan_training(mixture, TrainParams(**asked)))
    _, panes, notes = laid_out
    assert notes == ["6 captures of a private class: never shown."]
    assert {pane.caption for pane in panes} == {"side=1", "side=right"}


def test_it_says_how_many_pictures_are_not_on_it(watched, laid_out, monkeypatch) -> None:
    monkeypatch.setattr(seeing, "MOST", 10)
    sheet_of_first_batch(plan_of(watched))
    _, panes, notes = laid_out
    assert len(panes) == 10
    assert all(isinstance(pane, Pane) for pane in panes)
    assert notes == ["10 of 24 pictures are shown.", "6 captures of a private class: never shown."]


def test_what_mixup_blends_is_shown_before_it_does(watched, laid_out) -> None:
    plan = plan_of(watched, mixup=0.4)
    sheet_of_first_batch(plan)
    assert laid_out[2] == ["6 captures of a private class: never shown.", seeing.BEFORE_MIXUP]
    for pane in laid_out[1]:
        red, green, blue = np.asarray(pane.picture, float).mean(axis=(0, 1))
        assert red + blue - 2 * green < 60  # no magenta shines through


def test_balanced_sampling_looks_through_the_records_once_for_it_and_the_training(
    watched, monkeypatch
) -> None:
    looks = []
    real = sampling._looked_through
    monkeypatch.setattr(sampling, "_looked_through", lambda *args: looks.append(1) or real(*args))
    plan = plan_of(watched, sampling="balanced:side")
    sheet_of_first_batch(plan)
    next(iter(training_batches(plan.training, 1, 0)))
    assert len(looks) == 1
