"""The gallery of mistakes: what it shows, what it must never show, and that it asks for nothing."""

import base64
import io
import re
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pytest
from chromium import PROGRAM, Browser, browser
from conftest import empty_store
from made_up_answers import answer
from made_up_dataset import Made, make_dataset
from made_up_page import Page
from PIL import Image
from tracking_server import tracking_server

from ctc.dataset.mixture import Mixture
from ctc.evaluation.evaluation import Setting, evaluate
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.judging import Judgement
from ctc.evaluation.pages import gallery as module
from ctc.evaluation.pages.gallery import gallery
from ctc.evaluation.tables import suspect_table
from ctc.labels import Label
from ctc.prediction.answers import of_captures

ODD = '<img src="http://x.example/a">\'"&'
SPECIES = Label("species", (ODD, "hunter, human", "lion", "zebra"))
# The label of each capture, a label that nobody learns, and the answer.
SEEN = (
    ("zebra", "none", "lion"),
    ("zebra", "none", "zebra"),
    (ODD, "none", "zebra"),
    ("lion", "none", ODD),
    ("lion", "none", "hunter, human"),
    ("hunter, human", "none", "lion"),
    ("lion", "People", "zebra"),
)
DOUBT = 0.4  # less than zebras are usually answered with


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Mixture:
    """A capture of two pictures each, whose grey is the number of its capture times 30."""
    captures = [
        Made(
            "test",
            {"species": truth, "with": also},
            (np.full((40, 60, 3), 30 * number, np.uint8),) * 2,
        )
        for number, (truth, also, _) in enumerate(SEEN)
    ]
    return Mixture.of(make_dataset(tmp_path_factory.mktemp("gallery"), captures))


def html_of(mixture: Mixture, private: tuple[str, ...] = ("human", "people")) -> str:
    answers = [
        answer(
            f"c{number:03d}",
            truth,
            [[sure if name == said else (1 - sure) / 3 for name in SPECIES.classes]],
            SPECIES,
            location=f"site{number % 3}",
        )
        for number, (truth, _, said) in enumerate(SEEN)
        for sure in [DOUBT if (truth, said) == (ODD, "zebra") else 0.97]
    ]
    setting = Setting("test", resampling=Resampling(0))
    plan = Judgement(None, mixture, ("test",), 8, setting, private)
    suspects = suspect_table(evaluate(answers, (SPECIES,), setting))
    return gallery(plan, of_captures(answers, (SPECIES,), "mean", None), suspects)


def page_of(mixture: Mixture, private: tuple[str, ...] = ("human", "people")) -> Page:
    return Page(html_of(mixture, private))


def greys(page: Page) -> set[int]:
    """The captures whose pictures are on the page."""
    found = set()
    for image in page.of("img"):
        kind, data = str(image["src"]).split(",", 1)
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert picture.size == (60, 40)
            found.add(round(float(np.asarray(picture).mean()) / 30))
    return found


def test_every_answer_that_differs_is_shown_with_its_pictures(mixture: Mixture) -> None:
    page = page_of(mixture, private=())
    assert greys(page) == {0, 2, 3, 4, 5, 6}
    assert len(page.of("img")) == 12
    shown = {(one["data-truth"], one["data-prediction"]) for one in page.of("article")}
    assert shown == {(truth, said) for truth, _, said in SEEN if truth != said}
    assert {one["data-location"] for one in page.of("article")} == {"site0", "site1", "site2"}


def test_no_capture_of_a_private_class_is_on_the_page(mixture: Mixture) -> None:
    """Neither by its label, nor by the answer, nor by a label that the classifier does not know."""
    page = page_of(mixture)
    assert greys(page) == {0, 2, 3}
    assert "human" not in page.text
    assert not any(
        "human" in str(v) for _, attributes in page.elements for v in attributes.values()
    )


def test_names_are_escaped_and_nothing_is_asked_for(mixture: Mixture) -> None:
    page = page_of(mixture)
    assert all(str(image["src"]).startswith("data:") for image in page.of("img"))
    assert page.text.count(ODD) >= 2
    assert ODD in {one.get("value") for one in page.of("option")}
    assert not {"link", "iframe", "object", "base"} & {name for name, _ in page.elements}
    assert all("src" not in script for script in page.of("script"))
    policies = [str(one["content"]) for one in page.of("meta") if "http-equiv" in one]
    assert policies[0].startswith("default-src 'none'; img-src data:;")


def test_the_most_suspicious_are_shown_where_there_are_too_many(
    mixture: Mixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    page = page_of(mixture, private=())
    assert len(page.of("article")) == 2
    assert re.search(r"2 of 6 such\s+answers", page.text)


def test_a_page_without_mistakes_says_so(mixture: Mixture) -> None:
    setting = Setting("test", resampling=Resampling(0))
    plan = Judgement(None, mixture, ("test",), 8, setting, ())
    suspects = suspect_table(evaluate([], (SPECIES,), setting))
    page = Page(gallery(plan, of_captures([], (SPECIES,), "mean", None), suspects))
    assert "0 of 0 such answers" in page.text


def visible(page: Browser) -> list[str]:
    """The labels and answers of what is seen, each as `label>answer`."""
    return page.evaluate(
        "[...document.querySelectorAll('article')].filter((one) => one.offsetHeight > 0)"
        ".map((one) => one.dataset.truth + '>' + one.dataset.prediction).sort()"
    )


def choose(page: Browser, field: str, value: str) -> None:
    """Go to a value with the keys, from the first one on, as someone without a mouse does."""
    page.evaluate(f"document.querySelector('select[data-field={field}]').focus()")
    values = page.evaluate("[...document.activeElement.options].map((one) => one.value)")
    page.press("Home", 36)
    for _ in range(values.index(value)):
        page.press("ArrowDown", 40)


@pytest.mark.slow
@pytest.mark.skipif(not PROGRAM, reason="there is no Chromium")
def test_the_filters_do_in_a_browser_what_they_say(mixture: Mixture, tmp_path: Path) -> None:
    path = tmp_path / "errors.html"
    path.write_text(html_of(mixture, private=()), encoding="utf-8")
    every = sorted(f"{truth}>{said}" for truth, _, said in SEEN if truth != said)
    with browser(tmp_path / "profile") as page:
        page.open(path.as_uri())
        assert visible(page) == every
        choose(page, "truth", "lion")
        assert visible(page) == [f"lion>{ODD}", "lion>hunter, human", "lion>zebra"]
        choose(page, "prediction", ODD)
        assert visible(page) == [f"lion>{ODD}"]
        assert page.evaluate("document.querySelector('output').textContent") == "1 shown"
        page.click("button")
        page.wait()
        assert visible(page) == every
        choose(page, "location", "site2")
        assert visible(page) == [f"{ODD}>zebra", "hunter, human>lion"]
        page.click("button")
        page.wait()
        page.click("#likely")
        assert visible(page) == [one for one in every if one != f"{ODD}>zebra"]
        assert page.evaluate("document.querySelectorAll('article .mark').length") == 5
        broken = "[...document.images].filter((one) => one.naturalWidth !== 60).length"
        assert page.evaluate(broken) == 0
        assert {url.split(":", 1)[0] for url in page.requests} <= {"file", "data"}


@pytest.mark.slow
@pytest.mark.skipif(not PROGRAM, reason="there is no Chromium")
def test_the_filters_work_in_the_ui_of_mlflow(mixture: Mixture, tmp_path: Path) -> None:
    """It shows the page in a frame that may run scripts and nothing else."""
    store = tmp_path / "mlflow.db"
    shutil.copy(empty_store(), store)
    shown = "document.querySelector('output').textContent"
    with tracking_server(tmp_path, store) as uri, browser(tmp_path / "profile") as page:
        client = mlflow.MlflowClient(uri)
        run_id = client.create_run("0").info.run_id
        client.log_text(run_id, html_of(mixture, private=()), "errors.html")
        page.open(f"{uri}/#/experiments/0/runs/{run_id}/artifacts/errors.html")
        frame = "document.querySelector('iframe')"
        sandbox = page.wait_for(f"{frame} && {frame}.src && {frame}.getAttribute('sandbox')")
        assert sandbox == "allow-scripts"
        with page.inside("blob:"):
            page.wait_for(
                "document.readyState == 'complete' && document.querySelector('output')?.value"
            )
            assert page.evaluate(shown) == "6 shown"
            x, y = page.middle("#likely")
        left, top = page.evaluate(f"(r => [r.x, r.y])({frame}.getBoundingClientRect())")
        page.click_at(left + x, top + y)
        with page.inside("blob:"):
            assert page.wait_for(f"{shown} != '6 shown' && {shown}") == "5 shown"
            assert len(visible(page)) == 5
