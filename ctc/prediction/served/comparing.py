"""Holds a model that was logged against the classifier it was made from."""

import pandas as pd

from ctc.model.classifier import Classifier
from ctc.prediction.asking.predicting import predict
from ctc.prediction.photos.captures import PhotoCapture

TOLERANCE = 1e-5  # of a probability: batches of another size add up in another order


def check_same_answers(classifier: Classifier, picture: bytes, answers: pd.DataFrame) -> None:
    """Compare what a reloaded model says of a picture with what the classifier says.

    Raises:
        RuntimeError: if they differ; the model must not be registered then.
    """
    own = predict(classifier, [PhotoCapture("0", (picture,))], batch_size=1).rows
    said = {row["label"]: row["probabilities"] for row in answers.to_dict("records")}
    if not any(row.probabilities for row in own):
        raise RuntimeError("the picture to compare by cannot be read; the model is not registered")
    for row in own:
        other = said.get(row.label, {})
        far = [
            name
            for name, value in row.probabilities.items()
            if not abs(other.get(name, -1.0) - value) <= TOLERANCE  # NaN is no answer
        ]
        if far:
            raise RuntimeError(
                f"the logged model answers '{row.label}' differently from the classifier it was "
                f"made from (class '{far[0]}'); it is not registered"
            )
