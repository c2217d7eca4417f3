"""Promotion and rollback, against a real tracking store: in SQLite, and (slow) behind a server.

What evaluations found is made up, and kept as `evaluate` keeps it; where a version has to be judged
first, that is real.
"""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import mlflow
import numpy as np
import pytest
from conftest import log_classifier, used_store
from made_up_answers import CLASSES, SPECIES, answers
from mlflow.entities import Run as StoredRun
from tracking_server import tracking_server

from ctc.dataset.manifest import Dataset
from ctc.errors import BadInput
from ctc.evaluation.evaluation import Setting, evaluate
from ctc.evaluation.intervals import Resampling
from ctc.evaluation.tables import class_tables
from ctc.params import EvaluateParams, PromoteParams
from ctc.tracking import (
    Input,
    Overtaken,
    Standing,
    standing,
    tracked_run,
)
from ctc.tracking import promote as move
from ctc.tracking.registry import register
from entrypoints import promote

ROOT = Path(__file__).parent.parent
EACH = 20  # captures of each class
USUAL, OTHER = "a" * 32, "b" * 32  # digests of datasets
SAME = dict.fromkeys(CLASSES, 0.8)
# Recall of each class, by what the model is.
SKILL = {
    "usual": SAME,
    "better": dict.fromkeys(CLASSES, 0.9),
    "worse": dict.fromkeys(CLASSES, 0.75),
    "uneven": {**dict.fromkeys(CLASSES, 1.0), "eel": 0.5},
    "narrow": {**dict.fromkeys(CLASSES, 1.0), "eel": 0.0},
}


@pytest.fixture(scope="module", params=["file", pytest.param("server", marks=pytest.mark.slow)])
def tracking(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where runs and models are kept: an SQLite file, or a server in front of one."""
    folder = tmp_path_factory.mktemp("tracking")
    with used_store(folder / "store") as patch:
        if request.param == "file":
            yield mlflow.get_tracking_uri()
            return
        with tracking_server(folder, folder / "store" / "mlflow.db") as uri:
            patch.setenv("MLFLOW_TRACKING_URI", uri)
            mlflow.set_tracking_uri(uri)
            yield uri


@pytest.fixture(scope="module")
def models(tracking, small_classifier: Path, tmp_path_factory) -> dict[str, str]:
    """The URIs of logged models, each judged on the usual dataset; one on another alone."""
    folder = tmp_path_factory.mktemp("models") / "classifier"
    shutil.copytree(small_classifier, folder)
    found = {name: logged(folder, skill, USUAL) for name, skill in SKILL.items()}
    return found | {"elsewhere": logged(folder, SKILL["better"], OTHER)}


@pytest.fixture(scope="module")
def unjudged(tracking, small_classifier: Path) -> tuple[str, str]:
    """Two models as they were trained, of which nothing was found yet."""
    return logged_as_it_is(small_classifier), logged_as_it_is(small_classifier)


def logged(folder: Path, skill: Mapping[str, float], dataset: str) -> str:
    """Log a model that knows the classes of which it recognises some, and what was found of it."""
    about = json.loads((folder / "classifier.json").read_text())
    known = [name for name in CLASSES if skill[name]]
    about["labels"] = [{"name": "species", "classes": known}]
    (folder / "classifier.json").write_text(json.dumps(about))
    uri = logged_as_it_is(folder)
    judge(uri, skill, dataset)
    return uri


def logged_as_it_is(folder: Path) -> str:
    with tracked_run("train", PromoteParams()) as run:
        return log_classifier(run, folder, {"val/loss": 1.0}, step=0)


def judge(uri: str, skill: Mapping[str, float], dataset: str, aggregate: str = "auto") -> None:
    """Keep what was found of a model, as `evaluate` does."""
    truth = [name for name in CLASSES for _ in range(EACH)]
    right = [place < round(skill[name] * EACH) for name in CLASSES for place in range(EACH)]
    said = [
        CLASSES.index(name if hit else "bee" if name == "ant" else "ant")
        for name, hit in zip(truth, right, strict=True)
    ]
    found = evaluate(
        answers(truth, np.eye(len(CLASSES))[said] * 0.9 + 0.02),
        (SPECIES,),
        Setting("test", resampling=Resampling(0)),
    )
    with tracked_run("evaluate", EvaluateParams(aggregate=aggregate)) as run:
        data = Input(f"data/{dataset[:1]}", "dataset", dataset)
        run.input(data, "evaluation")
        run.resolved(split=("test",))
        run.metrics(found.metrics, model_id=uri.removeprefix("models:/"), data=data)
        run.table(class_tables(found), "classes")


@pytest.fixture
def name(tracking) -> str:
    """A name that no model has yet."""
    return f"model-{uuid.uuid4().hex[:8]}"


def having(name: str, uris: Sequence[str], champion: str | None = "1") -> str:
    """Register models as versions 1, 2, ... of `name`, the first of them champion."""
    for uri in uris:
        register(uri, name)
    if champion:
        move(standing(name, champion, "champion"), "by hand")
    return name


def asked(name: str, **params: object) -> PromoteParams:
    """A promotion that rests on the records alone."""
    return PromoteParams(**{"name": name, "dataset": None, **params})


def aliases(name: str) -> dict[str, str]:
    found = mlflow.MlflowClient().get_registered_model(name).aliases
    return {alias: str(version) for alias, version in found.items() if alias != "candidate"}


def latest(step: str = "promote") -> StoredRun:
    found = mlflow.search_runs(
        search_all_experiments=True, filter_string=f"tags.step = '{step}'", output_format="list"
    )
    return found[0]


def tags_of(name: str, version: str) -> dict[str, str]:
    return mlflow.MlflowClient().get_model_version(name, version).tags


def test_the_first_champion_needs_a_record_and_nothing_to_beat(models, name):
    having(name, [models["worse"]], champion=None)
    decision = promote.run(asked(name))
    assert (decision.verdict, decision.reasons) == ("promoted", ())
    assert aliases(name) == {"champion": "1"}


def test_a_better_model_is_promoted_and_the_decision_is_kept(models, name):
    having(name, [models["usual"], models["better"]])
    decision = promote.run(asked(name, reason="season 2"))
    assert decision.verdict == "promoted"
    assert aliases(name) == {"champion": "2", "previous": "1"}
    run = latest()
    assert run.info.status == "FINISHED"
    assert run.data.tags["decision"] == "promoted"
    assert run.data.params["resolved.version"] == "2"
    assert run.data.params["resolved.champion"] == "1"
    assert run.data.params["resolved.dataset"] == USUAL
    assert run.data.metrics["candidate/macro_f1"] > run.data.metrics["champion/macro_f1"]
    tags = tags_of(name, "2")
    assert tags["promotion.decision"] == "promoted"
    assert tags["promotion.champion"] == "1"
    assert tags["promotion.because"] == "season 2"
    assert tags["promotion.run"] == run.info.run_id
    assert "species/accuracy: 0.9000; champion: 0.8000" in tags["promotion.figures"]
    table = mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/comparison/recalls.json")
    assert {row[1]: row[3:5] for row in table["data"]} == {name: [0.9, 0.8] for name in CLASSES}


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("worse", "macro_f1 of species is 0."),
        ("uneven", "species 'eel': recall falls by 0.300, from 0.800 to 0.500 (6 of 20 captures)"),
        ("narrow", "species 'eel': recall falls by 0.800, from 0.800 to 0.000 (16 of 20 captures)"),
        ("elsewhere", f"judged are version 2 on test of dataset {OTHER}; version 1 on test of dat"),
    ],
)
def test_what_is_no_better_is_refused_and_nothing_moves(models, name, model, reason):
    having(name, [models["usual"], models[model]])
    decision = promote.run(asked(name))
    assert decision.refused
    assert any(reason in sentence for sentence in decision.reasons), decision.reasons
    assert aliases(name) == {"champion": "1"}
    run = latest()
    assert (run.info.status, run.data.tags["decision"]) == ("FINISHED", "refused")
    assert reason in run.data.tags["reasons"]
    assert tags_of(name, "2")["promotion.decision"] == "refused"
    assert reason in tags_of(name, "2")["promotion.reasons"]


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ("worse", {"min_gain": 0.0, "max_class_drop": 0.05, "force": True}),
        ("uneven", {"max_class_drop": 0.3}),
        ("elsewhere", {"force": True}),
    ],
)
def test_what_is_asked_for_changes_what_is_refused(models, name, model, params):
    having(name, [models["usual"], models[model]])
    decision = promote.run(asked(name, **params))
    assert decision.verdict == ("promoted by force" if "force" in params else "promoted")
    assert aliases(name) == {"champion": "2", "previous": "1"}
    assert bool(decision.reasons) == ("force" in params)  # they are kept all the same


def test_a_gain_and_a_metric_can_be_asked_for(models, name):
    having(name, [models["usual"], models["better"]])
    assert promote.run(asked(name, min_gain=0.5)).refused
    (reason,) = promote.run(asked(name, metric="count/accuracy")).reasons
    assert reason.startswith("count/accuracy is not known of both: version 2 was judged on species")
    assert aliases(name) == {"champion": "1"}
    with pytest.raises(BadInput, match="unknown metric 'beauty'; allowed: accuracy"):
        promote.run(asked(name, metric="beauty"))
    with pytest.raises(BadInput, match="metric: found 'a/b/c'; allowed: METRIC or LABEL/METRIC"):
        promote.run(asked(name, metric="a/b/c"))


def test_a_dry_run_decides_and_moves_nothing(models, name):
    having(name, [models["usual"], models["better"], models["worse"]])
    good = promote.run(asked(name, version="2", dry_run=True))
    assert good.verdict == "not moved (dry run), it would be promoted"
    assert latest().data.tags["decision"] == good.verdict
    assert promote.run(asked(name, version="3", dry_run=True)).refused
    assert aliases(name) == {"champion": "1"}
    assert "promotion.decision" not in {*tags_of(name, "2"), *tags_of(name, "3")}


def test_who_is_champion_already_stays_it_and_keeps_its_tags(models, name):
    having(name, [models["usual"], models["better"]])
    promote.run(asked(name))
    assert promote.run(asked(name)).verdict == "unchanged"
    assert aliases(name) == {"champion": "2", "previous": "1"}
    assert tags_of(name, "2")["promotion.decision"] == "promoted"


def test_another_alias_has_its_own_champion_and_no_previous(models, name):
    having(name, [models["better"], models["usual"], models["worse"]])
    assert promote.run(asked(name, version="3", alias="north")).verdict == "promoted"
    assert promote.run(asked(name, version="2", alias="north")).verdict == "promoted"
    assert aliases(name) == {"champion": "1", "north": "2"}


def test_a_rollback_restores_what_was_before_and_says_why(models, name):
    having(name, [models["worse"], models["usual"], models["better"]])
    for version in ("2", "3"):
        promote.run(asked(name, version=version))
    assert aliases(name) == {"champion": "3", "previous": "2"}
    assert promote.run(asked(name, rollback=True, dry_run=True)).verdict.startswith("not moved")
    assert aliases(name) == {"champion": "3", "previous": "2"}
    decision = promote.run(asked(name, rollback=True, reason="it takes hares for lions"))
    assert decision.verdict == "restored by a rollback"
    assert aliases(name) == {"champion": "2", "previous": "1"}
    assert latest().data.tags["decision"] == decision.verdict
    tags = tags_of(name, "2")
    assert tags["promotion.champion"] == "3"
    assert tags["promotion.because"] == "it takes hares for lions"
    promote.run(asked(name, rollback=True))
    assert aliases(name) == {"champion": "1"}
    with pytest.raises(BadInput, match="has no version 'previous'; it has: 1, 2, 3, candidate"):
        promote.run(asked(name, rollback=True))


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"alias": "north"}, "rollback: found alias 'north'; allowed: 'champion'"),
        ({"version": "1"}, "rollback goes to the version before"),
    ],
)
def test_a_rollback_is_the_champions_alone(models, name, params, sentence):
    having(name, [models["usual"]])
    with pytest.raises(BadInput, match=sentence):
        promote.run(asked(name, rollback=True, **params))


def test_figures_of_pictures_combined_in_another_way_are_no_record(models, name, unjudged):
    judge(unjudged[0], SKILL["better"], USUAL, aggregate="max")
    having(name, [models["usual"], unjudged[0]])
    assert promote.run(asked(name, max_class_drop=1.0)).refused
    judge(unjudged[0], SKILL["better"], USUAL)
    assert promote.run(asked(name, max_class_drop=1.0)).verdict == "promoted"


def test_what_has_no_record_on_the_dataset_is_judged_on_it(name, unjudged, small_dataset: Dataset):
    having(name, unjudged)
    before = len(runs_of("evaluate"))
    params = asked(name, dataset=str(small_dataset.folder))
    decision = promote.run(params)
    assert (decision.verdict, decision.comparison.candidate) == (
        "promoted", decision.comparison.champion,
    )  # fmt: skip
    inside = runs_of("evaluate")[: len(runs_of("evaluate")) - before]
    assert {run.data.params["classifier"] for run in inside} == {
        f"models:/{name}/1", f"models:/{name}/2",
    }  # fmt: skip
    assert {run.data.tags["mlflow.parentRunId"] for run in inside} == {latest().info.run_id}
    assert promote.run(dataclasses.replace(params, version="1")).verdict == "promoted"
    assert len(runs_of("evaluate")) == before + 2  # what is known is not asked again


def test_what_is_learnt_from_and_what_cannot_be_judged_is_refused(
    models, name, unjudged, small_dataset: Dataset
):
    having(name, [unjudged[0], models["better"]])
    found = promote.run(asked(name, dataset=str(small_dataset.folder)))
    assert found.reasons[0].startswith("version 2 cannot be judged: the classifier knows no class")
    learnt = promote.run(asked(name, dataset=str(small_dataset.folder), split="train*"))
    assert "version 1 has learnt from train" in learnt.reasons
    nowhere = promote.run(asked(name, dataset="nowhere"))
    assert nowhere.reasons == ("no dataset at 'nowhere'; the step `dataset` writes one",)
    assert aliases(name) == {"champion": "1"}
    with pytest.raises(BadInput, match="matches 'summer'"):
        promote.run(asked(name, dataset=str(small_dataset.folder), split="summer"))
    assert promote.run(asked(name, dataset="nowhere", force=True)).verdict == "promoted by force"


def runs_of(step: str) -> list[StoredRun]:
    return mlflow.search_runs(
        search_all_experiments=True, filter_string=f"tags.step = '{step}'", output_format="list"
    )


def test_an_alias_that_moved_since_the_decision_is_not_moved_again(models, name):
    having(name, [models["usual"], models["better"], models["better"]])
    seen = standing(name, "2", "champion")
    promote.run(asked(name, version="3"))
    with pytest.raises(Overtaken, match="version 3 has it now, not version 1; nothing was moved"):
        move(seen, "late")
    assert aliases(name) == {"champion": "3", "previous": "1"}
    assert not announcements(name)


def announcements(name: str) -> list[str]:
    tags = mlflow.MlflowClient().get_registered_model(name).tags
    return [tag for tag in tags if tag.startswith("promoting.")]


def test_who_is_about_to_move_an_alias_is_not_interrupted(models, name):
    having(name, [models["usual"], models["better"]])
    client = mlflow.MlflowClient()
    other = client.create_run("0").info.run_id
    client.set_registered_model_tag(name, f"promoting.champion.{other}", "7")
    decision = promote.run(asked(name))
    assert decision.verdict == "overtaken"
    assert decision.reasons[0].startswith(f"run {other} is about to give 'champion'")
    assert latest().data.tags["decision"] == tags_of(name, "2")["promotion.decision"] == "overtaken"
    assert aliases(name) == {"champion": "1"}
    client.set_terminated(other)  # it never came to remove its announcement
    assert promote.run(asked(name)).verdict == "promoted"


def test_who_moves_the_alias_by_hand_right_after_is_noticed(models, name, monkeypatch):
    having(name, [models["usual"], models["better"], models["worse"]])
    usual = mlflow.MlflowClient.set_registered_model_alias

    def and_another(self, name, alias, version):
        usual(self, name, alias, version)
        usual(self, name, alias, "3") if alias == "champion" else None

    monkeypatch.setattr(mlflow.MlflowClient, "set_registered_model_alias", and_another)
    decision = promote.run(asked(name, version="2"))
    assert decision.verdict == "overtaken"
    (reason,) = decision.reasons
    assert "version 3 has it now, not version 2; version 2 had it for a moment" in reason
    assert latest().info.status == "FINISHED"


def command(name: str, **params: object) -> list[str]:
    given = {"name": name, "dataset": "none", **params}
    words = [word for key, value in given.items() for word in (f"--{key}", str(value))]
    return [sys.executable, "-m", "entrypoints.promote", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_refusal_has_an_exit_code_of_its_own(models, name, capsys):
    having(name, [models["usual"], models["worse"]])
    with pytest.raises(SystemExit) as ended:
        promote.main([f"--name={name}", "--dataset=none"])
    assert ended.value.code == promote.REFUSED == 3
    said = capsys.readouterr().out
    assert "version 2: refused; the champion was version 1" in said
    assert "the champion's is 0.8" in said
    assert latest().info.status == "FINISHED"


@pytest.mark.slow
@pytest.mark.parametrize("tracking", ["server"], indirect=True)
def test_of_several_who_move_an_alias_at_once_one_does_at_most(models, name):
    others = [str(number) for number in range(2, 6)]
    having(name, [models["usual"]] * 5)
    for _ in range(10):
        before = aliases(name)["champion"]
        moved = moved_at_once([standing(name, one, "champion") for one in {*others} - {before}])
        assert len(moved) <= 1
        assert aliases(name)["champion"] == (moved or [before])[0]
        assert not announcements(name)


def moved_at_once(seen: Sequence[Standing]) -> list[str]:
    """Let each of several move an alias at the same moment; return who thinks that it did."""
    client, moved = mlflow.MlflowClient(), []
    start = threading.Barrier(len(seen))

    def attempt(one: Standing) -> None:
        run_id = client.create_run("0").info.run_id
        start.wait()
        try:
            move(one, run_id)
            moved.append(one.version)
        except Overtaken:
            pass
        finally:
            client.set_terminated(run_id)

    threads = [threading.Thread(target=attempt, args=(one,)) for one in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return moved


@pytest.mark.slow
@pytest.mark.parametrize("tracking", ["server"], indirect=True)
def test_two_people_who_promote_at_once_both_know_what_became_of_it(models, name):
    having(name, [models["usual"], models["better"], models["better"]])
    people = [
        subprocess.Popen(command(name, version=version), env=environment(), stdout=subprocess.PIPE)
        for version in ("2", "3")
    ]
    codes = [(person.communicate(timeout=300), person.returncode)[1] for person in people]
    assert {*codes} <= {0, promote.REFUSED}
    ours = [run for run in runs_of("promote") if run.data.params["name"] == name]
    assert {run.info.status for run in ours} == {"FINISHED"}
    promoted = {
        run.data.params["resolved.champion"]: run.data.params["resolved.version"]
        for run in ours
        if run.data.tags["decision"] == "promoted"
    }
    assert len(promoted) == codes.count(0)  # none was compared with a champion that another beat
    champion = "1"
    while champion in promoted:
        champion = promoted[champion]
    assert aliases(name)["champion"] == champion
