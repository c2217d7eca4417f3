"""The tools of MegaDetector, imported so that they change nothing for other tests."""

import sys
from importlib import import_module
from typing import Any
from unittest.mock import MagicMock

from PIL import ImageFile


def _function(module: str) -> Any:
    """Return the function of a module of that name; the package lets Pillow read half a picture."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    found = getattr(import_module(f"megadetector.postprocessing.{module}"), module)
    ImageFile.LOAD_TRUNCATED_IMAGES = before
    return found


try:
    import cv2  # noqa: F401
except ImportError:  # a machine without a screen may lack libGL; nothing here is drawn
    sys.modules["cv2"] = MagicMock()

validate_batch_results = _function("validate_batch_results")
load_api_results = _function("load_api_results")
generate_csv_report = _function("generate_csv_report")
