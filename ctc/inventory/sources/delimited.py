"""A table as text: CSV, and its relatives with other marks between values."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ctc.errors import BadInput
from ctc.inventory.sources.quoting import unmatched_quote
from ctc.inventory.sources.texts import AUTO, Text, file_text, text_of

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
BLOCK = 1 << 22  # bytes that are parsed at once; no row can be longer
# The first line, and what of it is in quotes.
FIRST_LINE = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+')
QUOTED = re.compile(rb'"[^"]*+"')
# What Excel takes, before the header, as the mark between values.
MARK_LINE = re.compile(rb'"?sep=([^"\r\n])"?(?:\r\n|\r|\n)+', re.IGNORECASE)

Noticed = Callable[[pacsv.InvalidRow], str]


@dataclass(frozen=True)
class CsvTable:
    """A delimited file, its columns known and its rows not yet read.

    Attributes:
        text: its content.
        header: names of its columns.
        delimiter: the mark between values.
    """

    text: Text
    header: list[str]
    delimiter: str

    @classmethod
    def open(cls, path: str, delimiter: str = AUTO, encoding: str = AUTO) -> "CsvTable":
        """Open a file, local or on S3; see `parse`.

        Raises:
            BadInput: if it cannot be read, and what `parse` raises.
        """
        return cls._of(file_text(path, encoding), delimiter)

    @classmethod
    def parse(
        cls, name: str, data: bytes, delimiter: str = AUTO, encoding: str = AUTO
    ) -> "CsvTable":
        """Read the header of a file's content.

        Args:
            name: of the file, for sentences.
            data: its content.
            delimiter: one of `DELIMITERS`; auto: the one that a first line such as `sep=;` tells,
                else the one that the header line has most often.
            encoding: a name that Python knows; auto: UTF-8, or UTF-16 or UTF-32 by its mark.

        Raises:
            BadInput: if it is not in that encoding, its header cannot be read or its quotes do
                not match.
        """
        return cls._of(text_of(name, data, encoding), delimiter)

    @classmethod
    def _of(cls, text: Text, delimiter: str) -> "CsvTable":
        text, told = _without_mark_line(text)
        head = text.head()
        mark = told or _most_often(head) if delimiter == AUTO else DELIMITERS[delimiter]
        _check_quotes(text, mark)
        return cls(text, _header(text, head, mark), mark)

    @property
    def path(self) -> str:
        """Name the file in sentences."""
        return self.text.path

    @property
    def data(self) -> bytes:
        """Return the whole text in UTF-8, from the header on."""
        with self.text.open() as stream:
            return stream.read()

    @property
    def names(self) -> str:
        """The columns, as answers list them; blanks around a name can be seen."""
        return ", ".join(
            name if name == name.strip() else f"'{name}'" for name in self.header if name
        )

    def parts(self, name: str, asked_by: str = "") -> list[str]:
        """Return the columns that a name stands for: itself, or those that it joins by "/".

        Args:
            name: such as `File` or `RelativePath/File`.
            asked_by: the parameter that names it, for the sentence.

        Raises:
            BadInput: for a column that does not exist.
        """
        if name in filter(None, self.header):
            return [name]
        parts = name.split("/")
        for part in parts:
            if not part or part not in self.header:
                joined = f" (of '{name}')" if part != name else ""
                by = f"{asked_by}: " if asked_by else ""
                found = f"has no column '{part}'{joined}"
                raise BadInput(f"{by}'{self.path}' {found}; it has: {self.names}")
        return parts

    def rows(self, used: Sequence[str]) -> pa.Table:
        """Return the named columns as text, null where a cell is empty.

        Args:
            used: names of columns, or several of them with "/" between: their values joined so,
                empty ones left out.

        Raises:
            BadInput: for columns that do not exist and rows that do not fit the header.
        """
        parts = {name: self.parts(name) for name in used}
        read = self._rows(list(dict.fromkeys(part for name in parts for part in parts[name])))
        return pa.table(
            {name: reduce(_joined, [read[part] for part in parts[name]]) for name in parts}
        )

    def _rows(self, columns: list[str]) -> pa.Table:
        try:
            return self._read(columns)
        except pa.ArrowInvalid as error:
            self._check_widths(columns)
            self.text.check()
            found = f"it has a row longer than {BLOCK} bytes"
            raise BadInput(f"'{self.path}' cannot be read as a CSV: {found}") from error

    def _read(self, columns: list[str], noticed: Noticed | None = None) -> pa.Table:
        """Read some columns; rows of another width than the header are told to `noticed`."""
        return pacsv.read_csv(
            self._stream(),
            read_options=pacsv.ReadOptions(
                block_size=BLOCK,
                column_names=self.header,
                skip_rows_after_names=1,
                use_threads=noticed is None,  # only one thread knows the numbers of rows
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=noticed
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                include_columns=columns,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    def _stream(self) -> pa.NativeFile:
        content = self.text.content
        stream = pa.OSFile(str(content)) if isinstance(content, Path) else pa.BufferReader(content)
        stream.seek(self.text.start)
        if stream.size() - stream.tell() >= BLOCK:
            return stream
        # A header alone is a row for pyarrow only if its line has an end.
        return pa.BufferReader(stream.read() + b"\n")

    def _check_widths(self, columns: list[str]) -> None:
        """Refuse a row that has not as many values as the header."""
        found: list[pacsv.InvalidRow] = []

        def notice(row: pacsv.InvalidRow) -> str:
            found.append(row)
            return "error"

        try:
            self._read(columns, notice)
        except pa.ArrowInvalid as error:
            for row in found[:1]:
                raise BadInput(
                    f"'{self.path}': data row {row.number - 1} has {row.actual_columns} values; "
                    f"allowed: {row.expected_columns}, as the header has"
                ) from error


def _joined(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Join texts by "/"; beside a null the other stands alone."""
    # Not null_handling="skip": pyarrow 25 loses the rows where both are null.
    return pc.coalesce(pc.binary_join_element_wise(one, other, "/"), one, other)


def _without_mark_line(text: Text) -> tuple[Text, str]:
    """Return the text behind a line such as `sep=;`, and the mark that it tells, if any."""
    line = MARK_LINE.match(text.head())
    if not line:
        return text, ""
    return replace(text, start=text.start + line.end()), line[1].decode(errors="replace")


def _most_often(head: bytes) -> str:
    line = FIRST_LINE.match(head)
    text = QUOTED.sub(b"", line.group() if line else b"").decode(errors="replace")
    return max(DELIMITERS.values(), key=text.count)


def _check_quotes(text: Text, delimiter: str) -> None:
    row = unmatched_quote(text, delimiter)
    if row is not None:
        where = f"data row {row}" if row else "the header"
        raise BadInput(f"'{text.path}' cannot be read as a CSV: the quotes of {where} do not match")


def _header(text: Text, head: bytes, delimiter: str) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(head), encoding="utf-8", newline="")
    try:
        header = next(csv.reader(lines, delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error) as error:
        text.check()
        raise BadInput(f"'{text.path}' cannot be read as a CSV: its header is too long") from error
    twice = [name for name in header if name and header.count(name) > 1]
    if not any(header) or twice:
        found = f"column '{twice[0]}' twice" if twice else "no header"
        raise BadInput(f"'{text.path}': found {found}; allowed: a header of different names")
    return header
