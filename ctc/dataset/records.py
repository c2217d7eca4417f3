"""The records of a shard: the only place that knows their field names.

A record is a `tf.train.Example` in TFRecord framing
(https://www.tensorflow.org/tutorials/load_data/tfrecord), written and read here without
TensorFlow, so that a worker process starts in a moment and stays small.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

IMAGES = "images"
CAPTURE_ID = "capture_id"
MASK_DELTA = 0xA282EAD8  # of the TFRecord format


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
    example = _EXAMPLE()
    fields = example.features.feature
    fields[CAPTURE_ID].bytes_list.value.append(_utf8(record.capture_id))
    fields[IMAGES].bytes_list.value.extend(record.images)
    for name, value in record.labels.items():
        fields[printable(label_field(name))].bytes_list.value.append(_utf8(value))
    for name, value in record.metadata.items():
        fields[printable(metadata_field(name))].bytes_list.value.append(_utf8(value))
    return bytes(example.SerializeToString(deterministic=True))


def printable(text: str) -> str:
    r"""Return text that can be stored: what is no Unicode, half of a pair say, as `\udc80`."""
    return _utf8(text).decode()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def decode(data: bytes) -> Record:
    """Read what `encode` wrote."""
    example = _EXAMPLE.FromString(data)
    fields = {name: f.bytes_list.value for name, f in example.features.feature.items()}
    return Record(
        capture_id=fields[CAPTURE_ID][0].decode(),
        images=tuple(fields[IMAGES]),
        labels=_below("label/", fields),
        metadata=_below("metadata/", fields),
    )


def _below(prefix: str, fields: dict[str, Any]) -> dict[str, str]:
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


def _example_class() -> Any:
    """Build the message class of `tensorflow/core/example/{example,feature}.proto`.

    Only its `bytes_list` is declared, for nothing else is written; the numbers of the fields
    are TensorFlow's, so TensorFlow reads the result.
    """
    file = descriptor_pb2.FileDescriptorProto(name="ctc/example.proto", package="ctc")
    file.syntax = "proto3"
    _message(file, "BytesList", [("value", 1, "repeated", None)])
    _message(file, "Feature", [("bytes_list", 1, "single", ".ctc.BytesList")])
    features = _message(
        file, "Features", [("feature", 1, "repeated", ".ctc.Features.FeatureEntry")]
    )
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=9, label=1)
    entry.field.add(name="value", number=2, type=11, label=1, type_name=".ctc.Feature")
    _message(file, "Example", [("features", 1, "single", ".ctc.Features")])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("ctc.Example"))


def _message(
    file: descriptor_pb2.FileDescriptorProto,
    name: str,
    fields: list[tuple[str, int, str, str | None]],
) -> descriptor_pb2.DescriptorProto:
    message = file.message_type.add(name=name)
    for field, number, how_many, type_name in fields:
        kind = descriptor_pb2.FieldDescriptorProto
        message.field.add(
            name=field,
            number=number,
            type=kind.TYPE_MESSAGE if type_name else kind.TYPE_BYTES,
            label=kind.LABEL_REPEATED if how_many == "repeated" else kind.LABEL_OPTIONAL,
            type_name=type_name,
        )
    return message


_EXAMPLE = _example_class()
