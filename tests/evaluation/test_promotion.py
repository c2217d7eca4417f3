"""Whether a candidate may take the champion's place, decided from two records."""

from collections.abc import Mapping

import pandas as pd
import pytest

from ctc.errors import BadInput
from ctc.evaluation.decision import as_text, decide, tags
from ctc.evaluation.promotion import Comparison, Terms, check_terms, compare
from ctc.evaluation.record import Record
from ctc.labels import Label

TERMS = Terms("macro_f1", 0.0, 0.05)
COLUMNS = ["label", "class", "recall", "support"]
Recalls = Mapping[str, tuple[float, int]]


def record(
    species: Recalls | None = None,
    figures: Mapping[str, Mapping[str, float]] | None = None,
    knows: tuple[str, ...] | None = None,
    version: str = "2",
    others: Mapping[str, Recalls] | None = None,
) -> Record:
    """A record of recalls and support; its macro_f1 is their mean unless figures are given."""
    of = {**({"species": species} if species else {}), **(others or {})}
    rows = [(label, name, *pair) for label, found in of.items() for name, pair in found.items()]
    means = {label: sum(r for r, _ in f.values()) / len(f) for label, f in of.items()}
    labels = tuple(
        Label(label, knows if knows and label == "species" else tuple(found))
        for label, found in of.items()
    )
    given = figures or {label: {"macro_f1": mean} for label, mean in means.items()}
    return Record(version, labels, given, pd.DataFrame(rows, columns=COLUMNS))


def compared(candidate: Recalls, champion: Recalls, terms: Terms = TERMS) -> Comparison:
    return compare(record(candidate), record(champion, version="1"), terms)


def test_a_better_model_has_no_reason_against_it():
    found = compared({"ant": (0.9, 50), "bee": (0.8, 50)}, {"ant": (0.8, 50), "bee": (0.8, 50)})
    assert (found.reasons, found.remarks) == ((), ())
    assert (found.candidate, found.champion) == (pytest.approx(0.85), pytest.approx(0.8))


def test_a_worse_model_is_refused_with_both_figures():
    found = compared({"ant": (0.77, 500)}, {"ant": (0.8, 500)})
    assert found.reasons == (
        "macro_f1 of species is 0.7700, the champion's is 0.8000; min_gain is 0",
    )


def test_as_good_is_good_enough_unless_a_gain_is_asked_for():
    same = {"ant": (0.8, 50)}
    assert compared(same, same).reasons == ()
    (reason,) = compared(same, same, Terms("macro_f1", 0.01, 0.05)).reasons
    assert reason.endswith("min_gain is 0.01")
    enough = compared({"ant": (0.81, 50)}, same, Terms("macro_f1", 0.01, 0.05))
    assert enough.reasons == ()


def test_a_lower_log_loss_is_the_better_one():
    terms = Terms("species/log_loss", 0.0, 0.05)
    low, high = (record({"ant": (1.0, 9)}, {"species": {"log_loss": x}}) for x in (0.2, 0.4))
    assert compare(low, high, terms).reasons == ()
    assert "log_loss of species is 0.4000" in compare(high, low, terms).reasons[0]


def test_the_label_that_is_named_decides_else_the_mean_of_those_that_both_were_judged_on():
    candidate = record(figures={"a": {"macro_f1": 0.9}, "b": {"macro_f1": 0.3}, "c": {}})
    champion = record(figures={"a": {"macro_f1": 0.8}, "b": {"macro_f1": 0.6}, "d": {}})
    of_all = compare(candidate, champion, TERMS)
    assert (of_all.labels, of_all.candidate) == (("a", "b"), pytest.approx(0.6))
    assert "macro_f1 (mean of a, b) is 0.6000" in of_all.reasons[0]
    assert compare(candidate, champion, Terms("a/macro_f1", 0.0, 0.05)).reasons == ()
    (reason,) = compare(candidate, champion, Terms("c/macro_f1", 0.0, 0.05)).reasons
    assert reason == (
        "c/macro_f1 is not known of both: version 2 was judged on a, b, c; version 2 was judged on "
        "a, b, d"
    )


def test_a_class_that_loses_more_than_is_allowed_refuses_a_model_that_gains():
    found = compared({"ant": (1.0, 100), "bee": (0.7, 100)}, {"ant": (0.7, 100), "bee": (0.8, 100)})
    assert found.candidate > found.champion
    assert found.reasons == (
        "species 'bee': recall falls by 0.100, from 0.800 to 0.700 (10 of 100 captures); "
        "max_class_drop is 0.05",
    )
    lenient = Terms("macro_f1", 0.0, 0.1)
    same = {"ant": (0.7, 100), "bee": (0.8, 100)}
    assert compared({"ant": (1.0, 100), "bee": (0.7, 100)}, same, lenient).reasons == ()


@pytest.mark.parametrize(("lost", "refused"), [(4, False), (5, True)])
def test_a_drop_of_few_captures_may_be_chance_and_is_told(lost, refused):
    found = compared(
        {"ant": (1.0, 90), "bee": (1 - lost / 10, 10)}, {"ant": (0.5, 90), "bee": (1.0, 10)}
    )
    assert bool(found.reasons) == refused
    (sentence,) = found.reasons or found.remarks
    assert f"({lost} of 10 captures)" in sentence
    assert ("too few captures to tell this from chance" in sentence) != refused


def test_a_class_that_is_not_known_any_more_is_lost_however_few_its_captures():
    same = {"species": {"macro_f1": 0.7}}
    had = record({"ant": (0.5, 90), "eel": (1.0, 2)}, same)
    candidate = record({"ant": (1.0, 90), "eel": (0.0, 2)}, same, knows=("ant",))
    (reason,) = compare(candidate, had, TERMS).reasons
    assert reason == (
        "species 'eel': recall falls by 1.000, from 1.000 to 0.000 (2 of 2 captures); the "
        "candidate does not know this class"
    )
    assert compare(candidate, had, Terms("macro_f1", 0, 1)).reasons == ()


def test_a_class_without_captures_is_told_and_one_forgotten_refused():
    had = record({"ant": (0.5, 90)}, knows=("ant", "eel"))
    kept, forgotten = record({"ant": (0.9, 90)}, knows=("ant", "eel")), record({"ant": (0.9, 90)})
    found = compare(kept, had, TERMS)
    assert (found.reasons, found.remarks) == (
        (),
        ("species: no capture of 'eel', so whether that is lost is not known",),
    )
    assert compare(forgotten, had, TERMS).reasons == (
        "species: the candidate does not know 'eel', and there is no capture to say how much that "
        "loses",
    )
    assert compare(forgotten, had, Terms("macro_f1", 0, 1)).reasons == ()


def test_a_label_that_is_not_answered_any_more_is_one_reason_and_a_new_one_is_told():
    species = {"ant": (0.9, 50)}
    old = record(species, others={"count": {"1": (0.8, 40), "2": (0.7, 40)}}, version="1")
    new = record(species, others={"babies": {"yes": (0.8, 40)}})
    found = compare(new, old, TERMS)
    assert found.labels == ("species",)
    assert found.reasons == (
        "count: the candidate does not answer this label, of which the champion knows 2 classes",
    )
    assert found.remarks == ("babies: the champion does not know 'yes'",)


def test_models_without_a_label_in_common_cannot_be_compared():
    found = compare(record({"ant": (1, 9)}), record(others={"count": {"1": (1, 9)}}), TERMS)
    assert found.reasons[0] == (
        "macro_f1 is not known of both: version 2 was judged on species; version 2 was judged on "
        "count"
    )
    assert len(found.reasons) == 2  # and the label is lost


def test_without_a_champion_a_measured_candidate_has_no_reason_against_it():
    found = compare(record({"ant": (0.1, 9)}), None, TERMS)
    assert (found.reasons, found.candidate, found.champion) == ((), 0.1, None)
    (reason,) = compare(record({"ant": (0.1, 9)}), None, Terms("count/macro_f1", 0, 0)).reasons
    assert reason.startswith("count/macro_f1 is not known of the candidate: version 2 was judged")


def test_both_columns_of_figures_stand_side_by_side():
    found = compared({"ant": (0.9, 10)}, {"ant": (0.8, 10), "bee": (0.5, 10)})
    assert found.figures.to_dict("records") == [
        {"label": "species", "metric": "macro_f1", "candidate": 0.9, "champion": 0.65}
    ]
    assert found.recalls is not None
    rows = found.recalls.set_index("class").to_dict("index")
    assert rows["bee"] == {
        "label": "species", "captures": 10, "candidate": 0.0, "champion": 0.5, "drop": 0.5,
        "lost": 5,
    }  # fmt: skip


@pytest.mark.parametrize("metric", ["beauty", "species/beauty", "/macro_f1", "a/b/macro_f1", ""])
def test_a_metric_that_there_is_not_is_refused(metric):
    with pytest.raises(BadInput, match="metric"):
        check_terms(Terms(metric, 0, 0))


def test_what_is_missing_refuses_and_force_does_not_ask():
    nothing = compare(None, None, TERMS)
    missing = ["no dataset at 'x'"]
    assert decide("2", "1", nothing).verdict == "refused"
    first = compare(record({"ant": (0.1, 9)}), None, TERMS)
    assert decide("2", None, first).verdict == "promoted"
    assert decide("2", "1", first).verdict == "refused"
    refused, forced = (decide("2", "1", nothing, missing, force) for force in (False, True))
    assert (refused.verdict, refused.refused, refused.moves) == ("refused", True, False)
    assert (forced.verdict, forced.refused, forced.moves) == ("promoted by force", False, True)
    assert forced.reasons == ("no dataset at 'x'",)
    assert forced.dry().verdict == "not moved (dry run), it would be promoted by force"
    assert not forced.dry().moves
    assert refused.dry() == refused


def test_without_a_champion_its_column_is_empty():
    first = decide("1", None, compare(record({"ant": (0.7, 10)}), None, TERMS))
    assert as_text(first).splitlines() == [
        "version 1: promoted",
        "  species/macro_f1: 0.7000; champion: -",
    ]


def test_a_decision_is_told_with_its_reasons_remarks_and_figures():
    decision = decide("2", "1", compared({"ant": (0.7, 10)}, {"ant": (0.8, 10)}))
    assert as_text(decision).splitlines() == [
        "version 2: refused; the champion was version 1",
        "  macro_f1 of species is 0.7000, the champion's is 0.8000; min_gain is 0",
        "  Mind: species 'ant': recall falls by 0.100, from 0.800 to 0.700 (1 of 10 captures); too "
        "few captures to tell this from chance",
        "  species/macro_f1: 0.7000; champion: 0.8000",
    ]
    kept = tags(decision, "a run", None)
    assert kept["promotion.decision"] == "refused"
    assert kept["promotion.figures"] == "species/macro_f1: 0.7000; champion: 0.8000"
    assert kept["promotion.because"] == "none"
