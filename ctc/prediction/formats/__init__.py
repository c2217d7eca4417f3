"""What predictions are written as: one file a format, all of them from one stream of captures."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ctc import storage
from ctc.errors import BadInput, one_of
from ctc.prediction.formats import camtrap_dp, csv, folders, json, megadetector, parquet
from ctc.prediction.formats.writing import Add
from ctc.prediction.meaning.judged import Asked, Judged


@dataclass(frozen=True)
class Format:
    """A way to write predictions.

    Attributes:
        suffix: that its files have; "" for a folder.
        ending: what follows the name of the output where another format has that name.
        write: opens what is to be written, at a URI; it is whole when the block ends.
        is_own: whether what stands at a path was written by it, and may be replaced.
        check: refuses what it cannot write, before any picture is read.
    """

    suffix: str
    ending: str
    write: Callable[[str, Asked], AbstractContextManager[Add]]
    is_own: Callable[[Path], bool]
    check: Callable[[str, Asked], None] | None = None


FORMATS: Mapping[str, Format] = {
    "csv": Format(".csv", ".csv", csv.write, csv.is_own),
    "json": Format(".json", ".json", json.write, json.is_own),
    "parquet": Format(".parquet", ".parquet", parquet.write, parquet.is_own),
    "megadetector": Format(".json", ".megadetector.json", megadetector.write, megadetector.is_own),
    "camtrap_dp": Format("", "_camtrap_dp", camtrap_dp.write, camtrap_dp.is_own),
    "folders": Format("", "_folders", folders.write, folders.is_own, folders.check),
}
MOST_FILES = 4  # of a folder in a store that is looked into: a package has no more
SUFFIXES = {one.suffix for one in FORMATS.values()} - {""}


def outputs_of(formats: Sequence[str], output: str) -> dict[str, str]:
    """Return where each format goes.

    The first whose files end as `output` does has that name; the others stand beside it, each
    with its own ending.

    Raises:
        BadInput: for a format that is not known, or none.
    """
    if not formats:
        raise BadInput(f"no format given; allowed: {', '.join(FORMATS)}")
    output = output.rstrip("/")
    suffix = PurePosixPath(storage.name(output)).suffix
    known = suffix.lower() if suffix.lower() in SUFFIXES else ""
    stem = output.removesuffix(suffix) if known else output
    found: dict[str, str] = {}
    for name in formats:
        kind = FORMATS[one_of("format", name, FORMATS)]
        fits = kind.suffix == known and output not in found.values()
        found[name] = output if fits else stem + kind.ending
    return found


def check_outputs(outputs: Mapping[str, str], asked: Asked) -> None:
    """Refuse what cannot be written, before any picture is read.

    Raises:
        BadInput: for a place that cannot be written, and one where something else stands.
    """
    for name, uri in outputs.items():
        storage.check_output(uri)
        kind = FORMATS[name]
        if kind.check is not None:
            kind.check(uri, asked)
        if kind.suffix and storage.is_folder(uri):
            raise BadInput(f"output: found the folder '{uri}'; allowed: a file")
        if storage.exists(uri) and not _is_own(kind, uri):
            what = "no predictions" if kind.suffix else "more than predictions"
            raise BadInput(f"output: '{uri}' exists and holds {what}; name a new one")


def _is_own(kind: Format, uri: str) -> bool:
    if not storage.is_s3(uri):
        return kind.is_own(storage.local_path(uri))
    names = [] if kind.suffix else list(storage.list_files(uri))
    if len(names) > MOST_FILES:
        return False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / storage.name(uri)
        if kind.suffix:
            storage.fetch_file(uri, path)
        for name in names:
            storage.fetch_file(storage.join(uri, name), path / name)
        return kind.is_own(path)


def write_all(
    judged: Iterable[Judged], outputs: Mapping[str, str], asked: Asked
) -> Iterator[Judged]:
    """Write every capture in every format, and yield it; all is there when the last has come.

    Args:
        judged: captures in order; they are not kept.
        outputs: where each format goes; see `outputs_of`.
        asked: what is known of all of them.
    """
    with ExitStack() as stack:
        adding = [
            stack.enter_context(FORMATS[name].write(uri, asked)) for name, uri in outputs.items()
        ]
        for one in judged:
            for add in adding:
                add(one)
            yield one
