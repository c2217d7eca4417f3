"""The records of a shard: the only place that knows their field names.

A record is a `tf.train.Example` in TFRecord framing
(https://www.tensorflow.org/tutorials/load_data/tfrecord), written and read here without
TensorFlow and without protobuf, so that a worker process starts in a moment and stays small. Of
protobuf's wire format (https://protobuf.dev/programming-guides/encoding) it has one kind of field:
a number, a length and that many bytes. The messages, of `tensorflow/core/example/*.proto`, are

    Example {Features features = 1}    Features {map<string, Feature> feature = 1}
    Feature {BytesList bytes_list = 1}    BytesList {repeated bytes value = 1}

where an entry of a map is {string key = 1; Feature value = 2}.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c

IMAGES = "images"
CAPTURE_ID = "capture_id"
MASK_DELTA = 0xA282EAD8  # of the TFRecord format
KEY, VALUE, ONLY = 1, 2, 1  # numbers of fields: of the entry of a map, and of all other messages
LENGTH_DELIMITED = 2  # protobuf's number for this kind of field

Fields = dict[str, list[bytes]]


def label_field(name: str) -> str:
    """Return the field of a label; it is absent where the label is missing."""
    return f"label/{name}"


def metadata_field(name: str) -> str:
    """Return the field of a piece of metadata; it is absent where that is missing."""
    return f"metadata/{name}"


@dataclass(frozen=True)
class Record:
    """One capture of a dataset: its JPEGs in the order taken, labels and metadata as text."""

    capture_id: str
    images: tuple[bytes, ...]
    labels: dict[str, str]
    metadata: dict[str, str]


def encode(record: Record) -> bytes:
    """Return the record as a serialized Example; the same record gives the same bytes."""
    fields: dict[str, Sequence[bytes]] = {
        CAPTURE_ID: [_utf8(record.capture_id)],
        IMAGES: record.images,
        **{label_field(name): [_utf8(value)] for name, value in record.labels.items()},
        **{metadata_field(name): [_utf8(value)] for name, value in record.metadata.items()},
    }
    ordered = sorted((_utf8(name), values) for name, values in fields.items())
    return _field(ONLY, b"".join(_entry(name, values) for name, values in ordered))


def _entry(name: bytes, values: Sequence[bytes]) -> bytes:
    bytes_list = b"".join(_field(ONLY, value) for value in values)
    feature = _field(ONLY, bytes_list)
    return _field(ONLY, _field(KEY, name) + _field(VALUE, feature))


def _field(number: int, content: bytes) -> bytes:
    return b"".join((bytes([number << 3 | LENGTH_DELIMITED]), _varint(len(content)), content))


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def printable(text: str) -> str:
    r"""Return text that can be stored: what is no Unicode, half of a pair say, as `\udc80`."""
    return _utf8(text).decode()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def decode(data: bytes) -> Record:
    """Read what `encode` wrote."""
    entries = (dict(_fields(one)) for features in _only(data) for one in _only(features))
    fields = {one[KEY].decode(): _values(one[VALUE]) for one in entries}
    return Record(
        capture_id=fields[CAPTURE_ID][0].decode(),
        images=tuple(fields[IMAGES]),
        labels=_below("label/", fields),
        metadata=_below("metadata/", fields),
    )


def _values(feature: bytes) -> list[bytes]:
    return [value for bytes_list in _only(feature) for value in _only(bytes_list)]


def _only(message: bytes) -> Iterator[bytes]:
    return (content for number, content in _fields(message) if number == ONLY)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the content of each field of a message."""
    place = 0
    while place < len(message):
        number = message[place] >> 3
        length, start = _read_varint(message, place + 1)
        place = start + length
        yield number, message[start:place]


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends."""
    number = shift = 0
    while message[place] > 0x7F:
        number |= (message[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return number | message[place] << shift, place + 1


def _below(prefix: str, fields: Fields) -> dict[str, str]:
    return {
        name.removeprefix(prefix): value[0].decode()
        for name, value in sorted(fields.items())
        if name.startswith(prefix)
    }


def write_framed(file: BinaryIO, data: bytes) -> None:
    """Append one record: length, its checksum, the data, its checksum."""
    length = struct.pack("<Q", len(data))
    file.write(length + _masked(length) + data + _masked(data))


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a shard.

    Raises:
        OSError: if the file ends within a record or a checksum is wrong; it names the file.
    """
    with path.open("rb") as file:
        while head := file.read(12):
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
            body = file.read(length + 4) if _masked(head[:8]) == head[8:] else b""
            if len(body) != length + 4 or _masked(body[:-4]) != body[-4:]:
                raise OSError(f"'{path}' is damaged at byte {file.tell()}")
            yield decode(body[:-4])


def _masked(data: bytes) -> bytes:
    checksum = google_crc32c.value(data)
    rotated = ((checksum >> 15) | (checksum << 17)) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + MASK_DELTA) & 0xFFFFFFFF)
