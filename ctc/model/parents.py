"""The parent: a classifier that another one starts from."""

from dataclasses import dataclass
from pathlib import Path

from ctc.errors import BadInput
from ctc.model.cascade import check_single
from ctc.model.classifier import ABOUT, Ancestor, Classifier
from ctc.model.network.backbones import backbone_of
from ctc.networks import NETWORKS


@dataclass(frozen=True)
class Parent:
    """A classifier to start from, and where it was found."""

    classifier: Classifier
    ancestor: Ancestor

    @property
    def name(self) -> str:
        """What it was at this moment, for sentences."""
        return self.ancestor.resolved


def open_parent(folder: Path, ancestor: Ancestor) -> Parent:
    """Load the classifier in `folder` as a parent.

    Raises:
        BadInput: if there is none, if it is damaged, or if its parts do not fit each other.
    """
    classifier = Classifier.load(folder)
    check_single(classifier, "parent")
    try:
        backbone_of(classifier.network)
        widths = {name: int(head.shape[-1]) for name, head in classifier.network.output.items()}
    except (AttributeError, ValueError) as error:
        raise BadInput(f"parent '{ancestor.uri}': its network is not one of ctc's") from error
    if widths != {label.name: len(label.classes) for label in classifier.labels}:
        raise BadInput(f"parent '{ancestor.uri}': its network does not fit its '{ABOUT}'")
    if classifier.origin.model not in NETWORKS:
        raise BadInput(
            f"parent '{ancestor.uri}' is a '{classifier.origin.model}'; known networks: "
            f"{', '.join(NETWORKS)}"
        )
    return Parent(classifier, ancestor)
