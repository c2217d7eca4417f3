"""What finished runs have left, read back from a real tracking store."""

import mlflow
import pandas as pd
import pytest

from ctc.errors import BadInput
from ctc.params import EvaluateParams, InventoryParams, TrainParams
from ctc.tracking import (
    Input,
    evaluations,
    kept_run,
    kept_runs,
    latest_of_each,
    read_from,
    tracked_run,
    trained_with,
)

USUAL, OTHER = Input("data/dataset", "dataset", "a" * 32), Input("data/other", "dataset", "b" * 32)


def judge(name: str, data: Input = USUAL, aggregate: str = "mean", trained_by: str = "") -> str:
    """A run that judged a classifier, of which it is told who trained it."""
    with tracked_run("evaluate", EvaluateParams(), name=f"evaluate {name}") as run:
        run.input(data, "evaluation")
        run.resolved(classifier=name, split=("test", "test_b"), aggregate=aggregate)
        if trained_by:
            run.model_input(mlflow.search_logged_models(output_format="list")[0].model_id)
    return run.run_id


def train(judged: bool, **params: object) -> str:
    with tracked_run("train", TrainParams(**params), name="train tiny") as run:
        run.input(USUAL, "training")
        mlflow.initialize_logged_model(name="best_model", source_run_id=run.run_id)
        if judged:
            run.input(USUAL, "evaluation")
            run.resolved(split=("test", "test_b"), aggregate="mean")
    return run.run_id


def stopped() -> None:
    with tracked_run("evaluate", EvaluateParams()) as run:
        run.resolved(split=("test",))
        raise KeyboardInterrupt


def test_runs_that_judged_are_found_the_latest_first(store):
    first = judge("models:/species/1")
    second = train(judged=True)
    train(judged=False)
    with pytest.raises(KeyboardInterrupt):
        stopped()
    with tracked_run("promote", EvaluateParams()) as run:
        run.resolved(split=("test",))
    found = evaluations("Default")
    assert [one.run_id for one in found] == [second, first]
    assert [one.name for one in found] == [
        f"train tiny ({second[:4]})",
        f"species/1 ({first[:4]})",
    ]
    assert found[0].ground == found[1].ground == f"test test_b of dataset {USUAL.digest}"


def test_other_captures_are_another_ground(store):
    here, there = (kept_run(judge("a", data)) for data in (USUAL, OTHER))
    assert here.ground != there.ground


def test_a_training_on_several_datasets_was_judged_on_their_mixture(store):
    with tracked_run("train", TrainParams()) as run:
        run.input(USUAL, "training")
        run.input(OTHER, "training")
        run.input(Input("data/dataset", "datasets", "c" * 32), "evaluation")
    assert kept_run(run.run_id).dataset == "c" * 32


def test_a_classifier_that_was_judged_again_is_there_once(store):
    trained = train(judged=True)
    by_mean, by_vote, again = (
        judge("models:/a/1", aggregate=how, trained_by=trained) for how in ("mean", "vote", "mean")
    )
    folders = [judge("data/classifier"), judge("data/classifier")]
    chosen = [one.run_id for one in latest_of_each(evaluations("Default"))]
    assert chosen == [folders[1], folders[0], again, by_vote]
    assert by_mean not in chosen


def test_it_is_known_with_which_parameters_a_judged_classifier_was_trained(store):
    trained = train(judged=True, epochs=7)
    for run_id in (trained, judge("models:/a/1", trained_by=trained)):
        assert trained_with(kept_run(run_id))["epochs"] == "7"
    assert trained_with(kept_run(judge("data/classifier"))) == {}
    again = kept_run(judge("models:/a/1", trained_by=trained))
    mlflow.delete_run(trained)
    assert trained_with(again) == {}


def test_tables_are_as_they_were_also_where_names_look_like_numbers(store):
    table = pd.DataFrame({"class": ["1", "NA", "01"], "recall": [0.5, None, 1.0]})
    answers = pd.DataFrame(
        {
            "capture_id": ["007", "8", "9"],
            "truth": ["1", "NA", None],
            "confidence": [0.5, None, 0.25],
            "accepted": [True, False, True],
        }
    )
    with tracked_run("evaluate", EvaluateParams()) as run:
        run.table(table, "by/classes")
        run.csv(answers, "predictions")
    kept = kept_run(run.run_id)
    pd.testing.assert_frame_equal(kept.table("by/classes.json"), table)
    found = kept.table("predictions.csv")
    assert found["capture_id"].tolist() == ["007", "8", "9"]
    assert found["truth"].tolist() == ["1", "NA", ""]
    assert found["confidence"].isna().tolist() == [False, True, False]
    assert found["accepted"].tolist() == [True, False, True]
    assert (kept.files(), kept.files("by")) == (["predictions.csv"], ["by/classes.json"])
    assert kept.text("predictions.csv").startswith("capture_id,truth")
    with pytest.raises(BadInput, match=r"\(evaluate\) has left no 'card.md'"):
        kept.text("card.md")


def test_parameters_are_read_as_they_were_meant(store, monkeypatch):
    begun = mlflow.MlflowClient().create_run("0", tags={"mlflow.source.type": "PROJECT"})
    mlflow.MlflowClient().log_param(begun.info.run_id, "output", "'my survey/a.parquet'")
    monkeypatch.setenv("MLFLOW_RUN_ID", begun.info.run_id)
    with tracked_run("inventory", InventoryParams()) as run:
        run.resolved(labels=("how many", "species"))
    (kept,) = kept_runs("inventory", "Default")
    assert kept.params["output"] == "my survey/a.parquet"
    assert kept.params["resolved.labels"] == "'how many' species"


def test_what_is_not_there_is_said_in_a_sentence_and_not_made(store, tmp_path):
    assert read_from(None) == mlflow.get_tracking_uri()
    with pytest.raises(BadInput, match=r"experiment 'Default' at .* has no finished run"):
        evaluations("Default")
    with pytest.raises(BadInput, match="no experiment 'Serengeti'; there are: Default"):
        kept_runs("inventory", "Serengeti")
    with pytest.raises(BadInput, match="no run 'x' at"):
        kept_run("x")
    with pytest.raises(BadInput, match=r"no runs are kept at .*; `make demo` makes some"):
        read_from(f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()
