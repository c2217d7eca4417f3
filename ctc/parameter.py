"""What a parameter is: how a line of `params` becomes a name, a type, a default and a check."""

import dataclasses
import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

from ctc.errors import BadInput, one_of

NONE = "none"  # how None is written; MLflow reads a `null` default as "required"

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
TIME = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>[smh])")
YEAR = 31_536_000.0  # seconds: the longest gap between two captures of a burst

Words = tuple[str, ...]  # written as one string, split at commas and blanks


@dataclass(frozen=True)
class Choice:
    """A check: one of a few words."""

    allowed: tuple[str, ...]

    def __call__(self, name: str, value: Any) -> None:
        """Raise BadInput for a word that is not among them."""
        one_of(name, value, self.allowed)


@dataclass(frozen=True)
class Between:
    """A check: a number from `low` to `high`, both included."""

    low: float
    high: float = float("inf")

    def __call__(self, name: str, value: Any) -> None:
        """Raise BadInput for a number outside."""
        if not self.low <= value <= self.high:
            upper = "" if self.high == float("inf") else f" and at most {self.high}"
            raise BadInput(f"{name}: found {value}; allowed: at least {self.low}{upper}")


@dataclass(frozen=True)
class CountOr:
    """A check: a whole number, written as text, or one word."""

    word: str

    def __call__(self, name: str, value: Any) -> None:
        """Raise BadInput for anything else."""
        if value != self.word and not (value.isascii() and value.isdigit()):
            raise BadInput(
                f"{name}: found '{value}'; allowed: a whole number from 0, or {self.word}"
            )


@dataclass(frozen=True)
class Duration:
    """A check: a time of at most so many seconds, written as text, such as 60s, 5m or 1h."""

    most: float

    def __call__(self, name: str, value: Any) -> None:
        """Raise BadInput for anything else."""
        seconds = seconds_of(value)
        if seconds is None or seconds > self.most:
            raise BadInput(
                f"{name}: found '{value}'; allowed: a number with s, m or h behind it, such as "
                f"60s, of at most {self.most:.0f}s"
            )


@dataclass(frozen=True)
class Parameter:
    """One parameter of a step, as its line in `params` declares it."""

    name: str
    type: Any
    default: Any
    help: str
    checks: tuple[Callable[[str, Any], None], ...]

    @property
    def kind(self) -> str:
        """The type as `MLproject` names it; MLflow has one for all numbers."""
        return "float" if self.type in (int, float) else "string"

    def parse(self, text: str) -> Any:
        """Turn text into a checked value.

        Raises:
            BadInput: for text that is not of the type or fails a check.
        """
        value = _parse(self.name, self.type, text)
        for check in self.checks if value is not None else ():
            check(self.name, value)
        return value


def parameters(step: type) -> list[Parameter]:
    """Return the parameters that a class of `params` declares, in order."""
    hints = get_type_hints(step, include_extras=True)
    return [_parameter(field, hints[field.name]) for field in dataclasses.fields(step)]


def _parameter(field: "dataclasses.Field[Any]", hint: Any) -> Parameter:
    type_, help_, *checks = get_args(hint)
    return Parameter(field.name, type_, field.default, help_, tuple(checks))


P = TypeVar("P")


def build(step: type[P], given: Mapping[str, str]) -> P:
    """Make a step's parameters from text; what is not given has its default.

    Raises:
        BadInput: for a name that the step does not have, and for a bad value.
    """
    known = {parameter.name: parameter for parameter in parameters(step)}
    for name in given:
        if name not in known:
            raise BadInput(unknown_parameter(name, list(known)))
    return step(**{name: known[name].parse(text) for name, text in given.items()})


def unknown_parameter(name: str, known: list[str]) -> str:
    """Say that a parameter does not exist, what might have been meant, and which do."""
    close = get_close_matches(name, known, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"unknown parameter '{name}'{hint}; allowed: {', '.join(known)}"


def as_text(value: Any) -> str:
    """Write a value as `parse` reads it."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(_quoted(word) for word in value) or NONE
    return str(value)


def _quoted(word: str) -> str:
    if word and word != NONE and not any(mark in word for mark in " ,\t\r\n'\""):
        return word
    inside = word.replace("'", "'\"'\"'")  # as shells do: close, a quote in other quotes, open
    return f"'{inside}'"


def words(name: str, text: str) -> Words:
    """Split at commas and blanks; a name that holds one stands in quotes.

    Raises:
        BadInput: for a quote that is not closed.
    """
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace += ","
    lexer.whitespace_split = True
    lexer.commenters = lexer.escape = ""
    try:
        return tuple(lexer)
    except ValueError as error:
        raise BadInput(f"{name}: a quote in {text!r} is not closed") from error


def seconds_of(text: str) -> float | None:
    """Return a time such as 60s, 1.5m or 1h in seconds; None for any other text."""
    found = TIME.fullmatch(text)
    return float(found["number"]) * SECONDS[found["unit"]] if found else None


def above_zero(text: str) -> float | None:
    """Return a finite number above 0, as it stands in LABEL=NUMBER; None for any other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number < math.inf else None


def _parse(name: str, type_: Any, text: str) -> Any:
    if isinstance(type_, UnionType):
        return None if text == NONE else _parse(name, get_args(type_)[0], text)
    if type_ == Words:
        return () if text == NONE else words(name, text)
    if type_ is bool:
        return one_of(name, text, ("yes", "no")) == "yes"
    if type_ in (int, float):
        return _number(name, type_, text)
    return text


def _number(name: str, type_: type, text: str) -> Any:
    try:
        return type_(text)
    except ValueError as error:
        kind = "a whole number" if type_ is int else "a number"
        raise BadInput(f"{name}: found '{text}'; allowed: {kind}") from error
