"""What decides every answer, and where the answers lie until the output is written from them.

All of it lies beside the output (for one on S3: in the cache of this machine; the names are those
of `ctc.storage.unfinished`):

    .NAME.KEY.partial/part-00000.parquet   answers, see `ctc.prediction.stored.parts`
    .NAME.KEY.partial/begun.json           what was asked, and how many pictures at once
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import PIL

import ctc
from ctc import storage
from ctc.prediction.photos.captures import Captures
from ctc.storage.unfinished import Place, differences, key_of, sweep

BEGUN = "begun.json"
FORMAT = 1  # of parts


@dataclass(frozen=True)
class Question:
    """What is asked of which pictures: equal questions have equal answers.

    Pictures are known by their names. One that has been replaced since is not asked about again.

    Attributes:
        classifier: digest of its files.
        captures: digest of the captures, with the names of their pictures and what else is known.
        root: where these names start from.
        batch_size: as it was asked for.
        written_by: versions of what computes and what writes.
    """

    classifier: str
    captures: str
    root: str
    batch_size: str
    written_by: str

    @classmethod
    def of(cls, classifier: Path, captures: Captures, batch_size: str) -> "Question":
        """Put a question to the classifier in a folder."""
        paths = sorted(path for path in classifier.rglob("*") if path.is_file())
        names = [path.relative_to(classifier).as_posix() for path in paths]
        digest = key_of([*zip(names, map(storage.sha256, paths), strict=True)])
        versions = f"ctc {ctc.__version__}, keras {keras.__version__}, Pillow {PIL.__version__}"
        written_by = f"{versions}, format {FORMAT}"
        content = captures.inventory.digest
        return cls(digest, content, storage.absolute(captures.root), batch_size, written_by)

    @property
    def key(self) -> str:
        """A name for it, 12 hexadecimal digits."""
        return key_of(asdict(self))


@dataclass(frozen=True)
class Work:
    """Answers that are there, and those that are to come.

    Attributes:
        folder: where they lie.
        batch_size: pictures that the network is asked about at once.
        part: pictures in a file of answers, or as many more as its last capture has.
    """

    folder: Path
    batch_size: int
    part: int

    def path(self, number: int) -> Path:
        """Return where a part lies, of which the first has the number 0."""
        return self.folder / f"part-{number:05d}.parquet"


def begin(place: Place, question: Question, proposed: Work, resume: bool) -> Work:
    """Make the folder for answers, or find it as an earlier run left it.

    Args:
        place: of the output.
        question: what is asked.
        proposed: where the answers are to lie, and their sizes unless an earlier run had others.
        resume: whether the answers of an earlier run are kept.
    """
    folder = place.work(question.key)
    found = _begun(folder) if resume else {}
    if not found:
        storage.remove_folder(folder)
        folder.mkdir(parents=True)
        sizes = {"batch_size": proposed.batch_size, "part": proposed.part}
        content = json.dumps({"question": asdict(question), **sizes}, indent=1)
        storage.write_bytes(str(folder / BEGUN), content.encode())
        return Work(folder, proposed.batch_size, proposed.part)
    sweep(folder)
    return Work(folder, found["batch_size"], found["part"])


def finish(place: Place) -> None:
    """Remove all answers that lie beside an output, those to other questions too."""
    for folder in place.unfinished():
        storage.remove_folder(folder)


def give_up(work: Work) -> None:
    """Leave the answers to the next run, if there are any."""
    if not any(work.folder.glob("part-*")):
        storage.remove_folder(work.folder)


def remarks(place: Place, question: Question) -> Iterator[str]:
    """Yield a sentence on each unfinished work that answers another question."""
    for folder in place.unfinished():
        if folder != place.work(question.key):
            asked = _begun(folder).get("question")
            how = f"with {differences(asked, asdict(question))}" if asked else "otherwise"
            yield (
                f"unfinished answers that were begun {how} do not count: all pictures are read "
                "anew, and those answers are removed at the end"
            )


def _begun(folder: Path) -> dict[str, Any]:
    """Return the question and the sizes that `begin` wrote; nothing if that is damaged."""
    try:
        found = json.loads((folder / BEGUN).read_bytes())
        sizes = {name: int(found[name]) for name in ("batch_size", "part")}
        return {"question": dict(found["question"]), **sizes}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
