"""The code of a logged model: `mlflow.pyfunc.load_model` runs this file and needs no more."""

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

BATCH_SIZE = 16


class ServedClassifier(PythonModel):
    """Answers for encoded pictures (JPEG and what else Pillow reads) in a table.

    A row is one picture and one label, with the columns of `ctc.prediction.Prediction`;
    `capture_id` is the picture's place in the list, from 0. Each picture is a capture of its own.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Load the classifier from the model's folder."""
        from pathlib import Path

        from ctc.model.classifier import Classifier

        self.classifier = Classifier.load(Path(context.artifacts["classifier"]))

    # MLflow reads the signature from the type hints of this form, which its own base class lacks.
    def predict(self, model_input: list[bytes]) -> pd.DataFrame:  # type: ignore[override]
        """Label each picture; one that cannot be read is a row with its failure."""
        from ctc.prediction.captures import PhotoCapture
        from ctc.prediction.predicting import predict

        captures = [PhotoCapture(str(place), (data,)) for place, data in enumerate(model_input)]
        return predict(self.classifier, captures, BATCH_SIZE).table()


mlflow.models.set_model(ServedClassifier())
