"""Parameters of the step that makes one model of two."""

from dataclasses import dataclass
from typing import Annotated

from ctc.parameter import Between
from ctc.params.shared import Batches, OfDataset, Seeded, ShowsPictures, Tracked
from ctc.params.training import Calibrating


@dataclass(frozen=True)
class CascadeParams(Tracked, Seeded, Calibrating, ShowsPictures, Batches, OfDataset):
    """Make one model of two: species are asked for where an animal is likely."""

    empty: Annotated[
        str,
        "Model that is asked first, with a label that says whether there is an animal: a folder, "
        "models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN/best_model.",
    ] = "models:/empty@champion"
    species: Annotated[
        str, "Model that is asked where an animal is likely; it is named in the same way."
    ] = "models:/species@champion"
    recall: Annotated[
        float,
        "Share of the captures with an animal that the second model is to be asked about; the "
        "probability from which it is follows from val_split.",
        Between(0.5, 1),
    ] = 0.99
    val_split: Annotated[
        str, "Splits that choose when the second model is asked, as a pattern."
    ] = "val*"
    test_split: Annotated[
        str | None,
        "Splits to judge the cascade on at the end, as a pattern; auto: test* where there are "
        "such; none: none.",
    ] = "auto"
    output: Annotated[str, "Folder for the classifier."] = "data/cascade"
    register: Annotated[str | None, "Name to register the model under."] = None
