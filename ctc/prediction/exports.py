"""Predictions as files."""

from ctc import storage
from ctc.errors import BadInput
from ctc.prediction.predictions import Predictions


def check_output(uri: str) -> None:
    """Refuse what cannot be written, before any picture is read.

    Raises:
        BadInput: for a folder, or a name that does not end in `.csv`.
    """
    if not storage.name(uri).lower().endswith(".csv") or storage.is_folder(uri):
        raise BadInput(f"output: found '{uri}'; allowed: a file that ends in .csv")


def write_csv(predictions: Predictions, uri: str) -> None:
    """Write a row a capture and label (see `Predictions.flat_table`), whole or not at all."""
    text = predictions.flat_table().to_csv(index=False, float_format="%.6f")
    storage.write_bytes(uri, text.encode())
