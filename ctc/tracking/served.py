"""The code of a logged model: `mlflow.pyfunc.load_model` runs this file and needs no more."""

from typing import TYPE_CHECKING

import mlflow
import pandas as pd
from mlflow.environment_variables import _MLFLOW_IS_IN_SERVING_ENVIRONMENT
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from ctc.prediction.served.serving import Answering


class Refused(MlflowException):
    """A request that is not answered, status 400; its text is one sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, error_code=INVALID_PARAMETER_VALUE)
        self.sentence = sentence

    def serialize_as_json(self) -> str:
        """Return the body of the response."""
        # The scoring server has put the whole request, pictures and all, before the sentence.
        self.message = self.sentence
        return str(super().serialize_as_json())  # type: ignore[no-untyped-call]


class _Answers:
    """Has the signature of the model.

    It stands apart from the class below because MLflow decodes the base64 of a `predict` that
    a class of its own defines, passing over what is none, and answers with status 500.
    """

    answering: "Answering"

    def predict(self, model_input: list[bytes]) -> pd.DataFrame:
        """Label each picture: bytes, or texts that are base64 or paths that are allowed."""
        from ctc.errors import BadInput

        served = _MLFLOW_IS_IN_SERVING_ENVIRONMENT.get()  # type: ignore[no-untyped-call]
        try:
            return (self.answering.served_table if served else self.answering.table)(model_input)
        except BadInput as error:
            raise Refused(str(error)) from error


class ServedClassifier(_Answers, PythonModel):  # type: ignore[misc]  # by its signature
    """Answers for encoded pictures (JPEG and what else Pillow reads) in a table.

    A row is one picture and one label, with the columns of `ctc.prediction.Prediction`;
    `capture_id` is the picture's place in the list, from 0. Each picture is a capture of its own.
    One that cannot be read is a row with its failure.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Load the classifier from the model's folder."""
        from pathlib import Path

        from ctc.model.classifier import Classifier
        from ctc.prediction.served.requests import Folders
        from ctc.prediction.served.serving import Answering

        classifier = Classifier.load(Path(context.artifacts["classifier"]))
        self.answering = Answering(classifier, Folders.of_environment())


mlflow.models.set_model(ServedClassifier())
