"""Entry point `main`: the steps one after the other, as nested runs of one run."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ctc.params import (
    DatasetParams,
    EvaluateParams,
    InventoryParams,
    MainParams,
    PredictParams,
    PromoteParams,
    SampleParams,
    TrainParams,
)
from entrypoints import dataset, evaluate, inventory, predict, promote, sample, train
from entrypoints.command import step_command

if TYPE_CHECKING:
    from ctc.evaluation.evaluation import Evaluation

P = TypeVar("P")


def run(params: MainParams) -> None:
    """Run the whole line and print what was learnt."""
    from ctc.evaluation.tables import as_text
    from ctc.storage import join
    from ctc.tasks import check_hosts
    from ctc.tracking import tracked_run, tracking_uri

    check_hosts(params.hosts)
    at = params.output
    table, folder = join(at, "inventory.parquet"), join(at, "dataset")
    with tracked_run("main", params) as tracked:
        path = params.path or _draw_sample(params)
        inventory.run(_of(InventoryParams, params, path=path, output=table), True)
        leaks = dataset.run(_of(DatasetParams, params, inventory=table, output=folder), True)
        _check_splits(folder)
        name = _name(params)
        own: dict[str, Any] = {"dataset": (folder,), "labels": ("all",)}
        # The model is judged in a step of its own; `resume` of main is about the shards.
        own |= {"output": join(at, "classifier"), "test_split": None, "resume": None}
        version = train.run(_of(TrainParams, params, **own, register=name), True)
        model = f"models:/{name}/{version}" if version else join(at, "classifier")
        judged = evaluate.run(_of(EvaluateParams, params, classifier=model, dataset=folder), True)
        tracked.metrics(judged.metrics)
        own = {"images": table, "source": "inventory", "classifier": model}
        own |= {"output": join(at, "predictions.csv"), "batch_size": "auto"}
        predict.run(_of(PredictParams, params, **own), True)
        fate = _promote(name, version, judged, params, folder)
    caveats = "".join(f"\nMind: {sentence}" for sentence in leaks)
    print(f"\nWhat was learnt, judged on captures of the test split:\n\n{as_text(judged)}{caveats}")
    print(f"\n{fate}")
    print(f"Look at it: {_ui_command(tracking_uri())}")


def _draw_sample(params: MainParams) -> str:
    from ctc.storage import join

    folder = join(params.output, "sample")
    sample.run(_of(SampleParams, params, output=folder), True)
    return join(folder, "table.csv")


def _of(kind: type[P], params: MainParams, **own: Any) -> P:
    """Return a step's parameters: its own, and for the rest those of main by the same name."""
    shared = {field.name for field in fields(MainParams)} & {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: getattr(params, name) for name in shared} | own)


def _name(params: MainParams) -> str | None:
    """Return what to register under: a model of one's own data takes no name that others use."""
    if params.register != "auto":
        return params.register
    return "species" if params.path is None else None


def _check_splits(dataset_folder: str) -> None:
    """Refuse a dataset that lacks a split which a later step needs, before hours are spent."""
    from ctc.dataset.manifest import open_dataset

    written = open_dataset(dataset_folder)
    for pattern in (TrainParams.train_split, TrainParams.val_split, EvaluateParams.split):
        written.matching(pattern)


def _promote(
    name: str | None, version: str | None, judged: "Evaluation", params: MainParams, folder: str
) -> str:
    """Promote a model that has learnt something and is no worse than the champion, if any."""
    if name is not None and version is None:
        return f"Not promoted: {name} is registered when its model has been sent, by `sync`"
    if name is None or version is None:
        return "Not registered, and so not promoted: give it a name with `register`"
    if not judged.beats_guessing:
        return f"Not promoted: {name} version {version} is no better than guessing at any label"
    own = {"name": name, "version": version, "dataset": folder}
    decision = promote.run(_of(PromoteParams, params, **own), True)
    if decision.refused:
        return f"Not promoted: {name} version {version}: {'; '.join(decision.reasons)}"
    return f"Promoted: models:/{name}@champion is version {version}"


def _ui_command(uri: str) -> str:
    """Return what opens the UI: the server's address, or the command that starts one."""
    if uri.startswith("http"):
        return uri
    here, python = Path.cwd(), Path(sys.executable)
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shown} -m mlflow ui --backend-store-uri {uri.replace(f'{here}/', '', 1)}"


@step_command(MainParams)
def main(params: MainParams) -> None:
    """Run as a command."""
    run(params)


if __name__ == "__main__":
    main()
