"""Backbones that no light library has, with the signature of those in `keras.applications`.

ResNet18 and ResNet34 come with KerasHub alone, which needs tensorflow-text and through it the
GPU build of TensorFlow beside the one chosen.
"""

from collections.abc import Sequence

import keras
from keras import layers

Shape = tuple[int, int, int]


def tiny(input_shape: Shape, weights: None, include_top: bool, pooling: str) -> keras.Model:
    """Five convolutions, some 240,000 weights: for tests and for trying things on a CPU."""
    _check(weights, include_top, pooling)
    inputs = keras.Input(input_shape)
    x = inputs
    for filters in (16, 32, 64, 128):
        x = _conv_bn(x, filters, size=3, stride=2)
    x = _conv_bn(x, 128, size=3)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x), name="tiny")


def resnet18(input_shape: Shape, weights: None, include_top: bool, pooling: str) -> keras.Model:
    """ResNet of 18 layers (He et al. 2016, arXiv:1512.03385, table 1)."""
    _check(weights, include_top, pooling)
    return _resnet(input_shape, (2, 2, 2, 2), "resnet18")


def resnet34(input_shape: Shape, weights: None, include_top: bool, pooling: str) -> keras.Model:
    """ResNet of 34 layers (He et al. 2016, arXiv:1512.03385, table 1)."""
    _check(weights, include_top, pooling)
    return _resnet(input_shape, (3, 4, 6, 3), "resnet34")


def _check(weights: None, include_top: bool, pooling: str) -> None:
    if weights is not None or include_top or pooling != "avg":
        raise ValueError("only weights=None, include_top=False and pooling='avg' are built here")


def _resnet(input_shape: Shape, blocks: Sequence[int], name: str) -> keras.Model:
    inputs = keras.Input(input_shape)
    x = _conv_bn(inputs, 64, size=7, stride=2)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, count in enumerate(blocks):
        for block in range(count):
            x = _basic_block(x, 64 * 2**stage, stride=2 if stage and not block else 1)
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(x), name=name)


def _basic_block(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = _conv_bn(x, filters, size=1, stride=stride, activate=False)
    x = _conv_bn(x, filters, size=3, stride=stride)
    x = _conv_bn(x, filters, size=3, activate=False)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _conv_bn(
    x: keras.KerasTensor, filters: int, size: int, stride: int = 1, activate: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if activate else x
