"""Contact sheets of the captures that a classifier was surest and least sure of."""

from collections.abc import Sequence

from PIL import Image

from ctc.pictures.decoding import UnreadablePicture
from ctc.pictures.files import picture_bytes
from ctc.pictures.sheets import Pane, pane_sheet, thumbnail
from ctc.prediction.looks.tally import Shown, Tally
from ctc.prediction.photos.captures import Captures

NOTE = "One picture of each capture. Captures that may show a private class are left out."


def sheets_of(tally: Tally, captures: Captures) -> dict[str, Image.Image]:
    """Return `<label>/surest` and `<label>/least_sure` of each label that has something to show."""
    kinds = {"surest": tally.surest, "least_sure": tally.least_sure}
    found = {
        f"{label}/{kind}": _sheet(f"{label}: {kind.replace('_', ' ')}", shown, captures)
        for kind, of_label in kinds.items()
        for label, shown in of_label.items()
    }
    return {name: sheet for name, sheet in found.items() if sheet is not None}


def _sheet(title: str, shown: Sequence[Shown], captures: Captures) -> Image.Image | None:
    panes = [_pane(one, captures) for one in sorted(shown, reverse=True)]
    there = [pane for pane in panes if pane is not None]
    return pane_sheet(title, there, (NOTE,)) if there else None


def _pane(one: Shown, captures: Captures) -> Pane | None:
    """Read the picture once more; one that has gone meanwhile is not shown."""
    try:
        return Pane(thumbnail(picture_bytes(captures.root, one.image)), one.caption)
    except UnreadablePicture:
        return None
