"""A page made of a template: every text in it is escaped."""

import base64
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

UNKNOWN = "\N{EN DASH}"


def render(template: str, **values: Any) -> str:
    """Return the page that a template of `templates/` makes of some values."""
    return _environment().get_template(template).render(**values)


def data_uri(data: bytes, kind: str) -> str:
    """Return a picture as an address that holds it (RFC 2397); `kind` is such as `image/png`."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates"), encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "percent": percent, "interval": interval, "count": count}
    return made


def number(value: float | None) -> str:
    """Return a figure with three digits behind the point; a dash for one that is not known."""
    return UNKNOWN if value is None or isnan(value) else f"{value:.3f}"


def percent(value: float | None) -> str:
    """Return a share as a percentage; a dash for one that is not known."""
    return UNKNOWN if value is None or isnan(value) else f"{100 * value:.1f} %"


def interval(low: float | None, high: float | None) -> str:
    """Return both ends; a dash where none were drawn."""
    return UNKNOWN if number(low) == UNKNOWN else f"{number(low)}\N{EN DASH}{number(high)}"


def count(value: float) -> str:
    """Return a whole number with commas."""
    return f"{value:,.0f}"
