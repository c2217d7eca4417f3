"""The formats that a network can be exported to: how each is written, and asked."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ctc.errors import BadInput
from ctc.model.exporting.network import INPUT
from ctc.pictures.silence import NO_STDERR

Answers = Mapping[str, NDArray[np.float32]]  # {label: [N, classes]}
BACKEND = "tensorflow"


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: as Keras calls it.
        ending: of its files.
        needs: modules that write it, and run it to compare answers.
        ask: runs a file on uint8 [N, H, W, 3].
    """

    name: str
    ending: str
    needs: tuple[str, ...]
    ask: Callable[[Path, NDArray[np.uint8]], Answers]

    def check(self) -> None:
        """Refuse what this installation cannot write.

        Raises:
            BadInput: saying what to install.
        """
        if missing := [name for name in self.needs if find_spec(name) is None]:
            raise BadInput(
                f"format={self.name} needs what is not installed ({', '.join(missing)}): "
                "`pip install '.[export]'`"
            )
        if keras.config.backend() != BACKEND:
            raise BadInput(
                f"export: found KERAS_BACKEND={keras.config.backend()}; allowed: {BACKEND}"
            )

    def write(self, network: keras.Model, path: Path) -> None:
        """Write a network of `probability_network` by what Keras has for it."""
        # The converters remark on each other's versions, and on options that are Keras's.
        with warnings.catch_warnings(), NO_STDERR:
            warnings.simplefilter("ignore")
            network.export(str(path), format=self.name, verbose=False)


def _ask_onnx(path: Path, pictures: NDArray[np.uint8]) -> Answers:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {INPUT: pictures}), strict=True))


def _ask_litert(path: Path, pictures: NDArray[np.uint8]) -> Answers:
    from ai_edge_litert.interpreter import Interpreter

    with NO_STDERR:  # it announces how it computes
        said: Answers = Interpreter(str(path)).get_signature_runner()(**{INPUT: pictures})
    return said


FORMATS = {
    one.name: one
    for one in (
        Format("onnx", ".onnx", ("tf2onnx", "onnx", "onnxruntime"), _ask_onnx),
        Format("litert", ".tflite", ("ai_edge_litert",), _ask_litert),
    )
}
