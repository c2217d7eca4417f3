"""Predictions as files."""

from ctc import storage
from ctc.errors import BadInput
from ctc.prediction.predictions import Predictions

FIRST_COLUMNS = b"capture_id,label,prediction,"  # of every table of predictions


def check_output(uri: str) -> None:
    """Refuse what cannot be written, before any picture is read.

    Raises:
        BadInput: for a folder, a name that does not end in `.csv`, a table of something else,
            and a place that cannot be written.
    """
    storage.check_output(uri)
    if not storage.name(uri).lower().endswith(".csv") or storage.is_folder(uri):
        raise BadInput(f"output: found '{uri}'; allowed: a file that ends in .csv")
    if storage.exists(uri) and not storage.read_bytes(uri).startswith(FIRST_COLUMNS):
        raise BadInput(f"output: '{uri}' exists and holds no predictions; name a new file")


def write_csv(predictions: Predictions, uri: str) -> None:
    """Write a row a capture and label (see `Predictions.flat_table`), whole or not at all."""
    text = predictions.flat_table().to_csv(index=False, float_format="%.6f")
    storage.write_bytes(uri, text.encode())
