"""A contact sheet a label of a dataset: a few pictures of each class in each split."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice

from PIL import Image

from ctc.dataset.manifest import Dataset
from ctc.inventory.looks.private import private_classes
from ctc.inventory.summary import worded
from ctc.parameter import Words
from ctc.pictures.sheets import PICTURES_A_ROW, SheetRow, contact_sheet, thumbnail

MOST_ROWS = 60
READ = 4096  # captures of a split at most: they were shuffled when the dataset was written

Pictures = dict[tuple[str, str, str], list[Image.Image]]  # of a label, a split and a class


def sheets_of_dataset(dataset: Dataset, private: Words) -> dict[str, Image.Image]:
    """Return a contact sheet of each label that has a picture to show.

    A row is a class in a split; of each capture it shows the first picture, as it is stored.

    Args:
        dataset: the first captures of each split are read, until there are enough.
        private: classes that are never shown, nor any capture that has one in any label.
    """
    pictures = _pictures(dataset, private)
    found = {label: _sheet(dataset, label, pictures, private) for label in dataset.labels}
    return {label: sheet for label, sheet in found.items() if sheet is not None}


def _pictures(dataset: Dataset, private: Words) -> Pictures:
    found: Pictures = defaultdict(list)
    for split in dataset.splits:
        lacking = _most(dataset, split, private)
        for record in islice(dataset.records((split,)), READ):
            places = [(label, split, name) for label, name in record.labels.items()]
            wanted = [place for place in places if place in lacking]
            if wanted and not private_classes(record.labels.values(), private):
                picture = thumbnail(record.images[0])
                for place in wanted:
                    found[place].append(picture)
                    lacking[place] -= 1
                lacking = +lacking  # those above zero
            if not lacking:
                break
    return found


def _most(dataset: Dataset, split: str, private: Words) -> Counter[tuple[str, str, str]]:
    """Return how many pictures each row of a split can have."""
    most: Counter[tuple[str, str, str]] = Counter()
    for label, of_split in dataset.labels.items():
        counts = of_split.get(split, {})
        for name in counts.keys() - private_classes(counts, private):
            most[label, split, name] = min(counts[name], PICTURES_A_ROW)
    return most


def _sheet(dataset: Dataset, label: str, pictures: Pictures, private: Words) -> Image.Image | None:
    places = list(_places(dataset, label, private))
    shown = places[:MOST_ROWS]
    if not any(pictures[label, split, name] for split, name in shown):
        return None
    rows = [_row(dataset, pictures, label, split, name) for split, name in shown]
    title = f"{label}: a few captures of each class in each split"
    return contact_sheet(title, rows, [*_notes(dataset, label, pictures, places)])


def _notes(
    dataset: Dataset, label: str, pictures: Pictures, places: list[tuple[str, str]]
) -> Iterator[str]:
    if len(places) > MOST_ROWS:
        yield f"{len(places) - MOST_ROWS} rows of rarer classes are not shown."
    for split, name in places[:MOST_ROWS]:
        most = min(dataset.labels[label][split][name], PICTURES_A_ROW)
        if dataset.splits[split] > READ and len(pictures[label, split, name]) < most:
            yield f"The pictures are of the first {READ:,} captures of each split."
            return


def _places(dataset: Dataset, label: str, private: Words) -> Iterator[tuple[str, str]]:
    """Yield split and class of each row, the commonest class first."""
    totals: dict[str, int] = defaultdict(int)
    for classes in dataset.labels[label].values():
        for name, count in classes.items():
            totals[name] += count
    hidden = set(private_classes(totals, private))
    for name in sorted(totals, key=lambda name: (-totals[name], name)):
        for split in dataset.splits:
            if name not in hidden and name in dataset.labels[label].get(split, {}):
                yield split, name


def _row(dataset: Dataset, pictures: Pictures, label: str, split: str, name: str) -> SheetRow:
    count = dataset.labels[label][split][name]
    return SheetRow(name, f"{split}: {worded(count)}", pictures[label, split, name])
