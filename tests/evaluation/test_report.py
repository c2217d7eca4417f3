"""The report: it says what was found, in words, of whatever there is."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_answers import answers
from made_up_dataset import Made, make_dataset
from made_up_page import Page

from ctc.dataset.mixture import Mixture, Part
from ctc.dataset.period import Period
from ctc.evaluation.evaluation import Evaluation, Setting, evaluate
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.judging import Judgement
from ctc.evaluation.pages.report import MEANINGS, class_rows, report
from ctc.evaluation.plots.every import plots_of
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.classifier import Classifier, Origin

ODD = "<b>&\"'cat"
SPECIES = Label("species", ("ant", ODD, "empty"))
FITTED = Calibration(("d",), ("val",), "mean", 0.9, {"species": 2.0}, {"species": 0.8})


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Mixture:
    picture = (np.zeros((16, 16, 3), np.uint8),)
    captures = [Made("test", {"species": name}, picture) for name in ("ant", "empty", "ant")]
    return Mixture.of(make_dataset(tmp_path_factory.mktemp("report"), captures))


def judged(mixture: Mixture, calibration: Calibration | None) -> tuple[Judgement, Evaluation]:
    """90 captures of three locations, of which one was learnt from."""
    generator = np.random.default_rng(0)
    shares = generator.dirichlet([0.3] * 3, 90)
    truth = [SPECIES.classes[number % 3] for number in range(90)]
    places = [f"place {number % 4}" for number in range(90)]
    setting = Setting(
        "test", "mean", ("location",), frozenset({"place 0"}), calibration, Resampling(20)
    )
    period = Period("2019-03-01T07:15:00", "2019-11-30T23:59:59")
    origin = Origin("tiny", ("d1",), ("train",), ("place 0",), period=period)
    classifier = Classifier(None, (SPECIES,), None, origin, calibration)
    plan = Judgement(classifier, mixture, ("test",), 8, setting, ())
    return plan, evaluate(answers(truth, shares, SPECIES, places), (SPECIES,), setting)


def page_of(plan: Judgement, evaluation: Evaluation) -> Page:
    plots = {one.label: plots_of(one) for one in evaluation.labels}
    page = Page(report(plan, evaluation, "models:/<i>x</i>/3", plots))
    page.text = " ".join(page.text.split())
    return page


def test_figures_stand_in_it_with_their_intervals_and_guessing(mixture: Mixture) -> None:
    plan, evaluation = judged(mixture, FITTED)
    page = page_of(plan, replace(evaluation, remarks=("mind <the> gap",)))
    (one,) = evaluation.labels
    for name, words in MEANINGS.items():
        figure = one.captures.of.get(name)
        assert (words in page.text) == (figure is not None)
        if figure and figure.low is not None:
            row = f"{words} {figure.value:.3f} {figure.low:.3f}\N{EN DASH}{figure.high:.3f}"
            assert row.replace(" ", "") in page.text.replace(" ", "")
    assert f"{100 * one.figures['accuracy']:.1f} % are answered rightly" in page.text
    assert f"right in {100 * one.figures['majority_accuracy']:.1f} %" in page.text
    assert "mind <the> gap." in page.text
    assert "temperature of 2.00, fitted on val" in page.text
    assert f"{one.sureness.error:.3f} apart" in page.text
    assert f"they would be {one.sureness.error_before:.3f} apart" in page.text
    row = one.seen.set_index("locations").loc["seen_minus_unseen"]
    ends = f"{row['accuracy_low']:.3f}\N{EN DASH}{row['accuracy_high']:.3f}"
    assert f"difference490{row['accuracy']:.3f}{ends}" in page.text.replace(" ", "")
    removed = 100 * one.empty_figures["empty_removed"]
    assert f"{removed:.1f} % of the empty captures go" in page.text


def test_it_says_when_the_pictures_were_taken(mixture: Mixture) -> None:
    plan, evaluation = judged(mixture, FITTED)
    learnt = "learnt from train, 1 location, pictures from 2019-03-01 to 2019-11-30"
    text = page_of(plan, evaluation).text
    assert learnt in text
    assert text.count("pictures from") == 1
    periods = {"test": Period("2021-01-02T00:00:00", "2021-02-03T00:00:00")}
    dated = Mixture((Part(replace(mixture.parts[0].dataset, periods=periods)),))
    text = page_of(replace(plan, mixture=dated), evaluation).text
    assert "3 captures of 3 locations, pictures from 2021-01-02 to 2021-02-03" in text


def test_it_says_whether_the_accuracy_that_was_promised_is_reached(mixture: Mixture) -> None:
    plan, evaluation = judged(mixture, FITTED)
    of = evaluation.labels[0].captures.of
    assert of["accepted_accuracy"].value < 0.9
    said = page_of(plan, evaluation).text
    assert f"accepts {100 * of['accepted_share'].value:.1f} % of them" in said
    assert "the target is missed" in said
    never = page_of(*judged(mixture, replace(FITTED, accepted_confidence={}))).text
    assert "No confidence reached the target of 90.0 % right answers on val" in never
    assert "not calibrated" in page_of(*judged(mixture, None)).text


def test_all_plots_are_inside_and_every_name_is_escaped(mixture: Mixture) -> None:
    page = page_of(*judged(mixture, FITTED))
    images = [str(image["src"]) for image in page.of("img")]
    assert len(images) == 5  # confusion, locations, reliability, effort, empty captures
    assert all(image.startswith("data:image/png;base64,") for image in images)
    assert not {"i", "b", "script", "link"} & {name for name, _ in page.elements}
    assert ODD in page.text
    assert "models:/<i>x</i>/3" in page.text
    assert [one["href"] for one in page.of("a") if "#" not in str(one["href"])] == ["errors.html"]


def test_classes_stand_with_what_they_are_taken_for_the_weakest_first(mixture: Mixture) -> None:
    one = judged(mixture, None)[1].labels[0]
    rows = class_rows(one)
    assert [row["f1"] for row in rows] == sorted(one.classes["f1"])
    for row in rows:
        wrong = one.confusion.loc[row["class"]].drop(row["class"])
        assert row["taken_for"] == (wrong.idxmax(), wrong.max())


def test_captures_that_cannot_be_judged_leave_a_report_that_says_so(mixture: Mixture) -> None:
    plan, _ = judged(mixture, FITTED)
    none = evaluate(
        answers(["ant"], np.zeros((1, 3))[:, :0].reshape(1, 0)), (SPECIES,), plan.setting
    )
    page = page_of(plan, none)
    assert "No capture with a known answer could be judged." in page.text
    assert "1 capture is in no figure" in page.text
