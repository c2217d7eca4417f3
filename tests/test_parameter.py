from dataclasses import dataclass
from typing import Annotated

import pytest

from ctc.errors import BadInput
from ctc.inventory.sources import SOURCES
from ctc.networks import NETWORKS
from ctc.parameter import Between, Choice, Words, as_text, build, parameters
from ctc.params import STEPS, InventoryParams, TrainParams


@dataclass(frozen=True)
class Walk:
    """A walk."""

    steps: Annotated[int, "Steps.", Between(1, 1000)] = 10
    pace: Annotated[float, "Pace.", Between(0.5)] = 1.5
    way: Annotated[str, "Way.", Choice(("road", "path"))] = "path"
    with_whom: Annotated[Words, "Names."] = ("Ada",)
    goal: Annotated[str | None, "Goal."] = None
    limit: Annotated[int | None, "Limit.", Between(5)] = None
    dogs: Annotated[bool, "Whether dogs come along."] = False


def test_what_is_not_given_has_its_default():
    assert build(Walk, {}) == Walk(10, 1.5, "path", ("Ada",), None, None, False)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("steps", "1", 1),
        ("steps", "1000", 1000),
        ("pace", "2", 2.0),
        ("pace", "5e-1", 0.5),
        ("pace", "inf", float("inf")),
        ("way", "road", "road"),
        ("goal", "none", None),
        ("goal", "None", "None"),
        ("goal", "", ""),
        ("goal", "the 'hill", "the 'hill"),
        ("limit", "none", None),
        ("limit", "5", 5),
        ("with_whom", "Ada,Bob", ("Ada", "Bob")),
        ("with_whom", " Ada , Bob\tCy\n", ("Ada", "Bob", "Cy")),
        ("with_whom", "'Ada B', \"C,D\"", ("Ada B", "C,D")),
        ("with_whom", "a#b c\\d", ("a#b", "c\\d")),
        ("with_whom", "train=0.7 x*", ("train=0.7", "x*")),
        ("with_whom", "", ()),
        ("with_whom", "none", ()),
        ("with_whom", "'none'", ("none",)),
        ("dogs", "yes", True),
        ("dogs", "no", False),
    ],
)
def test_text_becomes_a_value_of_its_type(name, text, value):
    found = getattr(build(Walk, {name: text}), name)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("steps", "many", "steps: found 'many'; allowed: a whole number"),
        ("steps", "2.0", "steps: found '2.0'; allowed: a whole number"),
        ("steps", "", "steps: found ''; allowed: a whole number"),
        ("steps", "none", "steps: found 'none'; allowed: a whole number"),
        ("steps", "0", "steps: found 0; allowed: at least 1 and at most 1000"),
        ("steps", "1001", "steps: found 1001; allowed: at least 1 and at most 1000"),
        ("steps", "9" * 400, f"steps: found {'9' * 400}; allowed: at least 1 and at most 1000"),
        ("pace", "fast", "pace: found 'fast'; allowed: a number"),
        ("pace", "0.499", "pace: found 0.499; allowed: at least 0.5"),
        ("pace", "nan", "pace: found nan; allowed: at least 0.5"),
        ("limit", "4", "limit: found 4; allowed: at least 5"),
        ("dogs", "true", "unknown dogs 'true'; allowed: yes, no"),
        ("way", "Road", "unknown way 'Road'; allowed: road, path"),
        ("with_whom", "Ada 'Bob", 'with_whom: a quote in "Ada \'Bob" is not closed'),
    ],
)
def test_text_that_does_not_fit_is_refused_with_what_is_allowed(name, text, sentence):
    with pytest.raises(BadInput) as refused:
        build(Walk, {name: text})
    assert str(refused.value) == sentence


def test_a_large_bound_is_named_exactly():
    with pytest.raises(BadInput, match=r"found 2147483648; .* at most 2147483647$"):
        build(TrainParams, {"seed": "2147483648"})


def test_an_unknown_name_is_refused_with_the_one_that_was_meant():
    with pytest.raises(BadInput) as refused:
        build(Walk, {"step": "3"})
    assert str(refused.value) == (
        "unknown parameter 'step' (did you mean 'steps'?); "
        "allowed: steps, pace, way, with_whom, goal, limit, dogs"
    )


def test_a_name_that_is_like_none_gets_no_suggestion():
    with pytest.raises(BadInput, match=r"^unknown parameter 'xyz'; allowed: steps, pace"):
        build(Walk, {"xyz": "3"})


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("a", "b"),
        ("a b", "c,d"),
        ("keeper's",),
        ("it's here", 'say "x"'),
        ("'", '"', "'\""),
        ("a\tb", "a\nb"),
        ("",),
        ("none",),
        ("none", "none"),
        ("#a", "b\\"),
    ],
)
def test_words_written_as_text_are_read_back(words):
    assert build(Walk, {"with_whom": as_text(words)}).with_whom == words


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param(parameter, id=f"{step}-{parameter.name}")
        for step, kind in STEPS.items()
        for parameter in parameters(kind)
    ],
)
def test_every_default_is_read_back_from_its_text(parameter):
    found = parameter.parse(as_text(parameter.default))
    assert found == parameter.default
    assert type(found) is type(parameter.default)
    assert parameter.help.endswith(".")


def choices(step: type, name: str) -> tuple[str, ...]:
    checks = next(p.checks for p in parameters(step) if p.name == name)
    return next(check.allowed for check in checks if isinstance(check, Choice))


def test_the_networks_on_offer_are_those_of_the_table():
    assert choices(TrainParams, "model") == ("auto", *NETWORKS)


def test_the_sources_on_offer_are_those_that_can_be_read():
    assert choices(InventoryParams, "source") == tuple(SOURCES)
