"""What a model says of pictures that are sent to it, a cascade of two as well as one."""

import json

import numpy as np
import pandas as pd
import pytest
from made_up_cascade import MADE_OF, pictures, says_empty, says_side
from made_up_dataset import encoded

from ctc.dataset.image_spec import ImageSpec
from ctc.errors import BadInput
from ctc.model.cascade import Gate, cascade_of
from ctc.model.classifier import Classifier
from ctc.prediction.asking.predicting import predict
from ctc.prediction.photos.captures import PhotoCapture
from ctc.prediction.served.requests import Folders
from ctc.prediction.served.serving import Answering

SMALL = ImageSpec(16, 16)
SINGLE = says_side(SMALL)
CASCADE = cascade_of(
    says_empty(SMALL), says_side(SMALL), Gate("empty", ("empty",), 0.2, 0.95, "mean"), MADE_OF
)


def known(table: pd.DataFrame) -> list[dict]:
    """The rows of a table, with None for what is not known."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


@pytest.mark.parametrize("classifier", [SINGLE, CASCADE], ids=["one", "cascade"])
def test_pictures_are_answered_as_captures_of_one_picture_are(classifier: Classifier) -> None:
    generator = np.random.default_rng(0)
    sent = [encoded(pictures(generator, side)[0]) for side in ("left", "right", "")]
    sent.insert(1, b"broken")
    captures = [PhotoCapture(str(place), (one,)) for place, one in enumerate(sent)]
    own = known(predict(classifier, captures, 4).table())
    answering = Answering(classifier, Folders())
    served = answering.served_table(sent).to_dict("records")
    assert json.loads(json.dumps(served, allow_nan=False)) == served
    for found in (served, known(answering.table(sent))):
        assert [(row["capture_id"], row["label"], row["prediction"]) for row in found] == [
            (row["capture_id"], row["label"], row["prediction"]) for row in own
        ]
        for row, expected in zip(found, own, strict=True):
            assert row["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
            assert row["failure"] == expected["failure"]


@pytest.mark.parametrize("classifier", [SINGLE, CASCADE], ids=["one", "cascade"])
def test_a_request_of_which_nothing_can_be_read_is_refused(classifier: Classifier) -> None:
    answering = Answering(classifier, Folders())
    why = "picture 1: not a picture that can be read"
    for sent, sentence in (([b"broken"], why), ([b"broken"] * 2, f"no picture can be read; {why}")):
        with pytest.raises(BadInput) as refused:
            answering.served_table(sent)
        assert str(refused.value) == sentence
        assert set(answering.table(sent)["images"]) == {0}  # a program gets its rows
