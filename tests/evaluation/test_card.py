"""The model card: it says what the record says, and what the record does not know."""

import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up_answers import answers
from made_up_dataset import Made, make_dataset

from ctc.dataset.image_spec import ImageSpec
from ctc.dataset.mixture import Mixture, Part
from ctc.dataset.period import Period
from ctc.evaluation.card import MADE, card, command, cut, markdown
from ctc.evaluation.evaluation import Evaluation, Setting, evaluate
from ctc.evaluation.impartiality import is_impartial
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.judging import Judgement
from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.model.classifier import Ancestor, Classifier, Origin
from ctc.parameter import build
from ctc.params import TrainParams
from ctc.provenance import Training

SPECIES = Label("species", ("ant", "b|<i>*ee", "cat"))
FITTED = Calibration(("d1",), ("val",), "mean", 0.9, {"species": 2.0}, {"species": 0.8})
PARENT = Ancestor("models:/old@champion", "models:/old/7", None, None)
PERIOD = Period("2019-03-01T07:15:00", "2019-11-30T23:59:59")
ORIGIN = Origin("tiny", ("d1",), ("train",), ("site_A", "siteB"), PARENT, "transfer", PERIOD)
CLASSIFIER = Classifier(None, (SPECIES,), ImageSpec(64, 96, "pad"), ORIGIN, FITTED)
COUNTS = pd.DataFrame(
    [("species", "ant", 120, 120.0, 30), ("species", "b|<i>*ee", 7, 7.0, 2)],
    columns=["label", "class", "training", "shown_an_epoch", "validation"],
)
TRAINING = Training(
    "train", "r123", "2024-05-06", {"dataset": "data/d", "labels": "species", "seed": "0"}, COUNTS,
    "c0ffee", "0.1.0",
)  # fmt: skip


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Judgement, Evaluation]:
    picture = (np.zeros((16, 16, 3), np.uint8),)
    captures = [
        Made(split, {"species": name}, picture) for split in ("test", "val") for name in "ab"
    ]
    mixture = Mixture.of(make_dataset(tmp_path_factory.mktemp("card"), captures))
    generator = np.random.default_rng(0)
    truth = [SPECIES.classes[number % 3] for number in range(60)]
    said = answers(truth, generator.dirichlet([0.3] * 3, 60), SPECIES)
    setting = Setting("test", calibration=FITTED, resampling=Resampling(20))
    plan = Judgement(CLASSIFIER, mixture, ("test",), 8, setting, ())
    return plan, replace(evaluate(said, (SPECIES,), setting), remarks=("few <places>",))


def test_it_says_what_it_was_trained_on_and_how_good_it_is(
    judged: tuple[Judgement, Evaluation],
) -> None:
    text = card("models:/sp/3", CLASSIFIER, TRAINING, judged)
    accuracy = judged[1].labels[0].captures.of["accuracy"]
    for said in (
        "# models:/sp/3\n",
        "- Dataset: data/d (digest d1)\n",
        "- Places, those of its parents among them: 2: site\\_A, siteB\n",
        "- Dates of the pictures, those of its parents among them: 2019-03-01 to 2019-11-30\n",
        "), dates of the pictures not recorded, all pictures of a capture combined (mean)",
        "- Trained on: 2024-05-06\n",
        "- Network: tiny, pictures of 64 x 96 (pad)\n",
        "- Parent: models:/old/7 (strategy transfer)\n",
        "| species | ant | 120 | 30 |\n",
        r"| species | b\|\<i\>\*ee | 7 | 2 |",
        f"| species | 60 | {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}) | ",
        "- Mind: few \\<places\\>\n",
        "Confidences from which 0.9 of the answers were right on val:\n\n- species: 0.800\n",
        "Run r123, ctc 0.1.0, commit c0ffee, with the dataset of digest d1:",
        "    mlflow run . -e train -P dataset=data/d -P labels=species -P seed=0\n",
    ):
        assert said in text
    weakest = judged[1].labels[0].classes.sort_values("f1").iloc[0]
    assert f"- species, {markdown(weakest['class'])}: F1 {weakest['f1']:.3f}, recall" in text


def dated(plan: Judgement) -> Judgement:
    """The same, with times in the dataset."""
    (part,) = plan.mixture.parts
    periods = {"val": PERIOD, "test": Period("2021-01-02T00:00:00", "2021-02-03T00:00:00")}
    return replace(plan, mixture=Mixture((Part(replace(part.dataset, periods=periods)),)))


def test_it_says_when_the_pictures_were_taken_that_it_was_judged_on(
    judged: tuple[Judgement, Evaluation],
) -> None:
    text = card("models:/sp/3", CLASSIFIER, TRAINING, (dated(judged[0]), judged[1]))
    assert "), pictures from 2021-01-02 to 2021-02-03, all pictures of a capture combined" in text


def test_what_is_not_known_it_says() -> None:
    bare = replace(CLASSIFIER, origin=Origin("tiny", ("d1",), ("train",), ()), calibration=None)
    text = card("data/classifier", bare, None, None)
    for said in (
        "- Dataset: not recorded (digest d1)",
        "among them: not recorded",
        "- Dates of the pictures, those of its parents among them: not recorded",
        "- Trained on: not recorded",
        "- Parent: none",
        "numbers of captures not recorded: species: ant, ",
        "It has not been judged.",
        "not recorded: the classifier is not calibrated.",
        "not recorded: no run is known that trained it.",
    ):
        assert said in text


def test_the_command_gives_the_same_parameters_again() -> None:
    given = {"labels": "'my species' count", "epochs": "3", "seed": "5", "output": "elsewhere"}
    words = shlex.split(command(given))
    again = dict(word.split("=", 1) for word in words if "=" in word)
    assert build(TrainParams, again) == replace(
        build(TrainParams, given), output=TrainParams.output
    )
    assert again["seed"] == "5"
    assert "output" not in again


def test_a_long_card_is_cut_between_lines_and_says_where_the_rest_is() -> None:
    text = "\n".join(f"line {number}" for number in range(2000))
    short = cut(text, 5000, "card.md of run r1")
    assert len(short) <= 5000
    assert "The rest of this card: card.md of run r1." in short
    assert MADE in short
    assert all(line in text.splitlines() for line in short.partition("\n\n")[0].splitlines())
    assert cut("short", 5000, "x") == "short"


def test_figures_of_what_chose_the_epoch_are_not_impartial(
    judged: tuple[Judgement, Evaluation],
) -> None:
    mixture = judged[0].mixture
    fitted = replace(FITTED, datasets=mixture.digests)
    classifier = replace(CLASSIFIER, calibration=fitted)
    assert is_impartial(mixture, ("test",), classifier)
    assert not is_impartial(mixture, ("test", "val"), classifier)
