"""Captures as a classifier of two labels might have answered them, as a test decides."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ctc.labels import Label
from ctc.model.calibration import Calibration
from ctc.prediction.answers import Answer
from ctc.prediction.formats import FORMATS, write_all
from ctc.prediction.meaning.judged import Asked, Judged, judge

EMPTY = Label("empty", ("empty", "species", "human"))
SPECIES = Label("species", ("lion", "zebra", "plains zebra", "ostrich"))
CALIBRATION = Calibration(("digest",), ("val",), "mean", 0.98, {}, {"empty": 0.6, "species": 0.75})
ASKED = Asked(
    labels=(EMPTY, SPECIES),
    aggregate="mean",
    calibration=CALIBRATION,
    model="models:/species/3",
    root="pictures",
    metadata=("location", "timestamp"),
)
TAXONOMY = """species,scientificName,genus,family,order
lion,Panthera leo,Panthera,Felidae,Carnivora
zebra,Equus zebra,Equus,Equidae,Perissodactyla
plains zebra,Equus quagga,Equus,Equidae,Perissodactyla
ostrich,Struthio camelus,Struthio,Struthionidae,Struthioniformes
"""
A_LION, A_ZEBRA, SOMETHING = [0.9, 0.04, 0.03, 0.03], [0.02, 0.45, 0.5, 0.03], [0.3, 0.3, 0.3, 0.1]
SEEN, NOTHING = [0.05, 0.9, 0.05], [0.97, 0.02, 0.01]


def answer(
    name: str,
    species: Sequence[Sequence[float]],
    empty: Sequence[Sequence[float]] | None = None,
    faults: Sequence[str | None] = (),
    images: Sequence[str] = (),
    **metadata: str,
) -> Answer:
    """An answer of as many pictures as there are rows, and of those that failed."""
    count = len(faults) or len(species)
    seen = [SEEN] * len(species) if empty is None else empty
    said = {"empty": np.array(seen), "species": np.array(species)}
    shapes = {"empty": (-1, 3), "species": (-1, 4)}
    return Answer(
        capture_id=name,
        probabilities={key: value.reshape(shapes[key]) for key, value in said.items()},
        images=tuple(images) or tuple(f"{name}/{place}.jpg" for place in range(1, count + 1)),
        faults=tuple(faults) or (None,) * count,
        truth={},
        metadata=metadata,
    )


# A capture of two pictures, one in Unicode, one with a picture that failed, one all failed.
ANSWERS = (
    answer("s1", [A_LION, A_LION], location="A", timestamp="2024-05-03 07:15:00"),
    answer(
        "ö, 2", [A_ZEBRA], images=["süd/ö 2.jpg"], location="A", timestamp="2024-05-03 08:00:00"
    ),
    answer("s3", [SOMETHING], [NOTHING], faults=["no such file", None], location="B"),
    answer("s4", [], [], faults=["not a picture that can be read"], location="B"),
)


def judged(asked: Asked = ASKED, answers: Iterable[Answer] = ANSWERS) -> list[Judged]:
    return [judge(one, asked) for one in answers]


def written(
    kind: str, folder: Path, asked: Asked = ASKED, answers: Iterable[Answer] = ANSWERS, **changed
) -> Path:
    """What a format writes of some answers."""
    path = folder / f"out{FORMATS[kind].ending}"
    asked = replace(asked, **changed)
    given = judged(asked, answers)
    assert list(write_all(iter(given), {kind: str(path)}, asked)) == given
    return path
