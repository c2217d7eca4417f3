"""What a classifier answers about pictures that are sent to it, each a capture of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ctc.errors import BadInput
from ctc.model.classifier import Classifier
from ctc.prediction.asking.predicting import predict
from ctc.prediction.photos.captures import PhotoCapture
from ctc.prediction.predictions import Predictions
from ctc.prediction.served.requests import OF_A_SERVICE, Folders, pictures_of

BATCH_SIZE = 16


@dataclass(frozen=True)
class Answering:
    """A classifier and what it may read."""

    classifier: Classifier
    folders: Folders

    def table(self, asked: Any) -> pd.DataFrame:
        """Label pictures; a capture is named by the place of its picture, from 0.

        One that cannot be read is a row a label with its failure.

        Args:
            asked: see `pictures_of`.

        Raises:
            BadInput: see `pictures_of`.
        """
        return self._predictions(pictures_of(asked, self.folders)).table()

    def served_table(self, asked: Any) -> pd.DataFrame:
        """Label the pictures of a request, as `table` does, within the limits of a service.

        Raises:
            BadInput: see `pictures_of`, and where none of the pictures can be read.
        """
        found = self._predictions(pictures_of(asked, self.folders, OF_A_SERVICE))
        if all(row.prediction is None for row in found.rows):
            first = f"picture 1: {found.rows[0].failure}"
            raise BadInput(first if found.captures == 1 else f"no picture can be read; {first}")
        table = found.table()
        # As objects, for JSON has no NaN for what is not known.
        return table.astype(object).where(table.notna(), None)

    def _predictions(self, pictures: Sequence[bytes]) -> Predictions:
        captures = [PhotoCapture(str(place), (data,)) for place, data in enumerate(pictures)]
        # Each size is compiled once, and a batch is filled up to it.
        return predict(self.classifier, captures, 1 if len(captures) == 1 else BATCH_SIZE)
