"""The network of a training in words: its layers, and which weights learn when."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from ctc.model.network.inheriting import freeze
from ctc.model.planning.phases import Phase
from ctc.model.planning.training_plan import TrainingPlan

Row = tuple[str, ...]


def described(network: keras.Model, plan: TrainingPlan) -> str:
    """Return a table as text: a line a layer, with its weights, and how many learn in each phase.

    Layers of the backbone are indented. The weights of batch normalisation that follow the data
    (mean and variance) do not learn.

    Args:
        network: of the training; the weights that learn in its first phase do so afterwards.
        plan: of the training.
    """
    layers = [(network, 0), *_inside(network, 1)]
    texts = [
        (f"{'  ' * depth}{layer.name}", type(layer).__name__, _shape(layer))
        for layer, depth in layers
    ]
    weights = [_count(layer.weights) for layer, _ in layers]
    learning = [_learning(network, layers, phase) for phase in plan.phases]
    freeze(network, plan.phases[0].frozen)
    head = ("layer", "kind", "output", "weights", *map(_learn_in, plan.phases))
    numbers = zip(weights, *learning, strict=True)
    rows = [
        (*text, *(f"{number:,}" for number in of_layer))
        for text, of_layer in zip(texts, numbers, strict=True)
    ]
    return _aligned([head, *rows], texts=3)


def _inside(network: keras.Model, depth: int) -> Iterator[tuple[keras.Layer, int]]:
    """Yield every layer of a network that lies so deep, each followed by those inside it."""
    for layer in network.layers:
        yield layer, depth
        if isinstance(layer, keras.Model):
            yield from _inside(layer, depth + 1)


def _learning(
    network: keras.Model, layers: Sequence[tuple[keras.Layer, int]], phase: Phase
) -> list[int]:
    """Return how many weights of each layer learn in a phase."""
    freeze(network, phase.frozen)
    return [_count(layer.trainable_weights) for layer, _ in layers]


def _count(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _shape(layer: keras.Layer) -> str:
    """Return height, width and channels, or features; nothing for the heads together."""
    return "" if isinstance(layer.output, dict) else " x ".join(map(str, layer.output.shape[1:]))


def _learn_in(phase: Phase) -> str:
    return f"learn in epochs {phase.first + 1}-{phase.end}"


def _aligned(rows: Sequence[Row], texts: int) -> str:
    """Lay rows out as a table: `texts` columns to the left, those of numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = zip(row, widths, range(len(row)), strict=True)
        fit = [cell.ljust(w) if place < texts else cell.rjust(w) for cell, w, place in cells]
        lines.append("  ".join(fit).rstrip())
    return "\n".join(lines) + "\n"
