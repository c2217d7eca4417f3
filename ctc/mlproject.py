"""The text of `MLproject`, made from `params`; `make mlproject` writes it."""

import re
from pathlib import Path
from textwrap import fill

from ctc.parameter import Parameter, as_text, parameters
from ctc.params import STEPS

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./=_-]*")  # needs no quotes in YAML
BOOLEANS = ("yes", "no")  # which YAML would turn into True and False

HEAD = """\
# Made from ctc/params/ by `make mlproject`; change it there.
name: ctc

conda_env: conda.yaml

entry_points:
"""


def render() -> str:
    """Return the whole file."""
    return HEAD + "\n".join(_entry_point(name, parameters(kind)) for name, kind in STEPS.items())


def _entry_point(name: str, its: list[Parameter]) -> str:
    declared = "".join(f"      {p.name}: {{type: {p.kind}, default: {_scalar(p)}}}\n" for p in its)
    options = " ".join(f"--{p.name} {{{p.name}}}" for p in its)
    command = fill(
        f"python -m entrypoints.{name} {options}",
        width=100,
        initial_indent=" " * 6,
        subsequent_indent=" " * 6,
        break_on_hyphens=False,
    )
    return f"  {name}:\n    parameters:\n{declared}    command: >-\n{command}\n"


def _scalar(parameter: Parameter) -> str:
    text = as_text(parameter.default)
    return text if PLAIN.fullmatch(text) and text not in BOOLEANS else f'"{text}"'


if __name__ == "__main__":
    Path("MLproject").write_text(render())
