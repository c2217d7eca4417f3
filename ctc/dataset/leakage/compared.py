"""The captures of a dataset with what they are compared by, as columns of numbers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ctc.dataset.leakage.twins import Words, alike, same, soon
from ctc.inventory.captures import UNKNOWN, Codes, Mask, sorted_codes
from ctc.inventory.repeats import coded
from ctc.inventory.times import Times, parse_times

# What must be known of captures to compare them in some way; for other ways, nothing.
NEEDED = {"location": ("location",), "burst": ("location", "time"), "near_duplicate": ("picture",)}


@dataclass(frozen=True)
class Pictures:
    """Stored pictures.

    Attributes:
        capture: [pictures]: the row of each one's capture.
        content: [pictures]: the same number for the same file.
        hashes: [pictures, 4]: perceptual hashes; all zero for a featureless picture.
    """

    capture: Codes
    content: Codes
    hashes: Words

    @property
    def shows(self) -> Mask:
        """Which are not featureless."""
        return np.asarray(self.hashes.any(1))


@dataclass(frozen=True)
class Compared:
    """Captures that are stored in a dataset.

    Attributes:
        ids: [captures]: strings.
        identity: [captures]: the same number for the same id.
        splits: names of the splits, sorted.
        split_of: [captures]: the place of each one's split in `splits`.
        places: [captures]: the number of its location, or `UNKNOWN`.
        times: [captures]: NaT where not known.
        pictures: of all of them.
    """

    ids: pa.Array
    identity: Codes
    splits: tuple[str, ...]
    split_of: Codes
    places: Codes
    times: Times
    pictures: Pictures

    @classmethod
    def of(cls, images: pa.Table, captures: pa.Table) -> "Compared":
        """Bring both tables together (see `ctc.dataset.leakage.report.leakage`).

        Which captures there are, and in which splits, is what pictures are stored under: one id
        may be in two splits. Their location and time are those of the first row of the id.
        """
        ids = coded(_both(captures, images, "capture_id"))
        rows = same(ids, np.arange(len(ids)) < len(captures))[len(captures) :]
        ids = ids[len(captures) :]
        splits, split_of = sorted_codes(images["split"])
        _, first, owner = np.unique(
            ids * len(splits) + split_of, return_index=True, return_inverse=True
        )
        known = captures.take(pa.array(rows[first], mask=rows[first] == UNKNOWN))
        return cls(
            ids=images["capture_id"].take(pa.array(first)).combine_chunks(),
            identity=ids[first],
            splits=splits,
            split_of=split_of[first],
            places=_places(known),
            times=_times(known),
            pictures=_pictures(images, owner),
        )

    def lacks(self, what: str) -> Mask:
        """Say which captures have no known `location`, readable `time` or telling `picture`."""
        if what == "location":
            return np.asarray(self.places == UNKNOWN)
        if what == "time":
            return np.asarray(np.isnat(self.times))
        shows = np.zeros(len(self.ids), np.bool_)
        shows[self.pictures.capture[self.pictures.shows]] = True
        return ~shows

    def not_judged(self, kind: str) -> Mask:
        """Say of which captures too little is known to be compared in some way, [captures]."""
        lacking = [self.lacks(what) for what in NEEDED.get(kind, ())]
        return np.asarray(np.logical_or.reduce([np.zeros(len(self.ids), np.bool_), *lacking]))

    def twins(self, kind: str, other: int, seconds: float) -> Codes:
        """Return, for each capture outside one split, one in it that is its twin.

        Args:
            kind: what they have in common: see `ctc.dataset.leakage.report`.
            other: the place of the split in `splits`.
            seconds: how close in time the captures of a burst are.

        Returns:
            [captures], `UNKNOWN` where there is none.
        """
        others = np.asarray(self.split_of == other)
        if kind == "capture":
            found = same(self.identity, others)
        elif kind == "location":
            found = same(self.places, others)
        elif kind == "burst":
            found = soon(self.places, self.times, others, seconds)
        else:
            found = self._twins_by_picture(kind, others)
        return np.where(others, UNKNOWN, found)

    def _twins_by_picture(self, kind: str, others: Mask) -> Codes:
        pictures = self.pictures
        theirs = others[pictures.capture]
        twin = same(pictures.content, theirs) if kind == "duplicate" else _alike(pictures, theirs)
        rows = np.flatnonzero(twin != UNKNOWN)
        found = np.full(len(self.ids), UNKNOWN, np.int64)
        found[pictures.capture[rows]] = pictures.capture[twin[rows]]
        return found


def _alike(pictures: Pictures, theirs: Mask) -> Codes:
    mine = np.flatnonzero(pictures.shows & ~theirs)
    there = np.flatnonzero(pictures.shows & theirs)
    near = alike(pictures.hashes[mine], pictures.hashes[there])
    twin = np.full(len(theirs), UNKNOWN, np.int64)
    twin[mine[near != UNKNOWN]] = there[near[near != UNKNOWN]]
    return twin


def _both(captures: pa.Table, images: pa.Table, name: str) -> pa.ChunkedArray:
    return pa.chunked_array([*captures[name].chunks, *images[name].chunks], pa.string())


def _places(captures: pa.Table) -> Codes:
    if "location" not in captures.column_names:
        return np.full(len(captures), UNKNOWN, np.int64)
    return coded(captures["location"])


def _times(captures: pa.Table) -> Times:
    if "timestamp" not in captures.column_names:
        return np.full(len(captures), "NaT", "datetime64[ns]")
    return parse_times(captures["timestamp"])


def _pictures(images: pa.Table, capture: Codes) -> Pictures:
    content = _words(images["content"])[:, 0]
    numbers = np.unique(content, return_inverse=True)[1].astype(np.int64)
    return Pictures(capture.astype(np.int64), numbers, _words(images["perceptual"]))


def _words(column: pa.ChunkedArray) -> Words:
    """Read binary values of one length as words of 8 bytes, [rows, words]."""
    data = b"".join(column.to_pylist())
    words = np.frombuffer(data, ">u8").astype(np.uint64)
    return words.reshape(len(column), -1) if len(column) else words.reshape(0, 1)
