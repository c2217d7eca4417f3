"""Classes whose pictures are not for everybody's eyes: people, above all."""

import re
from collections.abc import Iterable
from functools import lru_cache

from ctc.parameter import Words

BETWEEN_WORDS = re.compile(r"[\W_]+")


def private_classes(names: Iterable[str], private: Words) -> list[str]:
    """Return the names that hold the words of a private class, in any case and number.

    Where `human` is private, so are `Humans` and `human, hunter`: a picture too few on a contact
    sheet does less harm than one too many.
    """
    return [name for name in names if _is_private(name, private)]


@lru_cache(maxsize=1024)  # asked for each capture again
def _is_private(name: str, private: Words) -> bool:
    return any(_holds(_words(name), _words(one)) for one in private)


def _words(name: str) -> list[str]:
    return [_singular(word) for word in BETWEEN_WORDS.split(name.casefold()) if word]


def _singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word


def _holds(words: list[str], part: list[str]) -> bool:
    starts = range(len(words) - len(part) + 1)
    return bool(part) and any(words[n : n + len(part)] == part for n in starts)
