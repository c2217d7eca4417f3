"""A page made of a template: every text in it is escaped."""

import base64
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """Return the page that a template of `templates/` makes of some values."""
    return _environment().get_template(template).render(**values)


def data_uri(data: bytes, kind: str) -> str:
    """Return a picture as an address that holds it (RFC 2397); `kind` is such as `image/png`."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates"), encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
