import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score, top_k_accuracy_score

from ctc.labels import Label
from ctc.model.classifier import softmax
from ctc.model.fitting.losses import LabelLoss, label_losses
from ctc.model.fitting.metrics import MacroF1, metrics_of
from ctc.model.planning.objective import Objective

GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=(12, 4)).astype(np.float32) * 2
TRUTH = np.int32([0, 1, 2, 3] * 3)
KNOWN = np.float32([1, 1, 1, 0] * 3)
SAID = softmax(LOGITS)
OF_TRUTH = SAID[np.arange(12), TRUTH]


def loss(**asked) -> np.ndarray:
    """The loss of each capture."""
    return np.array(LabelLoss(**asked).call(TRUTH, LOGITS))


def test_unless_asked_it_is_cross_entropy() -> None:
    assert loss() == pytest.approx(-np.log(OF_TRUTH), rel=1e-5)


def test_of_a_batch_it_is_what_keras_makes_of_cross_entropy() -> None:
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = LabelLoss()(TRUTH, LOGITS, sample_weight=KNOWN)
    assert float(found) == float(expected(TRUTH, LOGITS, sample_weight=KNOWN))


def test_weights_of_classes_multiply_the_loss_of_their_captures() -> None:
    weights = (0.5, 1.0, 3.0, 0.0)
    assert loss(weights=weights) == pytest.approx(loss() * np.array(weights)[TRUTH], rel=1e-6)


def test_weights_of_classes_do_the_same_as_weights_of_samples() -> None:
    weights = np.float32([0.5, 1.0, 3.0, 2.0])
    found = LabelLoss(weights=weights.tolist())(TRUTH, LOGITS, sample_weight=KNOWN)
    expected = LabelLoss()(TRUTH, LOGITS, sample_weight=KNOWN * weights[TRUTH])
    assert float(found) == pytest.approx(float(expected), rel=1e-6)


def test_smoothing_spreads_a_share_of_the_truth_over_all_classes() -> None:
    by_hand = -0.8 * np.log(OF_TRUTH) - 0.2 * np.log(SAID).mean(axis=1)
    assert loss(smoothing=0.2) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_lets_what_is_known_count_less(gamma: float) -> None:
    by_hand = -((1 - OF_TRUTH) ** gamma) * np.log(OF_TRUTH)
    assert loss(focal=gamma) == pytest.approx(by_hand, rel=1e-4)


def test_smoothed_focal_loss_is_that_of_keras() -> None:
    of_keras = keras.losses.CategoricalFocalCrossentropy(
        alpha=1.0, gamma=2.0, from_logits=True, label_smoothing=0.1, reduction="none"
    )
    expected = of_keras(np.eye(4, dtype=np.float32)[TRUTH], LOGITS)
    assert loss(focal=2.0, smoothing=0.1) == pytest.approx(np.array(expected), rel=1e-3)


def test_an_answer_without_doubt_has_a_slope_that_is_a_number() -> None:
    import tensorflow as tf

    logits = tf.Variable([[80.0, 0.0, 0.0], [80.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        value = LabelLoss(focal=0.5)(np.int32([0, 1]), logits)
    assert np.isfinite(float(value))
    assert np.isfinite(tape.gradient(value, logits).numpy()).all()


def test_each_label_has_its_own_weights() -> None:
    objective = Objective(class_weights={"a": (1.0, 2.0)}, label_smoothing=0.1, focal=1.5)
    losses = label_losses(objective, [Label("a", ("x", "y")), Label("b", ("x", "y"))])
    assert losses["a"].get_config() == {"smoothing": 0.1, "focal": 1.5, "weights": (1.0, 2.0)}
    assert losses["b"].get_config() == {"smoothing": 0.1, "focal": 1.5, "weights": ()}


# --- what epochs are judged by ---


def test_macro_f1_is_over_the_classes_that_occur_among_known_captures() -> None:
    metric = MacroF1(4)
    for part in (slice(0, 5), slice(5, 12)):
        metric.update_state(TRUTH[part], LOGITS[part], KNOWN[part])
    known = KNOWN > 0
    expected = f1_score(
        TRUTH[known], LOGITS[known].argmax(axis=1), labels=[0, 1, 2], average="macro"
    )
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_a_label_with_more_than_three_classes_has_a_top_3_accuracy() -> None:
    metrics = metrics_of(Label("a", ("1", "2", "3", "4")))
    assert [*metrics] == ["loss", "accuracy", "macro_f1", "top3_accuracy"]
    metrics["top3_accuracy"].update_state(TRUTH, LOGITS, KNOWN)
    expected = top_k_accuracy_score(TRUTH, LOGITS, k=3, sample_weight=KNOWN)
    assert float(metrics["top3_accuracy"].result()) == pytest.approx(expected)
    assert "top3_accuracy" not in metrics_of(Label("a", ("1", "2", "3")))
