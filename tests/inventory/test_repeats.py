import random

import numpy as np
import pyarrow as pa
import pytest

from ctc.inventory.repeats import coded, fingerprints, first_of_each, numbered, repeated


def chunked(texts: list[str | None], chunk: int = 7) -> pa.ChunkedArray:
    """In chunks that begin in the middle of a larger array."""
    pieces = [
        pa.array(["before", *texts[start : start + chunk], "behind"], pa.string()).slice(1, chunk)
        for start in range(0, len(texts), chunk)
    ]
    pieces = [piece.slice(0, min(chunk, len(texts) - 7 * k)) for k, piece in enumerate(pieces)]
    return pa.chunked_array(pieces, pa.string())


def drawn(seed: int, count: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("ab\0ü", k=draw.randrange(30))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_equal_texts_have_equal_fingerprints_and_others_do_not(seed):
    texts = drawn(seed, 3000)
    marks = fingerprints(chunked(texts))
    assert len(np.unique(marks)) == len(set(texts))
    assert len(set(zip(texts, marks.tolist(), strict=True))) == len(set(texts))


def test_a_fingerprint_does_not_depend_on_the_texts_around():
    alone = [fingerprints(pa.chunked_array([[text]])).item() for text in ("ab", "", "x" * 200)]
    assert fingerprints(pa.chunked_array([["ab", "", "x" * 200]])).tolist() == alone


def test_texts_that_differ_in_one_sign_or_in_length_have_other_fingerprints():
    path = "S1/B04/S1_B04_PICT0001_1.JPG"
    texts = [path[:n] + sign + path[n + 1 :] for n in range(len(path)) for sign in "~!\0"]
    texts += [path[:n] for n in range(len(path) + 1)] + ["\0" * n for n in range(1, 20)]
    assert len(np.unique(fingerprints(pa.chunked_array([texts])))) == len(texts)


def test_texts_that_are_there_again_are_found():
    texts = [f"name {number}" for number in range(100_000)]
    assert len(repeated(chunked(texts, 10_000))) == 0
    texts[99_999] = texts[5]
    assert repeated(pa.chunked_array([texts])).tolist() == [5, 99_999]


@pytest.mark.parametrize("texts", [[], ["a"], ["b", "a", "b"], ["b", None, "b", None, "a"]])
def test_texts_are_numbered_in_order_of_appearance(texts):
    order = list(dict.fromkeys(text for text in texts if text is not None))
    expected = [-1 if text is None else order.index(text) for text in texts]
    for count in (numbered, coded):
        assert count(chunked(texts)).tolist() == expected
        assert count(chunked(texts)).dtype == np.int64


def test_the_first_of_each_row_of_numbers_is_found():
    one, other = np.array([5, -1, 5, 5, -1, 0]), np.array([2, 2, 2, -1, 2, 5])
    assert first_of_each(one, other).tolist() == [0, 1, 3, 5]
    large = np.array([10**9, 0, 10**9])
    assert first_of_each(large, large, large, large, large).tolist() == [0, 1]
