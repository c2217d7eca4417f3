"""A row of a table of predictions: the columns of the 2019 tool, and ours behind them."""

from typing import Any

from ctc.prediction.meaning.judged import Asked
from ctc.prediction.predictions import Prediction, as_json

# Those of Willi et al. (2019), `camera_trap_classifier/predicting/predictor.py`.
OF_2019 = ("id", "label", "prediction_top", "confidence_top", "predictions_all")
# Ours; `label` is the one above. Some are there only where they are known.
OWN = (
    "capture_id", "prediction", "confidence", "rank", "accepted", "probabilities", "allowed_share",
    "images", "failure", "location",
)  # fmt: skip
FILES = "files"  # of Parquet: the pictures of a capture


def own_columns(asked: Asked) -> tuple[str, ...]:
    """Return the columns behind those of 2019, without metadata other than the location."""
    known = {
        "rank": asked.taxonomy is not None and bool(asked.taxonomy.ranks),
        "accepted": asked.accepts,
        "allowed_share": bool(asked.allowed),
        "location": "location" in asked.metadata,
    }
    return tuple(name for name in OWN if known.get(name, True))


def metadata_columns(asked: Asked) -> dict[str, str]:
    """Return the column of each further piece of metadata; names that are taken are prefixed."""
    names = sorted({*asked.metadata} - {"location"})
    taken = {*OF_2019, *OWN, FILES}
    return {name: f"metadata.{name}" if name in taken else name for name in names}


def as_texts(probabilities: dict[str, float]) -> dict[str, str]:
    """Write each probability as the 2019 tool did, 4 digits."""
    return {name: f"{value:.4f}" for name, value in probabilities.items()}


def values_of_2019(row: Prediction) -> dict[str, str]:
    """Return what the 2019 tool wrote: probabilities as a Python dictionary of texts, 4 digits."""
    shares = as_texts(row.probabilities)
    top = row.top
    return {
        "id": row.capture_id,
        "label": row.label,
        "prediction_top": top or "",
        "confidence_top": shares[top] if top is not None else "",
        "predictions_all": str(shares),
    }


def as_text(value: Any) -> Any:
    """Write a value of a row for a CSV: six digits, nothing for what is not known."""
    if isinstance(value, dict):
        return as_json(value)
    return f"{value:.6f}" if isinstance(value, float) else value
