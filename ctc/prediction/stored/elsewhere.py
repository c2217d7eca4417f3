"""Answers by other machines: a task is a part, whose file comes back and is written here.

So the machines share nothing with this one but the pictures.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ctc import storage
from ctc.model.classifier import Classifier
from ctc.model.devices import use_threads
from ctc.prediction.answers import Answer
from ctc.prediction.asking.batches import Asking
from ctc.prediction.asking.predicting import answer_all
from ctc.prediction.photos.captures import Captures, PhotoCapture
from ctc.prediction.stored.parts import write_part
from ctc.tasks import RAY, cores, readers, run_tasks

READERS = 2  # threads of a task, which has one core: one decodes while another reads
_LOADED: dict[str, Classifier] = {}  # by a worker that answers one part after the other


@dataclass(frozen=True)
class PartTask:
    """A part that is to be answered: its file, and its captures with URIs of their pictures."""

    path: Path
    captures: tuple[PhotoCapture, ...]


@dataclass(frozen=True)
class AnsweredPart:
    """A part that was answered.

    Attributes:
        data: the content of its file.
        pictures: that were asked about.
        failed: how many of them could not be read.
        batch_size: pictures that the network was asked about at once, in the end.
    """

    data: bytes
    pictures: int
    failed: int
    batch_size: int


@dataclass(frozen=True)
class Answering:
    """What every task needs; it goes to each machine once.

    Attributes:
        files: of the classifier's folder, by their names.
        key: what this classifier is known by.
        batch_size: pictures that the network is asked about at once.
        halves: whether fewer are tried where the memory is not enough.
        threads: that the network computes with. As many as here: the sums that a convolution is
            made of are shared among them, so the last bits of an answer depend on their number.
    """

    files: Mapping[str, bytes]
    key: str
    batch_size: int
    halves: bool
    threads: int

    @classmethod
    def of(cls, folder: Path, key: str, asking: Asking) -> "Answering":
        """Read the folder of a classifier."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        return cls(files, key, asking.batch_size, asking.halves, cores())

    def __call__(self, task: PartTask) -> AnsweredPart:
        """Answer a part."""
        if self.key not in _LOADED:
            use_threads(self.threads)
            _LOADED[self.key] = self._load()
        asking = Asking(_LOADED[self.key], self.batch_size, self.halves)
        first = next((one for capture in task.captures for one in capture.images), "")
        threads = readers(first) if isinstance(first, str) and storage.is_s3(first) else READERS
        answers = [*answer_all(asking, task.captures, (), threads)]
        data = _content(answers, asking.classifier)
        pictures = sum(len(one.images) for one in answers)
        failed = sum(one.failed for one in answers)
        return AnsweredPart(data, pictures, failed, asking.batch_size)

    def _load(self) -> Classifier:
        with TemporaryDirectory() as name:
            folder = Path(name) / "classifier"
            for file, data in self.files.items():
                storage.write_bytes(str(folder / file), data)
            return Classifier.load(folder)


def _content(answers: list[Answer], classifier: Classifier) -> bytes:
    with TemporaryDirectory() as name:
        path = Path(name) / "part.parquet"
        write_part(path, answers, classifier.labels)
        return path.read_bytes()


def answer_elsewhere(
    answering: Answering, captures: Captures, ranges: Mapping[Path, tuple[int, int]]
) -> Iterator[AnsweredPart]:
    """Write parts that a cluster answers, as they come; yield each.

    Args:
        answering: what is asked.
        captures: all of them.
        ranges: of each part, its file and the numbers of its captures.
    """
    for task, part in run_tasks(answering, _tasks(captures, ranges), 0, RAY):
        storage.write_bytes(str(task.path), part.data)
        yield part


def _tasks(captures: Captures, ranges: Mapping[Path, tuple[int, int]]) -> Iterable[PartTask]:
    root = storage.absolute(captures.root)  # a worker runs in another folder
    there = replace(captures, inventory=replace(captures.inventory, root=root))
    return (PartTask(path, tuple(there.between(*one))) for path, one in ranges.items())
