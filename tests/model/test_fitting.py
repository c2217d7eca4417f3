from itertools import pairwise

import keras
import numpy as np
import pytest

from ctc.errors import BadInput
from ctc.model.fitting.optimizers import FINAL, Falling, learning_rate, optimizer
from ctc.parameter import build
from ctc.params import TrainParams

STEPS = 200


def rates(params: TrainParams, steps: int = STEPS) -> list[float]:
    rate = learning_rate(params, steps)
    return [float(rate(step)) for step in range(steps + 1)]


# --- optimisers ---


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adamw", keras.optimizers.AdamW),
        ("adam", keras.optimizers.Adam),
        ("sgd", keras.optimizers.SGD),
        ("rmsprop", keras.optimizers.RMSprop),
    ],
)
def test_the_optimiser_is_the_one_asked_for(name: str, kind: type) -> None:
    params = TrainParams(optimizer=name, weight_decay=0.02, momentum=0.7)
    made = optimizer(params, learning_rate(params, STEPS))
    assert type(made) is kind
    assert made.weight_decay == 0.02
    if name in ("sgd", "rmsprop"):
        assert made.momentum == 0.7


def stepped(params: TrainParams, gradients: list[float], start: float = 3.0) -> float:
    """What becomes of one weight."""
    weight = keras.Variable(start)
    made = optimizer(params, learning_rate(params, STEPS))
    made.build([weight])
    for gradient in gradients:
        made.apply([keras.ops.convert_to_tensor(gradient)], [weight])
    return float(weight.numpy())


def plain(**changes) -> TrainParams:
    asked = {"learning_rate": 0.1, "schedule": "constant", "warm_up": 0.0, "weight_decay": 0.0}
    return TrainParams(**{**asked, **changes})


def test_a_step_of_sgd_is_what_one_computes_by_hand() -> None:
    assert stepped(plain(optimizer="sgd", momentum=0.0), [2.0]) == pytest.approx(3.0 - 0.1 * 2.0)


def test_momentum_lets_a_share_of_the_last_change_go_on() -> None:
    first = -0.1 * 2.0
    second = 0.9 * first - 0.1 * -1.0
    found = stepped(plain(optimizer="sgd", momentum=0.9), [2.0, -1.0])
    assert found == pytest.approx(3.0 + first + second)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "rmsprop"])
def test_weight_decay_takes_its_share_times_the_learning_rate(name: str) -> None:
    found = stepped(plain(optimizer=name, weight_decay=0.5), [0.0])
    assert found == pytest.approx(3.0 - 0.1 * 0.5 * 3.0)


def test_the_learning_rate_of_the_schedule_is_the_one_used() -> None:
    params = plain(optimizer="sgd", momentum=0.0, warm_up=0.05)  # ten steps, from 0
    found = stepped(params, [1.0, 1.0, 1.0])
    assert found == pytest.approx(3.0 - 0.1 * (0.0 + 0.1 + 0.2))


# --- schedules ---


def test_a_constant_rate_rises_and_stays() -> None:
    found = rates(TrainParams(schedule="constant", learning_rate=0.02, warm_up=0.1))
    assert found[10] == pytest.approx(0.01)
    assert found[20:] == pytest.approx([0.02] * (STEPS - 19))
    assert all(a < b for a, b in pairwise(found[:21]))


@pytest.mark.parametrize("name", ["cosine", "plateau", "constant"])
def test_without_a_warm_up_the_first_step_has_the_highest_rate(name: str) -> None:
    found = rates(TrainParams(schedule=name, learning_rate=0.02, warm_up=0.0))
    assert found[0] == pytest.approx(0.02)
    assert found[-1] == pytest.approx(0.02 * FINAL if name == "cosine" else 0.02)
    assert found[100] == pytest.approx(0.02 * (1 + FINAL) / 2 if name == "cosine" else 0.02)


def test_a_warm_up_of_all_steps_ends_at_the_highest_rate() -> None:
    found = rates(TrainParams(schedule="cosine", learning_rate=0.02, warm_up=1.0))
    assert found[100] == pytest.approx(0.01)
    assert found[STEPS] == pytest.approx(0.02)


def test_a_rate_that_is_brought_down_is_lower_at_every_step() -> None:
    params = TrainParams(schedule="plateau", learning_rate=0.02, warm_up=0.1)
    rate = learning_rate(params, STEPS)
    assert isinstance(rate, Falling)
    rate.share.assign(0.1)
    assert [float(rate(step)) for step in (10, 20, 150)] == pytest.approx([0.001, 0.002, 0.002])


# --- averages ---


def test_averages_are_those_one_computes_by_hand() -> None:
    params = plain(optimizer="sgd", momentum=0.0, ema=0.8)
    weight = keras.Variable([1.0, -2.0])
    made = optimizer(params, learning_rate(params, STEPS))
    made.build([weight])
    average = None
    for gradient in ([1.0, 1.0], [-2.0, 0.5], [0.0, 3.0]):
        made.apply([np.float32(gradient)], [weight])
        now = weight.numpy()
        average = now if average is None else 0.8 * average + 0.2 * now
    made.finalize_variable_values([weight])
    assert weight.numpy() == pytest.approx(average, rel=1e-6)


def test_unless_asked_nothing_is_averaged() -> None:
    params = TrainParams()
    assert not optimizer(params, learning_rate(params, STEPS)).use_ema


# --- refusals ---


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("optimizer", "adamax", "unknown optimizer 'adamax'; allowed: adamw, adam, sgd, rmsprop"),
        ("schedule", "step", "unknown schedule 'step'; allowed: cosine, plateau, constant"),
        ("class_weights", "auto", "unknown class_weights 'auto'; allowed: none, balanced, effect"),
        ("weight_decay", "-1", "weight_decay: found -1.0; allowed: at least 0 and at most 1"),
        ("momentum", "1", "momentum: found 1.0; allowed: at least 0 and at most 0.999"),
        ("warm_up", "5", "warm_up: found 5.0; allowed: at least 0 and at most 1"),
        ("patience", "1.5", "patience: found '1.5'; allowed: a whole number"),
        ("plateau_patience", "0", "plateau_patience: found 0; allowed: at least 1"),
        ("steps_per_epoch", "-1", "steps_per_epoch: found -1; allowed: at least 0"),
        ("label_smoothing", "1", "label_smoothing: found 1.0; allowed: at least 0 and at most 0.9"),
        ("focal", "nan", "focal: found nan; allowed: at least 0 and at most 10"),
        ("ema", "1", "ema: found 1.0; allowed: at least 0 and at most 0.99999"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        build(TrainParams, {name: text})
    assert str(refused.value).startswith(said)
