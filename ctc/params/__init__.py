"""Every parameter of every step, once: its name, type, default, help and check.

The click options and `MLproject` are made from these classes. A parameter that several steps
share stands in a class of its own, which they inherit. These modules know no TensorFlow.
"""

from ctc.params.cascade import CascadeParams
from ctc.params.data import (
    Checks,
    DatasetParams,
    DatasetSplits,
    InventoryParams,
    SampleParams,
    SampleSize,
    Selection,
    SourceOfCaptures,
    StoredPictures,
    UnlabelledParams,
)
from ctc.params.judging import EvaluateParams, ExportParams, PredictParams, PromoteParams
from ctc.params.line import BenchmarkParams, MainParams, SyncParams
from ctc.params.pictures import Changes, SeenPictures
from ctc.params.serving import ServerParams
from ctc.params.shared import (
    Batches,
    Engine,
    Judging,
    ManyPictures,
    OfCaptures,
    OfClassifier,
    OfDataset,
    OfPictures,
    Seeded,
    Tracked,
    Workers,
)
from ctc.params.training import (
    Aims,
    Calibrating,
    Descent,
    Fitting,
    Machine,
    OfDatasets,
    Parentage,
    TrainParams,
)

STEPS: dict[str, type] = {
    "main": MainParams,
    "sample": SampleParams,
    "inventory": InventoryParams,
    "dataset": DatasetParams,
    "train": TrainParams,
    "cascade": CascadeParams,
    "evaluate": EvaluateParams,
    "predict": PredictParams,
    "promote": PromoteParams,
    "export": ExportParams,
    "sync": SyncParams,
    "benchmark": BenchmarkParams,
}

__all__ = [
    "STEPS",
    "Aims",
    "Batches",
    "BenchmarkParams",
    "Calibrating",
    "CascadeParams",
    "Changes",
    "Checks",
    "DatasetParams",
    "DatasetSplits",
    "Descent",
    "Engine",
    "EvaluateParams",
    "ExportParams",
    "Fitting",
    "InventoryParams",
    "Judging",
    "Machine",
    "MainParams",
    "ManyPictures",
    "OfCaptures",
    "OfClassifier",
    "OfDataset",
    "OfDatasets",
    "OfPictures",
    "Parentage",
    "PredictParams",
    "PromoteParams",
    "SampleParams",
    "SampleSize",
    "Seeded",
    "SeenPictures",
    "Selection",
    "ServerParams",
    "SourceOfCaptures",
    "StoredPictures",
    "SyncParams",
    "Tracked",
    "TrainParams",
    "UnlabelledParams",
    "Workers",
]
