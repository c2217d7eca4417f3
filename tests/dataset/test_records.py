import io
from pathlib import Path

import pytest

from ctc.dataset.records import Record, decode, encode, read_records, write_framed

RECORDS = [
    Record("S1/ä", (b"\xff\xd8one", b"\x00" * 70_000), {"species": "lion"}, {"location": "ü"}),
    Record("2", (b"x",), {"empty": "empty", "a.b-c": "NA"}, {}),
    Record("3", (), {}, {"species": "a piece of metadata with the name of a label"}),
]


def write(path: Path, records: list[Record] = RECORDS) -> Path:
    with path.open("wb") as file:
        for record in records:
            write_framed(file, encode(record))
    return path


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_read_back(record):
    assert decode(encode(record)) == record


def test_the_order_of_fields_does_not_change_the_bytes():
    fields = [(f"name {number}", str(number)) for number in range(50)]
    one = Record("a", (b"x",), dict(fields), dict(fields))
    other = Record("a", (b"x",), dict(fields[::-1]), dict(fields[::-1]))
    assert encode(one) == encode(other)


def test_a_shard_is_read_back(tmp_path):
    assert list(read_records(write(tmp_path / "a.tfrecord"))) == RECORDS
    assert list(read_records(write(tmp_path / "b.tfrecord", []))) == []


def test_tensorflow_reads_the_same(tmp_path):
    import tensorflow as tf

    path = write(tmp_path / "a.tfrecord")
    found = [
        tf.train.Example.FromString(data.numpy()) for data in tf.data.TFRecordDataset(str(path))
    ]
    assert len(found) == len(RECORDS)
    for example, record in zip(found, RECORDS, strict=True):
        assert encode(record) == example.SerializeToString(deterministic=True)
        fields = {
            name: list(feature.bytes_list.value)
            for name, feature in example.features.feature.items()
        }
        assert fields == {
            "capture_id": [record.capture_id.encode()],
            "images": list(record.images),
            **{f"label/{name}": [value.encode()] for name, value in record.labels.items()},
            **{f"metadata/{name}": [value.encode()] for name, value in record.metadata.items()},
        }


def test_what_tensorflow_writes_is_read(tmp_path):
    import tensorflow as tf

    path = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in RECORDS:
            writer.write(encode(record))
    assert path.read_bytes() == write(tmp_path / "b.tfrecord").read_bytes()
    assert list(read_records(path)) == RECORDS


def framed(record: Record) -> bytes:
    file = io.BytesIO()
    write_framed(file, encode(record))
    return file.getvalue()


def test_a_flipped_bit_anywhere_is_found(tmp_path):
    data = framed(RECORDS[1])
    path = tmp_path / "a.tfrecord"
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(OSError, match=r"a\.tfrecord' is damaged"):
            list(read_records(path))


def test_a_file_that_is_cut_is_found_after_what_is_whole(tmp_path):
    first, data = framed(RECORDS[2]), framed(RECORDS[1])
    path = tmp_path / "a.tfrecord"
    for length in range(1, len(data)):
        path.write_bytes(first + data[:length])
        records = read_records(path)
        assert next(records) == RECORDS[2]
        with pytest.raises(OSError, match=r"a\.tfrecord' is damaged"):
            next(records)
