"""The networks that can be asked for: one literal table, without TensorFlow.

It stands above `params`, which offers its names, and `model.backbones`, which builds from it.
"""

from dataclasses import dataclass
from typing import Literal

Scaling = Literal["symmetric", "caffe", "inside"]


@dataclass(frozen=True)
class Network:
    """Where a backbone comes from and what it expects.

    Attributes:
        builder: `module:function`; the function takes `input_shape`, `weights`, `include_top`
            and `pooling` as those of `keras.applications` do.
        scaling: what happens to pixel values 0..255 before the backbone: `symmetric` to -1..1,
            `caffe` to BGR less the ImageNet mean, `inside` nothing, for the backbone scales by
            itself.
        smallest: the smallest height and width it takes, in pixels.
        imagenet: whether the library offers weights trained on ImageNet.
    """

    builder: str
    scaling: Scaling
    smallest: int
    imagenet: bool


NETWORKS: dict[str, Network] = {
    "tiny": Network("ctc.model.network.blocks:tiny", "symmetric", 16, imagenet=False),
    "ResNet18": Network("ctc.model.network.blocks:resnet18", "symmetric", 32, imagenet=False),
    "ResNet34": Network("ctc.model.network.blocks:resnet34", "symmetric", 32, imagenet=False),
    "ResNet50": Network("keras.applications:ResNet50", "caffe", 32, imagenet=True),
    "ResNet101": Network("keras.applications:ResNet101", "caffe", 32, imagenet=True),
    "ResNet152": Network("keras.applications:ResNet152", "caffe", 32, imagenet=True),
    "InceptionResNetV2": Network(
        "keras.applications:InceptionResNetV2", "symmetric", 75, imagenet=True
    ),
    "Xception": Network("keras.applications:Xception", "symmetric", 71, imagenet=True),
    "MobileNetV3Large": Network("keras.applications:MobileNetV3Large", "inside", 32, imagenet=True),
    "EfficientNetV2S": Network("keras.applications:EfficientNetV2S", "inside", 32, imagenet=True),
    "EfficientNetV2M": Network("keras.applications:EfficientNetV2M", "inside", 32, imagenet=True),
    "ConvNeXtTiny": Network("keras.applications:ConvNeXtTiny", "inside", 32, imagenet=True),
}
