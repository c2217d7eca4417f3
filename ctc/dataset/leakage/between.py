"""What stands in the training of one dataset and, not to be learnt from, in another one."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ctc.dataset.manifest import Dataset
from ctc.dataset.mixture import Mixture
from ctc.inventory.summary import worded

SOME = 3  # locations that a sentence names


def twins_between(mixture: Mixture, train: tuple[str, ...]) -> tuple[str, ...]:
    """Say what a model that learns from all datasets will have seen of what judges it.

    Within one dataset `dataset` looks for more (see `report`), and has said what it found.

    Args:
        mixture: the datasets.
        train: splits that are learnt from.
    """
    datasets = [part.dataset for part in mixture.parts]
    pairs = [(one, other) for one in datasets for other in datasets if one is not other]
    said = (f(one, other, train) for one, other in pairs for f in (_same_pictures, _same_places))
    return tuple(sentence for sentences in said for sentence in sentences)


def _same_pictures(learnt: Dataset, judging: Dataset, train: tuple[str, ...]) -> Iterator[str]:
    seen, images = learnt.images(), judging.images()
    contents = seen.filter(pc.is_in(seen["split"], pa.array(train)))["content"]
    images = images.filter(pc.invert(pc.is_in(images["split"], pa.array(train))))
    twins = images.filter(pc.is_in(images["content"], contents.combine_chunks()))
    if twins.num_rows:
        captures = pc.count_distinct(twins["capture_id"]).as_py()
        splits = ", ".join(sorted(pc.unique(twins["split"]).to_pylist()))
        yield (
            f"{worded(captures)} of {splits} of '{judging.uri}' with a picture that "
            f"'{learnt.uri}' has to learn from, byte by byte: figures will be better than for "
            "pictures never seen"
        )


def _same_places(learnt: Dataset, judging: Dataset, train: tuple[str, ...]) -> Iterator[str]:
    seen = {name for split in train for name in learnt.locations.get(split, ())}
    for split, names in judging.locations.items():
        shared = sorted(seen & {*names}) if split not in train else []
        if shared:
            more = f" and {len(shared) - SOME} more" if len(shared) > SOME else ""
            yield (
                f"{', '.join(shared[:SOME])}{more}: names of locations of {split} of "
                f"'{judging.uri}' and of what '{learnt.uri}' has to learn from; where the places "
                "are the same, figures will be better than for cameras never seen"
            )
