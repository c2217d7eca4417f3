"""Entry point `main`: the steps one after the other, as nested runs of one run."""

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

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

P = TypeVar("P")


def run(params: MainParams) -> None:
    """Run the whole line and print what was learnt."""
    from ctc.storage import join
    from ctc.tracking import tracked_run, tracking_uri

    at = params.output
    folder = join(at, "dataset")
    with tracked_run("main", params) as tracked:
        path = params.path or _draw_sample(params)
        inventory.run(
            _of(InventoryParams, params, path=path, output=join(at, "inventory.parquet")), True
        )
        dataset.run(
            _of(DatasetParams, params, inventory=join(at, "inventory.parquet"), output=folder), True
        )
        own = {"dataset": folder, "labels": ("all",), "output": join(at, "classifier")}
        version = train.run(_of(TrainParams, params, **own), True)
        model = f"models:/{params.register}/{version}" if version else join(at, "classifier")
        judged = evaluate.run(_of(EvaluateParams, params, classifier=model, dataset=folder), True)
        tracked.metrics(judged.metrics)
        _predict(params, path, model)
        if params.register and version:
            promote.run(PromoteParams(name=params.register, version=version), True)
    _say_what_was_learnt(params, judged.as_text(), version, tracking_uri())


def _draw_sample(params: MainParams) -> str:
    from ctc.storage import join

    folder = join(params.output, "sample")
    sample.run(_of(SampleParams, params, output=folder), True)
    return join(folder, "table.csv")


def _predict(params: MainParams, path: str, model: str) -> None:
    from ctc.storage import join

    own = {"images": path, "image_columns": params.images, "classifier": model}
    output = join(params.output, "predictions.csv")
    predict.run(_of(PredictParams, params, **own, output=output), True)


def _of(kind: type[P], params: MainParams, **own: Any) -> P:
    """Return a step's parameters: its own, and for the rest those of main by the same name."""
    shared = {field.name for field in fields(MainParams)} & {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: getattr(params, name) for name in shared} | own)


def _say_what_was_learnt(params: MainParams, table: str, version: str | None, uri: str) -> None:
    print(f"\nWhat was learnt, judged on captures of the test split:\n\n{table}\n")
    if version:
        print(f"Promoted: models:/{params.register}@champion is version {version}")
    print(f"Look at it: {_ui_command(uri)}")


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
