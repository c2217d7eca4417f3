import pandas as pd

from ctc.evaluation.pairs import BOTH, FIRST, NEITHER, OTHER, judged_answers, pair_table


def predictions(said: str, truth: str = "aabbc") -> pd.DataFrame:
    """Of captures 0, 1, ... the answer of each, a letter; "-" is missing."""
    rows = [
        (str(number), label, *("" if name == "-" else name for name in pair))
        for number, pair in enumerate(zip(said, truth, strict=True))
        for label in ("species", "count")
    ]
    return pd.DataFrame(rows, columns=["capture_id", "label", "prediction", "truth"])


def test_answers_whose_truth_is_known_are_right_or_wrong():
    found = judged_answers(predictions("ab-bc", "aaab-"), "species")
    assert found["right"].to_dict() == {"0": True, "1": False, "3": True}
    assert {*found["label"]} == {"species"}


def test_pairs_of_answers_are_counted_where_both_have_answered():
    first = judged_answers(predictions("aaba-"), "species")
    others = {
        "x": judged_answers(predictions("aabbc"), "species"),
        "y": judged_answers(predictions("bbbac")[:-2], "species"),
    }
    table = pair_table(first, others)
    assert table.columns.tolist() == [BOTH, FIRST, OTHER, NEITHER]
    assert table.T.to_dict("list") == {"x": [3, 0, 1, 0], "y": [1, 2, 0, 1]}


def test_one_classifier_alone_has_no_pairs():
    assert pair_table(judged_answers(predictions("aabbc"), "species"), {}).empty
