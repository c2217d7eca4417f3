import math
import random

import pytest
from mlflow.utils.validation import _validate_metric_name

from ctc.evaluation.metrics import LabelEvaluation, evaluate
from ctc.prediction.predictions import Prediction, Predictions

CLASSES = ("ant", "bee", "cat", "dog")
Row = tuple[str | None, str | None, dict[str, float]]  # truth, prediction, probabilities


def predictions(rows: list[Row], label: str = "species") -> Predictions:
    return Predictions(
        tuple(
            Prediction(str(n), label, said, max(p.values(), default=None), p, 1, None, truth)
            for n, (truth, said, p) in enumerate(rows)
        )
    )


def judged(rows: list[Row]) -> LabelEvaluation:
    (one,) = evaluate(predictions(rows), "test").labels
    return one


def sure(truth: str | None, said: str | None) -> Row:
    """An answer without doubt."""
    return truth, said, {} if said is None else {c: float(c == said) for c in CLASSES}


def drawn(seed: int) -> list[Row]:
    """A random table with unknown truths, failures, and classes only on one side."""
    dice = random.Random(seed)
    truths = [None, *dice.sample(CLASSES, dice.randint(1, 4)), *(["yak"] if seed % 3 else [])]
    answers = dice.sample(CLASSES, dice.randint(2, 4))
    rows: list[Row] = [sure(truths[1], answers[0])]
    for _ in range(dice.randint(5, 40)):
        if dice.random() < 0.15:
            rows.append(sure(dice.choice(truths), None))
            continue
        powers = [dice.random() ** 3 for _ in answers]
        shares = {c: x / sum(powers) for c, x in zip(answers, powers, strict=True)}
        rows.append((dice.choice(truths), max(shares, key=shares.__getitem__), shares))
    return rows


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def expected(rows: list[Row]) -> tuple[dict[str, float], dict[str, list[float]]]:
    """The figures by their definitions, in plain Python."""
    used = [(t, s, p) for t, s, p in rows if t is not None and s is not None]
    names = sorted({t for t, _, _ in used} | {s for _, s, _ in used})
    table = {}
    for name in names:
        hit = sum(t == name == s for t, s, _ in used)
        support, claimed = sum(t == name for t, _, _ in used), sum(s == name for _, s, _ in used)
        precision, recall = ratio(hit, claimed), ratio(hit, support)
        table[name] = [precision, recall, ratio(2 * hit, support + claimed), support]
    occurring = [row for row in table.values() if row[3]]
    tiny = 2.0**-52
    figures = {
        "captures": len(used),
        "accuracy": sum(t == s for t, s, _ in used) / len(used),
        "balanced_accuracy": sum(row[1] for row in occurring) / len(occurring),
        "macro_f1": sum(row[2] for row in occurring) / len(occurring),
        "log_loss": sum(-math.log(max(p.get(str(t), 0.0), tiny)) for t, _, p in used) / len(used),
        "majority_accuracy": max(row[3] for row in table.values()) / len(used),
    }
    return figures, table


@pytest.mark.parametrize("seed", range(30))
def test_every_figure_is_what_its_definition_says(seed: int) -> None:
    rows = drawn(seed)
    one = judged(rows)
    figures, table = expected(rows)
    assert one.figures == pytest.approx(figures, abs=1e-9)
    assert one.classes["class"].tolist() == list(table)
    for values, row in zip(one.classes.to_numpy().tolist(), table.values(), strict=True):
        assert values[1:] == pytest.approx(row)
    assert list(one.confusion.index) == list(one.confusion.columns) == list(table)
    for true in table:
        for said in table:
            count = sum(t == true and s == said for t, s, _ in rows)
            assert one.confusion.loc[true, said] == count
    assert one.failed == sum(t is not None and s is None for t, s, _ in rows)


def test_the_random_tables_hold_what_is_hard() -> None:
    tables = [drawn(seed) for seed in range(30)]
    assert any(s is None and t is not None for rows in tables for t, s, _ in rows)
    assert any(t is None for rows in tables for t, _, _ in rows)
    assert any(len({t for t, s, _ in rows if t and s}) == 1 for rows in tables)
    assert any({s for _, s, _ in rows} - {t for t, _, _ in rows} for rows in tables)


def test_a_true_class_that_the_classifier_does_not_know_counts_as_an_error() -> None:
    one = judged([sure("ant", "ant"), sure("yak", "ant")])
    assert one.figures["accuracy"] == 0.5
    assert one.figures["balanced_accuracy"] == 0.5
    assert one.figures["log_loss"] == pytest.approx(52 * math.log(2) / 2)
    assert one.confusion.loc["yak", "ant"] == 1


def test_a_true_class_that_was_excluded_costs_a_finite_loss() -> None:
    assert judged([sure("ant", "bee")]).figures["log_loss"] == pytest.approx(52 * math.log(2))


def test_a_single_true_class_has_figures() -> None:
    one = judged([sure("ant", "ant")] * 3)
    assert one.figures == pytest.approx(
        {
            "captures": 3,
            "accuracy": 1,
            "balanced_accuracy": 1,
            "macro_f1": 1,
            "log_loss": 0,
            "majority_accuracy": 1,
        }
    )
    assert one.confusion.to_numpy().tolist() == [[3]]


def test_always_guessing_the_commonest_class_scores_the_majority_accuracy() -> None:
    rows = [sure(truth, "bee") for truth in ("ant", "bee", "bee", "cat", "bee", None)]
    one = judged(rows)
    assert one.figures["majority_accuracy"] == one.figures["accuracy"] == 0.6


def test_captures_whose_truth_is_missing_count_in_no_figure() -> None:
    known = [sure("ant", "ant"), sure("bee", "ant")]
    with_missing = judged([*known, sure(None, "bee"), sure(None, None)])
    alone = judged(known)
    assert with_missing.figures == alone.figures
    assert with_missing.failed == 0


def test_a_label_of_which_every_capture_failed_has_no_figures_but_is_told_of() -> None:
    evaluation = evaluate(predictions([sure("ant", None), sure("bee", None)]), "test")
    (one,) = evaluation.labels
    assert one.figures == {"captures": 0}
    assert one.failed == 2
    assert one.classes.empty
    assert one.confusion.empty
    assert list(one.classes.columns) == ["class", "precision", "recall", "f1", "support"]
    assert evaluation.metrics == {"test/species/captures": 0}


def test_a_label_without_any_truth_is_left_out() -> None:
    known, unknown = predictions([sure("ant", "ant")]), predictions([sure(None, "ant")], "moving")
    both = Predictions(known.rows + unknown.rows)
    assert [one.label for one in evaluate(both, "test").labels] == ["species"]
    assert evaluate(unknown, "test").labels == ()
    assert evaluate(unknown, "test").table().empty


def test_each_label_is_judged_by_its_own_rows() -> None:
    one = predictions([sure("ant", "ant"), sure("bee", "ant")])
    other = predictions([sure("cat", "cat")], "empty")
    evaluation = evaluate(Predictions(one.rows + other.rows), "val")
    assert evaluation.metrics["val/species/accuracy"] == 0.5
    assert evaluation.metrics["val/empty/accuracy"] == 1.0
    assert len(evaluation.metrics) == 12


def test_the_names_of_figures_are_names_that_mlflow_takes() -> None:
    rows = predictions([sure("ant", "ant")], "species_panthera.v2-x")
    names = list(evaluate(rows, "test-A.1").metrics)
    assert "test-A.1/species_panthera.v2-x/log_loss" in names
    for name in names:
        _validate_metric_name(name)


def test_the_table_for_a_terminal_has_a_line_a_label_of_three_digits() -> None:
    text = evaluate(predictions([sure("ant", "ant")] * 2 + [sure("bee", "ant")]), "test").as_text()
    head, line = text.splitlines()
    assert head.split() == [
        "label", "captures", "accuracy", "balanced_accuracy", "macro_f1", "log_loss",
        "majority_accuracy",
    ]  # fmt: skip
    assert line.split() == ["species", "3", "0.667", "0.500", "0.400", "12.015", "0.667"]
